import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { statIfPresent } from "../../daemon/disk/file-stat.ts";
import { readSegment, segmentsOf, type DeadLetter } from "../../daemon/dead-letters/segments.ts";

/** All entries of a store; fails if a line cannot be read. */
export async function lettersIn(directory: string): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  for (const segment of await segmentsOf(directory)) {
    const bad = (number: number) => assert.fail(`line ${number} of ${segment} is unreadable`);
    for await (const { letter } of readSegment(segment, bad)) letters.push(letter);
  }
  return letters;
}

export async function bytesIn(directory: string): Promise<number> {
  let total = 0;
  for (const name of await readdir(directory)) total += (await statIfPresent(join(directory, name), "keep"))?.size ?? 0;
  return total;
}
