import type { Needle } from "../contract.ts";

/** First stretch that is searched; it doubles up to the longest. Bytes. */
const firstStretchBytes = 8 * 1024;
const longestStretchBytes = 256 * 1024;

/**
 * Longest probe. Node searches for up to 7 bytes by memchr for the first one, and for longer needles by a skip table,
 * which is several times slower on alerts (measured on Node 20; nothing but speed depends on it).
 */
const longestProbeBytes = 7;
const shortestProbeBytes = 4;

/** The bytes of alerts, most frequent first; what is not listed is rarer. Only speed depends on it. */
const frequentBytes = '"e0a:,sit1cndro.2 lm3u54p-67g8hf';

/** A part of the needle that the runtime finds fast, and its position in the needle. */
interface Probe {
  readonly bytes: Buffer;
  readonly offset: number;
}

interface Search {
  readonly probe: Probe;
  readonly whole: Buffer;
  /** The values of a key needle; undefined for a text needle. */
  readonly values: ReadonlySet<string> | undefined;
}

/**
 * Finds lines that may interest a handler, without parsing them: nine in ten alerts end here. May be wrong only in one
 * way, by naming a line that no handler wants.
 *
 * Keeps nothing between calls, so the caller may refill the same buffer. So that a rare needle is not searched to the
 * end of the buffer for each hit of a frequent one, all needles are searched in one stretch before the next, longer one.
 */
export class Relevance {
  readonly #searches: readonly Search[];
  readonly #isAll: boolean;

  /** @param needles of all handlers; without any, nothing is relevant */
  constructor(needles: readonly Needle[]) {
    this.#isAll = needles.some((needle) => needle.kind === "all");
    this.#searches = needles.flatMap((needle) => {
      if (needle.kind === "all") return [];
      // A key is searched for as it is: cJSON, which writes alerts.json, escapes neither ASCII letters nor digits.
      const whole = needle.kind === "text" ? needle.bytes : Buffer.from(JSON.stringify(needle.key));
      return [{ probe: probeOf(whole), whole, values: needle.kind === "key" ? needle.values : undefined }];
    });
  }

  /**
   * The index of a byte inside the first line that holds a hit at or after `from`, or -1. No needle reaches over the
   * end of a line.
   * @param from start of a line
   * @param end  end of a line, at most the buffer's length
   */
  next(bytes: Buffer, from: number, end: number): number {
    if (this.#isAll) return from < end ? from : -1;
    let length = firstStretchBytes;
    for (let start = from; start < end; start += length, length = Math.min(length * 2, longestStretchBytes)) {
      const stretchEnd = Math.min(start + length, end);
      let first = -1;
      for (const search of this.#searches) {
        const hit = findFirst(search, bytes, start, first < 0 ? stretchEnd : first, end);
        if (hit >= 0) first = hit;
      }
      if (first >= 0) return first;
    }
    return -1;
  }

  /** Whether one line, without its newline, holds a hit. */
  matches(line: Buffer): boolean {
    return this.next(line, 0, line.length) >= 0 || (this.#isAll && line.length === 0);
  }
}

/** The index of the first hit that begins in `start` to `stop`; it may reach on to `end`. */
function findFirst(search: Search, bytes: Buffer, start: number, stop: number, end: number): number {
  const { probe, whole } = search;
  const stretch = bytes.subarray(0, Math.min(stop + whole.length - 1, end));
  for (let at = start + probe.offset; ; at++) {
    at = stretch.indexOf(probe.bytes, at);
    if (at < 0) return -1;
    const hit = at - probe.offset;
    if (hit >= stop) return -1;
    if (holds(bytes, hit, whole, end) && (search.values === undefined || holdsValue(search, bytes, hit, end)))
      return hit;
  }
}

function holds(bytes: Buffer, at: number, whole: Buffer, end: number): boolean {
  if (at + whole.length > end) return false;
  for (let i = 0; i < whole.length; i++) if (bytes[at + i] !== whole[i]) return false;
  return true;
}

/** Whether the key at `at` has one of the values, or a value that is not easily read. */
function holdsValue(search: Search, bytes: Buffer, at: number, end: number): boolean {
  let i = skipBlank(bytes, at + search.whole.length, end);
  if (i >= end) return true;
  if (bytes[i] !== 0x3a) return false;
  i = skipBlank(bytes, i + 1, end);
  const isString = bytes[i] === 0x22;
  if (isString) i++;
  let stop = i;
  while (stop < end && (isString ? isPlain(bytes[stop]!) : isNumeric(bytes[stop]!))) stop++;
  const isReadable = stop < end && (isString ? bytes[stop] === 0x22 : stop > i);
  if (!isReadable) return true;
  return search.values?.has(bytes.toString("utf8", i, stop)) === true;
}

function skipBlank(bytes: Buffer, at: number, end: number): number {
  let i = at;
  while (i < end && (bytes[i] === 0x20 || bytes[i] === 0x09 || bytes[i] === 0x0d)) i++;
  return i;
}

/** Represents itself in a string. */
function isPlain(byte: number): boolean {
  return byte >= 0x20 && byte !== 0x22 && byte !== 0x5c;
}

/** Digits, sign, point and exponent. */
function isNumeric(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || byte === 0x2b || byte === 0x2d || byte === 0x2e || (byte | 0x20) === 0x65;
}

/** The stretch of the needle that begins with its rarest byte. */
function probeOf(whole: Buffer): Probe {
  let offset = 0;
  for (let i = 1; i + shortestProbeBytes <= whole.length; i++) {
    if (rarity(whole[i]!) > rarity(whole[offset]!)) offset = i;
  }
  return { bytes: whole.subarray(offset, offset + longestProbeBytes), offset };
}

function rarity(byte: number): number {
  const rank = frequentBytes.indexOf(String.fromCharCode(byte));
  return rank < 0 ? frequentBytes.length : rank;
}
