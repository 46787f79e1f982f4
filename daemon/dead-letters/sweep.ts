import { lstat, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { removeLeftovers } from "../disk/atomic-file.ts";
import { namesIn } from "../disk/list-directory.ts";
import { acknowledgementsOf } from "./acknowledgements.ts";
import { isEmptied, isForeign, isWrittenByAnother, segmentsOf } from "./segments.ts";
import { removedFrom, tombstonesOf } from "./tombstones.ts";

/** Where a segment is for the moment between the last check and its deletion. */
const asideSuffix = ".gone";
/** Numbers outlive their segment: a store that was just rewriting the segment puts it back, and they hold for it. */
const orphanedMs = 3_600_000;

/**
 * Deletes segments of which every entry was removed. One that a living process may be writing to stays: the process id
 * in its name shows that. If the id says nothing (the writer runs in a container), two precautions keep what the writer
 * adds just then: the segment is read once more under another name, and the writer checks after each entry that its
 * file is in place.
 * For one process at a time, which writes no entries itself.
 */
export async function sweep(directory: string): Promise<void> {
  await putBack(directory);
  for (const segment of await segmentsOf(directory)) {
    if (isWrittenByAnother(segment)) continue;
    try {
      await sweepOne(segment);
    } catch (reason) {
      // What is not ours stays; commands that read the store name it.
      if (!isForeign(reason)) throw reason;
    }
  }
  await forgetOrphans(directory);
  await removeLeftovers(directory);
}

async function sweepOne(segment: string): Promise<void> {
  const removed = await removedFrom(segment);
  if (!(await isEmptied(segment, removed))) return;
  const aside = `${segment}${asideSuffix}`;
  await rename(segment, aside);
  if (await isEmptied(aside, removed)) await rm(aside);
  else await rename(aside, segment);
}

/** What a crash has left half done. */
async function putBack(directory: string): Promise<void> {
  for (const name of await namesIn(directory, (name) => name.endsWith(asideSuffix))) {
    await rename(join(directory, name), join(directory, name.slice(0, -asideSuffix.length)));
  }
}

async function forgetOrphans(directory: string): Promise<void> {
  const markFiles = [tombstonesOf, acknowledgementsOf];
  const known = new Set((await segmentsOf(directory)).flatMap((segment) => markFiles.map((of) => of(segment))));
  for (const name of await namesIn(directory, (name) => markFiles.some((of) => name.endsWith(of(""))))) {
    const path = join(directory, name);
    if (known.has(path)) continue;
    const { mtimeMs } = await lstat(path);
    if (Date.now() - mtimeMs > orphanedMs) await rm(path);
  }
}
