import { parseArgs, type ParseArgsConfig } from "node:util";
import { nearest } from "../config/nearest.ts";
import { describe, DfnError, errnoOf } from "../errors.ts";

/** Options as `parseArgs` of node:util takes them. */
export type Options = NonNullable<ParseArgsConfig["options"]>;
type Parsed<O extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: O; strict: true; allowPositionals: true }>
>;

/**
 * The options and operands of a command.
 * @param operands the minimum and maximum number of operands
 * @throws DfnError USAGE that names what is wrong, and the nearest option
 */
export function parseCommandLine<const O extends Options>(
  command: { readonly name: string },
  args: readonly string[],
  options: O,
  operands: { readonly min: number; readonly max: number } = { min: 0, max: 0 },
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
  if (count > operands.max) {
    throw usageError(command, `unexpected operand "${parsed.positionals[operands.max] ?? ""}"`);
  }
  if (count < operands.min) throw usageError(command, "an operand is missing");
  return parsed;
}

/** The error for a command line that a command cannot take. @param reason without a full stop */
export function usageError(command: { readonly name: string }, reason: string, cause?: unknown): DfnError {
  const sentence = `${command.name}: ${reason.replace(/\.$/, "")}; see: wazuh-dfn ${command.name} --help`;
  return new DfnError("USAGE", sentence, cause === undefined ? {} : { cause });
}

/** The error text for the first unknown option, or undefined if the fault is another one. */
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
