/**
 * Settings as they were written, before anything is known of their meaning: every value is text, and every part knows
 * where it comes from. File, environment and command line become trees of this form and are laid over each other.
 * Text, because `customer_id: 0123` must not lose its zero and `on` means the same in YAML, TOML and the environment.
 */

/** Where a setting was written. */
export type Origin =
  | { readonly kind: "file"; readonly file: string; readonly line: number | undefined }
  | { readonly kind: "environment"; readonly variable: string }
  | { readonly kind: "option"; readonly name: string };

export type Tree = Text | List | Table;

/** One value. Empty text means "not set": the default holds. */
export interface Text {
  readonly kind: "text";
  readonly text: string;
  readonly origin: Origin;
}

export interface List {
  readonly kind: "list";
  readonly items: readonly Tree[];
  readonly origin: Origin;
}

export interface Table {
  readonly kind: "table";
  readonly entries: Map<string, Tree>;
  readonly origin: Origin;
}

/** Names from the top to one setting; a number is a place in a list. */
export type Path = readonly (string | number)[];

/** Most values, lists and tables that one file may hold, copies by YAML aliases counted each time. */
export const mostParts = 10_000;

/** Deepest nesting; the deepest setting is at depth 5. */
export const mostDepth = 16;

/** The tree as the schema reads it: strings, arrays and objects without a prototype. */
export function plain(tree: Tree): unknown {
  if (tree.kind === "text") return tree.text;
  if (tree.kind === "list") return tree.items.map((item) => plain(item));
  const object: Record<string, unknown> = { __proto__: null };
  for (const [name, entry] of tree.entries) {
    object[name] = entry.kind === "text" && entry.text === "" ? undefined : plain(entry);
  }
  return object;
}

/** The part at a path, or undefined. */
export function partAt(tree: Tree, path: Path): Tree | undefined {
  let part: Tree | undefined = tree;
  for (const step of path) {
    if (part?.kind === "table") part = part.entries.get(String(step));
    else if (part?.kind === "list" && typeof step === "number") part = part.items[step];
    else return undefined;
  }
  return part;
}

/** Where the setting at a path was written; for one that was not, where the nearest part around it was. */
export function originAt(tree: Tree, path: Path): Origin | undefined {
  for (let length = path.length; length > 0; length--) {
    const part = partAt(tree, path.slice(0, length));
    if (part !== undefined) return part.origin;
  }
  return undefined;
}

/** Lays one value over the tree; what stood at the path, or in the way to it, is replaced. */
export function put(table: Table, path: readonly string[], value: Text): void {
  let at = table;
  for (const name of path.slice(0, -1)) {
    let next = at.entries.get(name);
    if (next?.kind !== "table") {
      next = { kind: "table", entries: new Map(), origin: value.origin };
      at.entries.set(name, next);
    }
    at = next;
  }
  const last = path.at(-1);
  if (last !== undefined) at.entries.set(last, value);
}
