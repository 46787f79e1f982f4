import { extname } from "node:path";
import { nearest } from "../config/nearest.ts";
import { inspectText } from "../config/inspect.ts";
import { place, type Problem } from "../config/values/problem.ts";
import { mask } from "../config/values/printed.ts";
import { readToml } from "../config/text/toml.ts";
import type { Origin, Table, Tree } from "../config/values/tree.ts";
import { readYaml } from "../config/text/yaml.ts";
import { printConfig } from "./print.ts";
import { withoutPasswords } from "./producer-config.ts";
import { isPythonName, pythonNames, type PythonName, pythonSetting } from "./python-settings.ts";
import type { FateKind, Given, Target } from "./rule.ts";
import { rules } from "./rules.ts";

/** What became of one setting. */
export interface Fate {
  /** Its name there: `kafka.timeout`. */
  readonly setting: string;
  /** Its value, without secrets. */
  readonly value: string;
  /** Where it was written; `default` where nowhere. */
  readonly origin: string;
  readonly kind: FateKind;
  /** Our settings that it became: `sink.kafka.request_timeout: 60000ms`. */
  readonly becomes: readonly string[];
  readonly why: string;
}

export interface Migration {
  /** Our configuration, YAML. */
  readonly text: string;
  /** All that was written, in the order of the Python daemon's documentation, then defaults that were taken along. */
  readonly fates: readonly Fate[];
  /** What is wrong with the result as it is, or with the old file. */
  readonly problems: readonly Problem[];
}

/** The old file and the environment that the old daemon had. */
interface OldSettings {
  readonly text: string;
  /** Its name, for messages; TOML where it ends in `.toml`, else YAML. */
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The name that the result will have, for messages. */
  readonly result: string;
}

/** Settings whose default there is not what happens here without a word. */
const defaultsThatCount: readonly PythonName[] = ["dfn.dfn_broker", "dfn.dfn_cert", "dfn.dfn_key", "dfn.dfn_id"];

/** Translates the Python daemon's settings. Never throws because of what is written. */
export function migrate({ text, file, env, result }: OldSettings): Migration {
  const { table, problems } = extname(file).toLowerCase() === ".toml" ? readToml(text, file) : readYaml(text, file);
  if (table === undefined) return { text: "", fates: [], problems };
  const written = leavesOf(table);
  for (const name of pythonNames) {
    const { variable } = pythonSetting(name);
    const value = env[variable];
    if (value !== undefined)
      written.set(name, { kind: "text", text: value, origin: { kind: "environment", variable } });
  }
  const other = (name: string): string => valueOf(name, written.get(name));
  const targets: { target: Target; from: string }[] = [];
  const fates = pythonNames
    .filter((name) => written.has(name) || defaultsThatCount.includes(name))
    .map((name): Fate => {
      const tree = written.get(name);
      const given: Given = { text: other(name), tree, other };
      const outcome = rules[name](given);
      targets.push(...outcome.targets.map((target) => ({ target, from: name })));
      const becomes = outcome.targets.map(
        ([ours, value]) => `${ours}: ${typeof value === "string" ? value : value.join(", ")}`,
      );
      return { setting: name, value: shown(name, tree), origin: originOf(tree?.origin), becomes, ...outcome };
    });
  const unknown = [...written.keys()]
    .filter((name) => !isPythonName(name))
    .map((name) => unknownFate(name, written.get(name)));
  const printed = printConfig(targets);
  const inspection = inspectText({ text: printed, file: result, env: {}, sets: [] });
  return { text: printed, fates: [...fates, ...unknown], problems: inspection.problems };
}

/** Every value by its name in dots; a section that is a value itself stays whole. */
function leavesOf(table: Table): Map<string, Tree> {
  const found = new Map<string, Tree>();
  const visit = (tree: Tree, name: string): void => {
    if (tree.kind !== "table" || isPythonName(name)) found.set(name, tree);
    else for (const [key, entry] of tree.entries) visit(entry, name === "" ? key : `${name}.${key}`);
  };
  visit(table, "");
  return found;
}

/** The value as text; null, in the ways that YAML and the environment have, is empty. */
function valueOf(name: string, tree: Tree | undefined): string {
  if (tree === undefined) return isPythonName(name) ? pythonSetting(name).default : "";
  if (tree.kind === "list") return tree.items.map((item) => valueOf("", item)).join(",");
  if (tree.kind === "table") return "";
  return /^(null|~|none)$/i.test(tree.text) ? "" : tree.text;
}

function shown(name: string, tree: Tree | undefined): string {
  if (tree === undefined) return valueOf(name, undefined);
  if (/token|password|secret/i.test(name)) return mask;
  // In the environment it is JSON, and may hold a password.
  if (name === "kafka.producer_config" && tree.kind === "text") return mask;
  return withoutPasswords(tree);
}

function originOf(origin: Origin | undefined): string {
  return origin === undefined ? "default" : place(origin);
}

function unknownFate(setting: string, tree: Tree | undefined): Fate {
  const meant = nearest(setting, pythonNames);
  const why = `the Python daemon has no such setting${meant === undefined ? "" : `; was ${meant} meant?`}`;
  return { setting, value: shown(setting, tree), origin: originOf(tree?.origin), kind: "unknown", becomes: [], why };
}
