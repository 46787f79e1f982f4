import { isAlias, isMap, isScalar, isSeq, LineCounter, type ParsedNode, parseDocument } from "yaml";
import { mostDepth, mostParts, type Origin, type Table, type Tree } from "./tree.ts";
import { type Problem, problemLine, quoted } from "./problem.ts";

/**
 * Reads YAML 1.2 into a tree. Every scalar stays as it was written (the "failsafe" schema); tags are refused; aliases
 * are followed, but their copies count against the bound on parts. The parser's own check for names written twice takes
 * quadratic time, so it is done here.
 * @returns the tree, or the problems, each with its line
 */
export function readYaml(text: string, file: string): { readonly table?: Table; readonly problems: Problem[] } {
  const lines = new LineCounter();
  const at = (offset: number): Origin => ({ kind: "file", file, line: lines.linePos(offset).line });
  // Without "pretty" errors: those quote the line, and it may hold a secret.
  const options = { schema: "failsafe", lineCounter: lines, prettyErrors: false, uniqueKeys: false } as const;
  const document = parseDocument(text, options);
  const faults = [...document.errors, ...document.warnings];
  // What the parser says behind the end of its stack is noise.
  const deep = faults.find((fault) => fault.code === "RESOURCE_EXHAUSTION");
  const problems = (deep === undefined ? faults : [deep]).map((fault): Problem => ({
    severity: "error",
    origin: at(fault.pos[0]),
    message: explain(fault.code, fault.message),
  }));
  if (problems.length > 0) return { problems: withoutRepeats(problems) };
  const root = document.contents;
  const origin = at(0);
  if (root === null || (isScalar(root) && root.value === "")) {
    return { table: { kind: "table", entries: new Map(), origin }, problems };
  }
  const reader = new Reader(at);
  try {
    const tree = reader.read(root, origin, 0);
    if (tree.kind === "table") return { table: tree, problems: reader.problems };
    throw new Misshapen("the file must hold sections of settings (dfn:, sink:, ...)", origin);
  } catch (error) {
    if (!(error instanceof Misshapen)) throw error;
    return { problems: [...reader.problems, { severity: "error", origin: error.origin, message: error.message }] };
  }
}

/** One open bracket too many makes the same sentence once per bracket. */
function withoutRepeats(problems: readonly Problem[]): Problem[] {
  const byLine = new Map(problems.map((problem) => [problemLine(problem), problem]));
  return [...byLine.values()];
}

/** What makes the rest of the file unreadable. */
class Misshapen extends Error {
  readonly origin: Origin;
  constructor(message: string, origin: Origin) {
    super(message);
    this.origin = origin;
  }
}

/** Makes the parser's nodes a tree. */
class Reader {
  /** Names written twice: said, and read on. */
  readonly problems: Problem[] = [];
  readonly #at: (offset: number) => Origin;
  readonly #anchors = new Map<string, { readonly tree: Tree; readonly parts: number }>();
  #parts = 0;

  constructor(at: (offset: number) => Origin) {
    this.#at = at;
  }

  /** @param origin where the setting's name stands, which is what an administrator looks for */
  read(node: ParsedNode | null, origin: Origin, depth: number): Tree {
    const before = this.#parts;
    this.#count(1, origin);
    if (depth > mostDepth) throw new Misshapen("nested too deeply", origin);
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
      if (anchor === undefined) throw new Misshapen(`there is no anchor &${node.source} before this alias`, origin);
      this.#count(anchor.parts, origin);
      return { ...anchor.tree, origin };
    }
    if (isSeq(node)) {
      const items = node.items.map((item) => this.read(item, this.#at(item.range[0]), depth + 1));
      return { kind: "list", items, origin };
    }
    if (!isMap(node)) throw new Misshapen("neither a value nor a list nor a section", origin);
    const entries = new Map<string, Tree>();
    for (const { key, value } of node.items) {
      if (!isScalar(key)) throw new Misshapen("the name of a setting must be plain text", this.#at(key.range[0]));
      const name = String(key.value);
      const place = this.#at(key.range[0]);
      if (entries.has(name)) {
        const message = `${quoted(name)} is written twice in the same section; keep one of them`;
        this.problems.push({ severity: "error", origin: place, message });
      }
      entries.set(name, this.read(value, place, depth + 1));
    }
    return { kind: "table", entries, origin };
  }

  #count(parts: number, origin: Origin): void {
    this.#parts += parts;
    if (this.#parts > mostParts) throw new Misshapen(`more than ${mostParts} values; is this the right file?`, origin);
  }
}

/** The parser's messages that an administrator meets, in the words of settings. */
function explain(code: string, message: string): string {
  switch (code) {
    case "RESOURCE_EXHAUSTION":
      return "nested too deeply";
    case "TAG_RESOLVE_FAILED":
      return "a tag (!...) is not allowed; write the plain value";
    case "MULTIPLE_DOCS":
      return "a second document (---) is not allowed";
    case "TAB_AS_INDENT":
      return "indent with blanks, not with a tab";
    default:
      return `not valid YAML: ${message}`;
  }
}
