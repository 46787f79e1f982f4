import { readTimestamp } from "../config/values/timestamp.ts";
import { describe } from "../errors.ts";
import { usageError } from "./command-line.ts";

/**
 * A time as an option of a command has it.
 * @param option its name, without the dashes
 * @param text   as it was written; undefined if the option was not given
 * @returns milliseconds since 1970
 * @throws DfnError USAGE
 */
export function timeOption(
  command: { readonly name: string },
  option: string,
  text: string | undefined,
): number | undefined {
  if (text === undefined) return undefined;
  try {
    return readTimestamp(text).getTime();
  } catch (cause) {
    throw usageError(command, `--${option}: ${describe(cause)}`, cause);
  }
}
