import { extname } from "node:path";
import type { z } from "zod";
import { nearest } from "./nearest.ts";
import { putEnvironment, putOptions } from "./overrides.ts";
import { type Problem, inQuotes } from "./values/problem.ts";
import { type Config, schema, topNames } from "./schema.ts";
import { readToml } from "./text/toml.ts";
import { originAt, plain, type Table } from "./values/tree.ts";
import { readYaml } from "./text/yaml.ts";

/** All that settings can come from. */
export interface Written {
  /** Text of the configuration file. */
  readonly text: string;
  /** Its name, for messages; TOML where it ends in `.toml`, else YAML. */
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `name=value`, as given to `--set`; overrides the environment, which overrides the file. */
  readonly sets: readonly string[];
}

/** What was found: the settings when nothing is wrong with them, and in any case where each was written. */
export interface Inspection {
  readonly config?: Config;
  readonly tree: Table;
  /** All of them, those of the file first and by line. */
  readonly problems: readonly Problem[];
}

/** Reads settings from everywhere, and judges them. Never throws because of what is written. */
export function inspectText({ text, file, env, sets }: Written): Inspection {
  const { table, problems } = extname(file).toLowerCase() === ".toml" ? readToml(text, file) : readYaml(text, file);
  const tree: Table = table ?? { kind: "table", entries: new Map(), origin: { kind: "file", file, line: undefined } };
  problems.push(...putEnvironment(tree, env, topNames), ...putOptions(tree, sets));
  // Of a file that could not be parsed every required setting would be missing: that would hide the true fault.
  if (table === undefined) return { tree, problems };
  const result = schema.safeParse(plain(tree));
  if (!result.success) problems.push(...problemsOf(result.error, tree));
  problems.sort((a, b) => lineOf(a) - lineOf(b));
  return result.success && problems.length === 0 ? { config: result.data, tree, problems } : { tree, problems };
}

/** For the order of problems: those without a line come last. */
function lineOf({ origin }: Problem): number {
  return (origin?.kind === "file" ? origin.line : undefined) ?? Number.MAX_SAFE_INTEGER;
}

/** Each issue of the schema as a problem, with the place of the setting. */
function problemsOf(error: z.ZodError, tree: Table): Problem[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map((step) => (typeof step === "number" ? step : String(step)));
    if (issue.code !== "unrecognized_keys") return [problemAt(path, issue.message, tree)];
    // The message is the list of known names; see `section`.
    const names = issue.message.split(" ").filter((name) => name !== "");
    return issue.keys.map((key) => problemAt([...path, key], unknownName(key, names), tree));
  });
}

/** The name of a setting as it may stand in a message, since an unknown one can be any text. */
function shown(name: string): string {
  return /^[\w.-]{1,80}$/.test(name) ? name : inQuotes(name);
}

function problemAt(path: readonly (string | number)[], message: string, tree: Table): Problem {
  const { origin: whole } = tree;
  const origin = originAt(tree, path) ?? (whole.kind === "file" ? { ...whole, line: undefined } : whole);
  const setting = path.reduce<string>(
    (name, step) => (typeof step === "number" ? `${name}[${step}]` : `${name}${name === "" ? "" : "."}${shown(step)}`),
    "",
  );
  return { severity: "error", setting, message, origin };
}

function unknownName(key: string, names: readonly string[]): string {
  const meant = nearest(key, names);
  if (meant !== undefined) return `unknown setting; did you mean ${meant}?`;
  return names.length === 0
    ? "unknown setting; there are none here"
    : `unknown setting; there are: ${names.join(", ")}`;
}
