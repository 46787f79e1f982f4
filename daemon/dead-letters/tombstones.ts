/** Which entries of a segment were removed. */
import { Marks } from "./marks.ts";

const marks = new Marks("removed");

export function tombstonesOf(segment: string): string {
  return marks.fileOf(segment);
}

/** Numbers (from 1) of the entries that were removed. @throws as `Marks.of` */
export function removedFrom(segment: string): Promise<Set<number>> {
  return marks.of(segment);
}

/** Removes entries. @throws as `Marks.add` */
export function markRemoved(segment: string, numbers: Iterable<number>): Promise<void> {
  return marks.add(segment, numbers);
}
