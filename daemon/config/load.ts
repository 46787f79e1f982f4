import { DfnError } from "../errors.ts";
import type { Config } from "./schema.ts";
import { inspectText, type Inspection } from "./inspect.ts";
import { type Problem, problemLine } from "./values/problem.ts";
import { readSmallText } from "./small-file.ts";

interface LoadOptions {
  /** The configuration file: TOML where it ends in `.toml`, else YAML. */
  readonly path: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `name=value`, as given to `--set`; overrides the environment, which overrides the file. */
  readonly sets: readonly string[];
}

/** Most problems that one message names. */
const mostLines = 50;

/**
 * The complete settings. May be called again at any time, for a reload.
 * @throws DfnError CONFIG whose message names every problem, one a line, with its place
 */
export function loadConfiguration(options: LoadOptions): Config {
  const { config, problems } = inspect(options);
  if (config === undefined) throw wrongSettings(options.path, problems);
  return config;
}

/** Like `load`, but hands the problems back. Throws DfnError CONFIG only where the file itself cannot be read. */
export function inspect({ path, env, sets }: LoadOptions): Inspection {
  const remedy = "name another one with --config, or write one to start from: wazuh-dfn config sample";
  return inspectText({ text: readSmallText(path, "the configuration", remedy), file: path, env, sets });
}

/** The error that names every problem of a file, one a line, with its place. */
export function wrongSettings(path: string, problems: readonly Problem[]): DfnError {
  const lines = problems.slice(0, mostLines).map(problemLine);
  if (problems.length > mostLines) lines.push(`and ${problems.length - mostLines} more`);
  const heading = `the configuration ${path} has ${problems.length === 1 ? "a problem" : `${problems.length} problems`}:`;
  return new DfnError("CONFIG", [heading, ...lines].join("\n  "));
}
