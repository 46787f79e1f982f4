import type { Config } from "../config/schema.ts";
import { loadConfiguration } from "../config/load.ts";
import type { Options } from "./command-line.ts";

export { parseCommandLine } from "./command-line.ts";

/** What a command may use of the process that runs it. */
export interface Io {
  /** Data, and nothing else. */
  readonly stdout: NodeJS.WritableStream;
  /** Problems, progress and the log. */
  readonly stderr: NodeJS.WritableStream;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** One command of the command line; one file each. */
export interface Command {
  readonly name: string;
  /** What it does, in one line of at most 70 characters, for the list of commands. */
  readonly summary: string;
  /** The whole text of `wazuh-dfn NAME --help`, ending with a newline. */
  readonly usage: string;
  /**
   * Runs to its end. Options are parsed by `parseCommandLine`; `--help` has been dealt with before.
   * @param args the arguments after the command's name
   * @returns the exit code
   * @throws DfnError for everything that the administrator can fix; its code gives the exit code
   */
  run(args: readonly string[], io: Io): Promise<number>;
}

/** Where the configuration is without `--config`. */
const defaultConfigPath = "/etc/wazuh-dfn/config.yaml";

/** The options of every command that needs the configuration. */
export const configOptions = {
  config: { type: "string", default: defaultConfigPath },
  set: { type: "string", multiple: true, default: [] },
} satisfies Options;

/** The lines about `configOptions` in the text of `--help`. */
export const configOptionsHelp = `  --config FILE       settings, YAML or (ending in .toml) TOML; default ${defaultConfigPath}
  --set NAME=VALUE    one setting, which overrides environment and file; may be repeated,
                      for instance --set sink.kafka.brokers=a:9093,b:9093
`;

/** The longest line that a source accepts, in bytes. */
export function maxLineBytes({ sources }: Config): number {
  return Math.max(...Object.values(sources).map((source) => source?.maxLineBytes ?? 0));
}

/** The settings that `configOptions` select. Throws DfnError CONFIG. */
export function loadConfig(values: { readonly config: string; readonly set: readonly string[] }, io: Io): Config {
  return loadConfiguration({ path: values.config, env: io.env, sets: values.set });
}
