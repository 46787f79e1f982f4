/**
 * Which entries of a segment were removed. A segment may be open in a running forwarder, so an entry is not cut out of
 * it: its number is appended to a file beside the segment, one line each. The number of an entry never changes.
 */
import { dirname } from "node:path";
import { syncDirectory } from "../disk/atomic-file.ts";
import { openForAppending } from "../disk/open-file.ts";
import { readRegularFile } from "../disk/read-file.ts";
import { errnoOf } from "../errors.ts";

const newline = 0x0a;
/** A word behind the number: a line that a crash cut off, in the middle of a number too, is none. */
const form = /^(\d{1,10}) removed$/;
/** A quarter of a million removals; a segment of ours has a tenth of that in entries. */
const mostBytes = 4 * 1024 * 1024;

export function tombstonesOf(segment: string): string {
  return `${segment}.removed`;
}

/**
 * Numbers (from 1) of the entries that were removed.
 * @throws DfnError IO when the file is not one that we made; else the system's error
 */
export async function removedFrom(segment: string): Promise<Set<number>> {
  const removed = new Set<number>();
  for (const line of (await textOf(tombstonesOf(segment))).split("\n")) {
    const number = form.exec(line)?.[1];
    if (number !== undefined) removed.add(Number(number));
  }
  return removed;
}

/** Removes entries. Durable once it resolves; removing one twice does no harm. @throws as `removedFrom` */
export async function markRemoved(segment: string, numbers: Iterable<number>): Promise<void> {
  const lines = [...numbers].map((number) => `${number} removed\n`).join("");
  if (lines === "") return;
  const file = await openForAppending(tombstonesOf(segment), 0o600);
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, Math.max(0, size - 1));
    const isTorn = bytesRead === 1 && buffer[0] !== newline;
    await file.appendFile(isTorn ? `\n${lines}` : lines);
    await file.datasync();
  } finally {
    await file.close();
  }
  await syncDirectory(dirname(segment));
}

async function textOf(path: string): Promise<string> {
  try {
    return (await readRegularFile(path, { maxBytes: mostBytes, links: "refuse" })).toString("latin1");
  } catch (reason) {
    if (errnoOf(reason) === "ENOENT") return "";
    throw reason;
  }
}
