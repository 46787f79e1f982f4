import { isScalar, LineCounter, parseDocument } from "yaml";
import { type Problem, problemLine } from "../values/problem.ts";
import type { Origin, Table } from "../values/tree.ts";
import { InvalidShape, YamlReader } from "./yaml-reader.ts";

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
  const tooDeep = tooDeepLine(text);
  if (tooDeep !== undefined) {
    const origin: Origin = { kind: "file", file, line: tooDeep };
    return { problems: [{ severity: "error", origin, message: "nested too deeply" }] };
  }
  const document = parseDocument(text, options);
  const problems = [...document.errors, ...document.warnings].map((fault): Problem => ({
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
  const reader = new YamlReader(at);
  try {
    const tree = reader.read(root, origin, 0);
    if (tree.kind === "table") return { table: tree, problems: reader.problems };
    throw new InvalidShape("the file must hold sections of settings (dfn:, sink:, ...)", origin);
  } catch (error) {
    if (!(error instanceof InvalidShape)) throw error;
    return { problems: [...reader.problems, { severity: "error", origin: error.origin, message: error.message }] };
  }
}

/** Far more than settings need, far less than the parser's recursion can take. */
const mostColumns = 256;
const mostBrackets = 200;

/**
 * The first line that may be nested too deeply for the parser, judged roughly: by what is before its first word, and
 * by brackets left open, those in text and comments included. The parser recurses, and at the end of its stack V8 can
 * end the whole process instead of throwing (seen with Node 20).
 */
function tooDeepLine(text: string): number | undefined {
  let open = 0;
  for (const [index, line] of text.split("\n").entries()) {
    if ((/^[\s?:-]*/.exec(line)?.[0].length ?? 0) > mostColumns) return index + 1;
    for (const character of line) {
      if (character === "[" || character === "{") open++;
      else if (character === "]" || character === "}") open = Math.max(0, open - 1);
      if (open > mostBrackets) return index + 1;
    }
  }
  return undefined;
}

/** One open bracket too many makes the same sentence once per bracket. */
function withoutRepeats(problems: readonly Problem[]): Problem[] {
  const byLine = new Map(problems.map((problem) => [problemLine(problem), problem]));
  return [...byLine.values()];
}

/** The parser's messages that an administrator meets, in the words of settings. */
function explain(code: string, message: string): string {
  switch (code) {
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
