import { parse, TomlDate, TomlError } from "smol-toml";
import type { Problem } from "../values/problem.ts";
import { settingLines } from "./toml-lines.ts";
import { mostDepth, mostParts, type Origin, type Table, type Tree } from "../values/tree.ts";

/**
 * Reads TOML into a tree. Numbers, truth values and dates become the text that YAML would hold; integers of any size
 * stay exact.
 * @returns the tree, or the problems, each with its line
 */
export function readToml(text: string, file: string): { readonly table?: Table; readonly problems: Problem[] } {
  const whole: Origin = { kind: "file", file, line: 1 };
  let parsed: object;
  try {
    parsed = parse(text, { integersAsBigInt: true, maxDepth: mostDepth });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The first line only: behind it the parser quotes the file, which may hold a secret.
    const reason = (error.message.split("\n")[0] ?? "").replace(/^Invalid TOML document: /, "");
    const origin: Origin = { kind: "file", file, line: error.line };
    return { problems: [{ severity: "error", origin, message: `not valid TOML: ${reason}` }] };
  }
  const unfit = unfitness(parsed);
  if (unfit !== undefined) return { problems: [{ severity: "error", origin: whole, message: unfit }] };
  const lines = settingLines(text);

  function read(value: unknown, path: string[], outer: Origin): Tree {
    const line = lines.get(path.join("\u0000"));
    const origin: Origin = line === undefined ? outer : { kind: "file", file, line };
    if (Array.isArray(value)) {
      return { kind: "list", items: value.map((item: unknown) => read(item, [...path, "[]"], origin)), origin };
    }
    if (value instanceof TomlDate) return { kind: "text", text: value.toISOString(), origin };
    if (typeof value === "object" && value !== null) {
      const entries = new Map<string, Tree>();
      for (const [name, entry] of Object.entries(value)) entries.set(name, read(entry, [...path, name], origin));
      return { kind: "table", entries, origin };
    }
    return { kind: "text", text: String(value), origin };
  }

  const tree = read(parsed, [], whole);
  return tree.kind === "table" ? { table: tree, problems: [] } : { problems: [] };
}

/** What makes a document larger or deeper than any configuration; looked at without recursion. */
function unfitness(document: object): string | undefined {
  const waiting: { readonly value: unknown; readonly depth: number }[] = [{ value: document, depth: 0 }];
  let parts = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { value, depth } = next;
    parts++;
    if (parts > mostParts) return `more than ${mostParts} values; is this the right file?`;
    if (depth > mostDepth) return "nested too deeply";
    if (typeof value !== "object" || value === null) continue;
    for (const inner of Object.values(value)) waiting.push({ value: inner, depth: depth + 1 });
  }
  return undefined;
}
