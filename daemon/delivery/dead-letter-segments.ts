/** The files of the dead-letter store, as they are read and made smaller. */
import { readdir, readFile, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { errnoOf } from "../errors.ts";
import { writeAtomically } from "../disk/atomic-file.ts";
import type { DeadReason, Place, SourceName } from "./contract.ts";
import { markRemoved, removedFrom, tombstonesOf } from "./dead-letter-tombstones.ts";

/** One entry, as it stands in the file. */
export interface DeadLetter {
  readonly version: 1;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly source: SourceName;
  /** The node that wrote it: the record's `wazuh-node`; of what is no alert, the node that read it. */
  readonly node?: string;
  readonly reason: DeadReason;
  /** A sentence on what was wrong. */
  readonly detail: string;
  /** The handler whose record was refused, where there is one. */
  readonly handler?: string;
  readonly place: Place;
  /** The alert's bytes in base64; absent when they were given up for room. */
  readonly raw?: string;
  /** Bytes in `raw` where it holds only the beginning of an over-long line. */
  readonly keptBytes?: number;
}

/** An entry with its number in the segment, from 1, which it keeps for good. */
export interface NumberedLetter {
  readonly number: number;
  readonly letter: DeadLetter;
}

const suffix = ".ndjson";
const rawBegins = ',"raw":"';
const quote = 0x22;
const closeBrace = 0x7d;
const backslash = 0x5c;
const space = 0x20;
const lineEnd = Buffer.from("\n");
const nothing = Buffer.alloc(0);

/** Paths of the segments, oldest first. A store that was never written has none. */
export async function segmentsOf(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch((reason: NodeJS.ErrnoException) => {
    if (reason.code === "ENOENT") return [];
    throw reason;
  });
  return names
    .filter((name) => name.endsWith(suffix))
    .toSorted()
    .map((name) => join(directory, name));
}

/** The name that an entry is called by: the segment's name without its ending, a colon, and its number. */
export function letterId(segment: string, number: number): string {
  return `${basename(segment, suffix)}:${number}`;
}

/**
 * The entries of a segment that were not removed, in order. A line that cannot be read is passed over and its number
 * given to `bad`; lines that were emptied are no entries.
 */
export async function* readSegment(path: string, bad: (number: number) => void): AsyncGenerator<NumberedLetter> {
  const removed = await removedFrom(path);
  for (const [index, line] of (await linesOf(path)).entries()) {
    const number = index + 1;
    if (line.length === 0 || removed.has(number)) continue;
    const letter = letterOf(line.toString());
    if (letter === undefined) bad(number);
    else yield { number, letter };
  }
}

/** Whether no line of a segment holds anything that was not removed; an unreadable line counts as something. */
export async function isEmptied(path: string, removed: ReadonlySet<number>): Promise<boolean> {
  return (await linesOf(path)).every((line, index) => line.length === 0 || removed.has(index + 1));
}

/**
 * What of a segment is given up for room: entries that were removed; the raw bytes too; at last also lines of the socket
 * that are no alerts, of which there is no position to be kept and no end.
 */
export const thrifts = ["removed", "raw", "strangers"] as const;
export type Thrift = (typeof thrifts)[number];

export interface Shrunk {
  /** Entries that lost their raw bytes. */
  readonly stripped: number;
  /** Entries that were given up. */
  readonly forgotten: number;
  /** Bytes that the segment has now; 0 where nothing was left and it was deleted. */
  readonly bytes: number;
}

/** Rewrites a segment without what is to be given up and what cannot be read; undefined where that is nothing. */
export async function shrink(path: string, thrift: Thrift): Promise<Shrunk | undefined> {
  const removed = await removedFrom(path);
  if (thrift === "removed" && removed.size === 0) return undefined;
  const unreadable: number[] = [];
  const counts = { stripped: 0, forgotten: 0 };
  const lines = await linesOf(path);
  const kept = lines.map((line, index) => {
    if (line.length === 0) return line;
    const bare = removed.has(index + 1) ? undefined : withoutRaw(line);
    if (bare === undefined) {
      if (!removed.has(index + 1)) unreadable.push(index + 1);
      return nothing;
    }
    if (thrift === "removed") return line;
    if (thrift === "strangers" && isStranger(bare.letter)) {
      counts.forgotten += 1;
      return nothing;
    }
    if (bare.line !== line) counts.stripped += 1;
    return bare.line;
  });
  if (kept.every((line, index) => line === lines[index])) return undefined;
  await markRemoved(path, unreadable);
  if (kept.every((line) => line.length === 0)) {
    await rm(path);
    await rm(tombstonesOf(path), { force: true });
    return { ...counts, bytes: 0 };
  }
  const bytes = Buffer.concat(kept.flatMap((line) => [line, lineEnd]));
  await writeAtomically(path, bytes);
  return { ...counts, bytes: bytes.length };
}

function isStranger({ source, reason }: DeadLetter): boolean {
  return source === "socket" && (reason === "not-json" || reason === "over-long");
}

/**
 * A line without its raw bytes, the line itself where it has none, undefined where it cannot be read. What stands last
 * in it, as `lineOf` writes it, is cut off as bytes: 16 MiB, parsed, would be 45 MB of text.
 */
function withoutRaw(line: Buffer): { readonly line: Buffer; readonly letter: DeadLetter } | undefined {
  const at = line.lastIndexOf(rawBegins);
  if (at >= 0 && line.at(-1) === closeBrace && plainEnd(line, at + rawBegins.length) === line.length - 2) {
    const text = `${line.toString("utf8", 0, at)}}`;
    const letter = letterOf(text);
    if (letter !== undefined && letter.raw === undefined) return { line: Buffer.from(text), letter };
  }
  const whole = letterOf(line.toString());
  if (whole?.raw === undefined) return whole && { line, letter: whole };
  const { raw: _raw, ...letter } = whole;
  return { line: Buffer.from(JSON.stringify(letter)), letter };
}

/** Where the quote stands that ends a JSON string of plain text; -1 where an escape or what JSON forbids comes first. */
function plainEnd(line: Buffer, from: number): number {
  const end = line.indexOf(quote, from);
  for (let at = from; at < end; at++) {
    const byte = line[at] ?? 0;
    if (byte === backslash || byte < space) return -1;
  }
  return end;
}

/** Whether another living process, as the segment's name tells, may be appending to it. */
export function isWrittenByAnother(path: string): boolean {
  const pid = Number(/-(\d+)-\d+\.ndjson$/.exec(path)?.[1]);
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (reason) {
    return errnoOf(reason) !== "ESRCH";
  }
}

/** Also a last line without its end: half written, so it is unreadable, or never told to anyone as stored. */
async function linesOf(path: string): Promise<Buffer[]> {
  const bytes = await readFile(path);
  const lines: Buffer[] = [];
  for (let from = 0; from < bytes.length;) {
    const newline = bytes.indexOf(0x0a, from);
    const to = newline < 0 ? bytes.length : newline;
    lines.push(bytes.subarray(from, to));
    from = to + 1;
  }
  return lines;
}

function letterOf(line: string): DeadLetter | undefined {
  try {
    const letter: unknown = JSON.parse(line);
    return isDeadLetter(letter) ? letter : undefined;
  } catch {
    return undefined; // Half written when a process was killed; the caller is told.
  }
}

/** All that is read of an entry is there: commands that list the store meet whatever damage its files have. */
function isDeadLetter(value: unknown): value is DeadLetter {
  if (typeof value !== "object" || value === null) return false;
  const { version, time, source, node, reason, detail, handler, place, raw, keptBytes } = value as Partial<
    Record<keyof DeadLetter, unknown>
  >;
  return (
    version === 1 &&
    [time, source, reason, detail].every((text) => typeof text === "string") &&
    [node, handler, raw].every((text) => text === undefined || typeof text === "string") &&
    (keptBytes === undefined || typeof keptBytes === "number") &&
    isPlace(place)
  );
}

function isPlace(value: unknown): value is Place {
  if (typeof value !== "object" || value === null) return false;
  const { file, offset, length } = value as Partial<Record<keyof Place, unknown>>;
  return typeof file === "string" && typeof offset === "number" && typeof length === "number";
}
