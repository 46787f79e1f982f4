import { parse, TomlDate, TomlError } from "smol-toml";
import type { Problem } from "./problem.ts";
import { settingLines } from "./toml-lines.ts";
import { mostDepth, mostParts, type Origin, type Table, type Tree } from "./tree.ts";

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
  const lines = settingLines(text);
  let parts = 0;

  function read(value: unknown, path: string[], outer: Origin): Tree {
    parts++;
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
  if (parts > mostParts) {
    const message = `more than ${mostParts} values; is this the right file?`;
    return { problems: [{ severity: "error", origin: whole, message }] };
  }
  return tree.kind === "table" ? { table: tree, problems: [] } : { problems: [] };
}
