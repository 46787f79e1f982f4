import { parseArgs, type ParseArgsConfig } from "node:util";
import { load } from "../config/load.ts";
import { nearest } from "../config/nearest.ts";
import type { Config } from "../config/config.ts";
import { describe, DfnError, errnoOf } from "../errors.ts";

/** What a command may touch of the process that runs it. */
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
   * @param args what stands after the command's name
   * @returns the exit code
   * @throws DfnError for all that the administrator can mend; its code gives the exit code
   */
  run(args: readonly string[], io: Io): Promise<number>;
}

type Options = NonNullable<ParseArgsConfig["options"]>;
type Parsed<O extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: O; strict: true; allowPositionals: true }>
>;

/** Where the configuration stands when `--config` does not say it. */
export const defaultConfigPath = "/etc/wazuh-dfn/config.yaml";

/** The options of every command that needs the configuration. */
export const configOptions = {
  config: { type: "string", default: defaultConfigPath },
  set: { type: "string", multiple: true, default: [] },
} satisfies Options;

/** The lines on `configOptions` for the text of `--help`. */
export const configOptionsHelp = `  --config FILE       settings, YAML or (ending in .toml) TOML; default ${defaultConfigPath}
  --set NAME=VALUE    one setting, above environment and file; may be repeated,
                      for instance --set sink.kafka.brokers=a:9093,b:9093
`;

/**
 * The options and operands of a command.
 * @param operands the least and most operands that it takes
 * @throws DfnError USAGE that names what is wrong, and the nearest option
 */
export function parseCommandLine<const O extends Options>(
  command: Pick<Command, "name">,
  args: readonly string[],
  options: O,
  operands: { readonly least: number; readonly most: number } = { least: 0, most: 0 },
): Parsed<O> {
  const known = Object.keys(options);
  let parsed: Parsed<O>;
  try {
    parsed = parseArgs({ args: [...args], options, strict: true, allowPositionals: true });
  } catch (error) {
    const fault = errnoOf(error);
    if (!fault?.startsWith("ERR_PARSE_ARGS_")) throw error;
    const named = fault === "ERR_PARSE_ARGS_UNKNOWN_OPTION" ? unknownOption(args, known) : undefined;
    throw usageError(command, named ?? describe(error), error);
  }
  const count = parsed.positionals.length;
  if (count > operands.most) {
    throw usageError(command, `"${parsed.positionals[operands.most] ?? ""}" is one operand too many`);
  }
  if (count < operands.least) throw usageError(command, "an operand is missing");
  return parsed;
}

/** The settings that `configOptions` name. Throws DfnError CONFIG, or IO where the file cannot be read. */
export function loadConfig(values: { readonly config: string; readonly set: readonly string[] }, io: Io): Config {
  return load({ path: values.config, env: io.env, sets: values.set });
}

function usageError(command: Pick<Command, "name">, reason: string, cause?: unknown): DfnError {
  const sentence = `${command.name}: ${reason.replace(/\.$/, "")}; see: wazuh-dfn ${command.name} --help`;
  return new DfnError("USAGE", sentence, cause === undefined ? {} : { cause });
}

/** The sentence on the first option that is not known, or undefined when the fault is another one. */
function unknownOption(args: readonly string[], known: readonly string[]): string | undefined {
  const end = args.indexOf("--");
  for (const arg of end < 0 ? args : args.slice(0, end)) {
    const written = /^--?([^=]*)/.exec(arg)?.[1];
    if (written === undefined || written === "" || known.includes(written)) continue;
    const meant = nearest(written, known);
    const hint = meant === undefined ? "" : `; did you mean --${meant}?`;
    return `there is no option ${arg.split("=")[0] ?? arg}${hint}`;
  }
  return undefined;
}
