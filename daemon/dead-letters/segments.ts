/** The files of the dead-letter store, as they are read and made smaller. */
import { sourceDefinitions } from "../contract.ts";
import { type FileHandle, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { DfnError, errnoOf } from "../errors.ts";
import { writeAtomically, isProcessAlive } from "../disk/atomic-file.ts";
import { namesIn } from "../disk/list-directory.ts";
import { acknowledgedIn, acknowledgementsOf } from "./acknowledgements.ts";
import type { DeadLetter } from "./line.ts";
import { openSegment, scanLines, type ScannedLine } from "./scan.ts";
import { markRemoved, removedFrom, tombstonesOf } from "./tombstones.ts";

export type { DeadLetter } from "./line.ts";

/** An entry with its number in the segment, from 1, which it keeps for good. */
interface NumberedLetter {
  readonly number: number;
  readonly letter: DeadLetter;
  /** Whether somebody has acknowledged it. */
  readonly isAcknowledged: boolean;
  /** The size of the alert's bytes, even if `letter.raw` is left out because they were not asked for. */
  readonly rawBytes: number;
}

const suffix = ".ndjson";
/** As `DeadLetterStore` names them: time, process, serial number. Anything else in the directory is not a segment. */
const segmentName = /^[\dTZ-]{1,40}-\d{1,10}-\d{1,10}\.ndjson$/;
const usualRawBytes = 16 * 1024 * 1024;
const copiedAtOnce = 1024 * 1024;
const lineEnd = Buffer.from("\n");

/** Paths of the segments, oldest first. A store that was never written has none. */
export async function segmentsOf(directory: string): Promise<string[]> {
  try {
    const names = await namesIn(directory, (name) => segmentName.test(name));
    return names.toSorted().map((name) => join(directory, name));
  } catch (reason) {
    if (errnoOf(reason) === "ENOENT") return [];
    throw reason;
  }
}

/** Whether an error means that a file of the store is not one of ours: a link, a pipe, far too large. */
export function isForeign(reason: unknown): boolean {
  return reason instanceof DfnError && reason.code === "IO";
}

/** The id of an entry: the segment's name without its ending, a colon, and its number. */
export function letterId(segment: string, number: number): string {
  return `${basename(segment, suffix)}:${number}`;
}

/**
 * The entries of a segment that were not removed, in order; one at a time is in memory. A line that cannot be read is
 * skipped and its number given to `bad`; lines that were emptied are not entries.
 * @param maxRawBytes alerts of up to this many bytes are read with their entry; of longer ones `letter.raw` is left out
 * @throws DfnError IO when it is not a segment of ours; else the system's error
 */
export async function* readSegment(
  path: string,
  bad: (number: number) => void,
  maxRawBytes = usualRawBytes,
): AsyncGenerator<NumberedLetter> {
  const removed = await removedFrom(path);
  const acknowledged = await acknowledgedIn(path);
  await using file = await openSegment(path);
  for await (const line of scanLines(path, file)) {
    const { number, letter } = line;
    if (removed.has(number)) continue;
    if (letter === undefined) bad(number);
    else {
      const isAcknowledged = acknowledged.has(number);
      yield { number, isAcknowledged, ...(await withRaw(file, line, letter, maxRawBytes)) };
    }
  }
}

async function withRaw(
  file: FileHandle,
  { raw, rawRange }: ScannedLine,
  letter: DeadLetter,
  maxRawBytes: number,
): Promise<Pick<NumberedLetter, "letter" | "rawBytes">> {
  const rawBytes = rawRange?.bytes ?? (raw === undefined ? 0 : Buffer.byteLength(raw, "base64"));
  if (rawBytes > maxRawBytes) return { letter, rawBytes };
  if (raw !== undefined) return { letter: { ...letter, raw }, rawBytes };
  if (rawRange === undefined) return { letter, rawBytes };
  const { buffer, bytesRead } = await file.read(Buffer.alloc(rawRange.length), 0, rawRange.length, rawRange.from);
  return { letter: { ...letter, raw: buffer.toString("latin1", 0, bytesRead) }, rawBytes };
}

/** Whether no line of a segment holds anything that was not removed; an unreadable line counts as something. */
export async function isEmptied(path: string, removed: ReadonlySet<number>): Promise<boolean> {
  await using file = await openSegment(path);
  for await (const { number } of scanLines(path, file)) {
    if (!removed.has(number)) return false;
  }
  return true;
}

/**
 * What is removed from a segment to make room, in this order: entries that were removed; lines of the socket that are not
 * alerts, which have no position to keep and may be endless; finally the raw bytes of the others.
 */
export const compactionLevels = ["removed", "non-alerts", "raw"] as const;
export type CompactionLevel = (typeof compactionLevels)[number];

export interface Compacted {
  /** Entries that lost their raw bytes. */
  readonly stripped: number;
  /** Entries that were removed. */
  readonly forgotten: number;
  /** Bytes that the segment has now; 0 if nothing was left and it was deleted. */
  readonly bytes: number;
}

/** What becomes of a line. */
type Fate = "kept" | "stripped" | "forgotten" | "unreadable" | "removed";

/**
 * Rewrites a segment without what is to be removed and what cannot be read; undefined if that is nothing. It is read
 * twice, once to judge and once to copy, so that it is never in memory.
 * @throws DfnError IO when it is not a segment of ours; else the system's error
 */
export async function compact(path: string, level: CompactionLevel): Promise<Compacted | undefined> {
  const removed = await removedFrom(path);
  if (level === "removed" && removed.size === 0) return undefined;
  await using file = await openSegment(path);
  const counts: Record<Fate, number> = { kept: 0, stripped: 0, forgotten: 0, unreadable: 0, removed: 0 };
  const unreadable: number[] = [];
  for await (const line of scanLines(path, file)) {
    const fate = fateOf(line, level, removed);
    counts[fate] += 1;
    if (fate === "unreadable") unreadable.push(line.number);
  }
  const { stripped, forgotten } = counts;
  if (stripped + forgotten + counts.unreadable + counts.removed === 0) return undefined;
  await markRemoved(path, unreadable);
  if (counts.kept + stripped === 0) {
    await rm(path);
    await rm(tombstonesOf(path), { force: true });
    await rm(acknowledgementsOf(path), { force: true });
    return { stripped, forgotten, bytes: 0 };
  }
  const lines = rewritten(path, file, (line) => fateOf(line, level, removed));
  let bytes = 0;
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const piece of together(lines)) {
      bytes += piece.length;
      yield piece;
    }
  };
  await writeAtomically(path, counted());
  return { stripped, forgotten, bytes };
}

function fateOf(
  { number, letter, raw, rawRange }: ScannedLine,
  level: CompactionLevel,
  removed: ReadonlySet<number>,
): Fate {
  if (removed.has(number)) return "removed";
  if (letter === undefined) return "unreadable";
  if (level === "removed") return "kept";
  if (level === "non-alerts") return isNonAlert(letter) ? "forgotten" : "kept";
  return raw === undefined && rawRange === undefined ? "kept" : "stripped";
}

/** A dead letter on the disk may also be of a source that a later version had. */
const pushSources: ReadonlySet<string> = new Set(
  Object.entries(sourceDefinitions).flatMap(([name, { kind }]) => (kind === "push" ? [name] : [])),
);

/** A line of the socket that is not an alert: anybody who may write there can make any number of them. */
export function isNonAlert({ source, reason }: Pick<DeadLetter, "source" | "reason">): boolean {
  return pushSources.has(source) && (reason === "not-json" || reason === "over-long");
}

/** The lines of a segment after their fate; each keeps its number, because the others stay as empty lines. */
async function* rewritten(path: string, file: FileHandle, fate: (line: ScannedLine) => Fate): AsyncGenerator<Buffer> {
  let next = 1;
  for await (const line of scanLines(path, file)) {
    if (line.number > next) yield Buffer.alloc(line.number - next, lineEnd);
    next = line.number + 1;
    const becomes = fate(line);
    if (becomes === "kept") yield* copied(file, line.from, line.length);
    else if (becomes === "stripped") yield Buffer.from(JSON.stringify(line.letter));
    yield lineEnd;
  }
}

async function* copied(file: FileHandle, from: number, length: number): AsyncGenerator<Buffer> {
  for (let done = 0; done < length;) {
    const wanted = Math.min(copiedAtOnce, length - done);
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(wanted), 0, wanted, from + done);
    if (bytesRead === 0) throw new Error("the segment was cut off while it was read");
    done += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Small pieces joined into larger ones, for a call of the system for each. */
async function* together(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    held.push(piece);
    bytes += piece.length;
    if (bytes < copiedAtOnce) continue;
    yield Buffer.concat(held, bytes);
    held = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(held, bytes);
}

/** Whether another living process, as the segment's name shows, may be appending to it. */
export function isWrittenByAnother(path: string): boolean {
  const pid = Number(/-(\d+)-\d+\.ndjson$/.exec(path)?.[1]);
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return false;
  return isProcessAlive(pid);
}
