import { opendir } from "node:fs/promises";
import { DfnError } from "../errors.ts";

/** More than any directory holds that we write to or read. */
const maxNames = 100_000;

/**
 * The names in a directory that somebody else may fill: with a bound.
 * @param isWanted only these are held and counted; default: all
 * @param max how many there may be; default 100,000
 * @throws DfnError IO when there are more; else the system's error
 */
export async function namesIn(
  directory: string,
  isWanted?: (name: string) => boolean,
  max = maxNames,
): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of await opendir(directory, { bufferSize: 256 })) {
    if (isWanted !== undefined && !isWanted(name)) continue;
    if (names.length === max) {
      throw new DfnError("IO", `${directory} holds more than ${max} files: remove what does not belong there`);
    }
    names.push(name);
  }
  return names;
}
