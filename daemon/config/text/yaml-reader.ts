import { isAlias, isMap, isScalar, isSeq, type ParsedNode } from "yaml";
import { type Problem, inQuotes } from "../values/problem.ts";
import { mostDepth, mostParts, type Origin, type Tree } from "../values/tree.ts";

/** What makes the rest of the file unreadable. */
export class InvalidShape extends Error {
  readonly origin: Origin;
  constructor(message: string, origin: Origin) {
    super(message);
    this.origin = origin;
  }
}

/** Makes the parser's nodes a tree. Throws InvalidShape. */
export class YamlReader {
  /** Names written twice: said, and read on. */
  readonly problems: Problem[] = [];
  readonly #at: (offset: number) => Origin;
  readonly #anchors = new Map<string, { readonly tree: Tree; readonly parts: number }>();
  #parts = 0;

  constructor(at: (offset: number) => Origin) {
    this.#at = at;
  }

  /** @param origin where the setting's name is, which is what an administrator looks for */
  read(node: ParsedNode | null, origin: Origin, depth: number): Tree {
    const before = this.#parts;
    this.#count(1, origin);
    if (depth > mostDepth) throw new InvalidShape("nested too deeply", origin);
    const tree = this.#readBare(node, origin, depth);
    // Kept only now that it is complete, so that an alias inside its own anchor finds nothing.
    if (node !== null && !isAlias(node) && node.anchor !== undefined) {
      this.#anchors.set(node.anchor, { tree, parts: this.#parts - before });
    }
    return tree;
  }

  #readBare(node: ParsedNode | null, origin: Origin, depth: number): Tree {
    if (node === null) return { kind: "text", text: "", origin };
    if (isScalar(node)) return { kind: "text", text: String(node.value), origin };
    if (isAlias(node)) {
      const anchor = this.#anchors.get(node.source);
      if (anchor === undefined) throw new InvalidShape(`there is no anchor &${node.source} before this alias`, origin);
      this.#count(anchor.parts, origin);
      return { ...anchor.tree, origin };
    }
    if (isSeq(node)) {
      const items = node.items.map((item) => this.read(item, this.#at(item.range[0]), depth + 1));
      return { kind: "list", items, origin };
    }
    if (!isMap(node)) throw new InvalidShape("neither a value nor a list nor a section", origin);
    const entries = new Map<string, Tree>();
    for (const { key, value } of node.items) {
      if (!isScalar(key)) throw new InvalidShape("the name of a setting must be plain text", this.#at(key.range[0]));
      const name = String(key.value);
      const place = this.#at(key.range[0]);
      if (entries.has(name)) {
        const message = `${inQuotes(name)} is written twice in the same section; keep one of them`;
        this.problems.push({ severity: "error", origin: place, message });
      }
      entries.set(name, this.read(value, place, depth + 1));
    }
    return { kind: "table", entries, origin };
  }

  #count(parts: number, origin: Origin): void {
    this.#parts += parts;
    if (this.#parts > mostParts)
      throw new InvalidShape(`more than ${mostParts} values; is this the right file?`, origin);
  }
}
