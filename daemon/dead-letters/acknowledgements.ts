/** Which entries of a segment somebody has acknowledged: they stay in the store and no longer degrade the health. */
import { DfnError } from "../errors.ts";
import { Marks } from "./marks.ts";

const marks = new Marks("acknowledged");

export function acknowledgementsOf(segment: string): string {
  return marks.fileOf(segment);
}

/**
 * Numbers (from 1) of the entries that are acknowledged. A file that is not one that we made acknowledges nothing: the
 * entries are still there, and acknowledging them again says what is wrong with it.
 * @throws the system's error
 */
export async function acknowledgedIn(segment: string): Promise<Set<number>> {
  try {
    return await marks.of(segment);
  } catch (reason) {
    if (reason instanceof DfnError && reason.code === "IO") return new Set();
    throw reason;
  }
}

/** Acknowledges entries. @throws as `Marks.add` */
export function markAcknowledged(segment: string, numbers: Iterable<number>): Promise<void> {
  return marks.add(segment, numbers);
}
