import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { beforeBytes, endsWith, contentHash, type ContentHash } from "../log/content-hash.ts";

/** A place of which the bytes right before it are known. */
export interface Anchor {
  readonly offset: number;
  readonly before: ContentHash;
}

/**
 * What proves how much of a file is left, after a power loss has taken its end away: the lines before the position one by
 * one, and places further back, the further the sparser.
 */
export interface Trail {
  /** Where the first of the lines begins. */
  readonly from: Anchor;
  /** CRC-32 of each line with its newline, up to the position: four bytes a line, little-endian, base64. */
  readonly lines: string;
  /** Ascending. */
  readonly anchors: readonly Anchor[];
}

/** The lines in this many bytes before the position are known one by one. */
const linesBytes = 1024 * 1024;
const maxAnchors = 32;
const newline = 0x0a;

interface Line {
  readonly length: number;
  readonly crc: number;
}

/** Keeps the trail behind the position of one file. */
export class TrailKeeper {
  #id: string | undefined;
  #offset = 0;
  #lines: Line[] = [];
  #span = 0;
  #anchors: Anchor[] = [];

  /**
   * The trail up to an offset, at which a line begins.
   * @param file the file, open
   * @param before what precedes the offset
   * @throws a system error if the file cannot be read
   */
  async upTo(file: FileHandle, id: string, offset: number, before: ContentHash): Promise<Trail> {
    if (id !== this.#id || offset < this.#offset || offset - this.#offset > linesBytes) this.#startOver(id, offset);
    const bytes = await bytesAt(file, this.#offset, offset - this.#offset);
    // Far behind the last place the first line is met in its middle, which says nothing.
    const begin = this.#lines.length > 0 || this.#offset === 0 ? 0 : bytes.indexOf(newline) + 1;
    for (const line of linesOf(bytes.subarray(begin))) {
      this.#lines.push(line);
      this.#span += line.length;
    }
    this.#offset = offset;
    let dropped = 0;
    while (this.#span > linesBytes) this.#span -= this.#lines[dropped++]?.length ?? this.#span;
    this.#lines.splice(0, dropped);
    const start = offset - this.#span;
    const length = Math.min(start, beforeBytes);
    const from = { offset: start, before: contentHash(await bytesAt(file, start - length, length)) };
    const lines = Buffer.alloc(this.#lines.length * 4);
    for (const [index, { crc }] of this.#lines.entries()) lines.writeUInt32LE(crc, index * 4);
    this.#note({ offset, before });
    return { from, lines: lines.toString("base64"), anchors: [...this.#anchors] };
  }

  #startOver(id: string, offset: number): void {
    if (id !== this.#id || offset < this.#offset) this.#anchors = [];
    this.#id = id;
    this.#offset = Math.max(0, offset - linesBytes);
    this.#lines = [];
    this.#span = 0;
  }

  /** Of two anchors that are closer to each other than an eighth of their way to the newest one goes. */
  #note(anchor: Anchor): void {
    if (this.#anchors.at(-1)?.offset === anchor.offset) return;
    const kept: Anchor[] = [];
    for (const one of this.#anchors) {
      const last = kept.at(-1);
      const isClose = last !== undefined && one.offset - last.offset < (anchor.offset - one.offset) / 8;
      if (!isClose) kept.push(one);
    }
    this.#anchors = [...kept, anchor].slice(-maxAnchors);
  }
}

/**
 * Up to where a file still holds what the trail says; a line begins there. 0 if nothing proves anything.
 * @param offset that of the position
 * @throws a system error if it cannot be read
 */
export async function intactUpTo(path: string, trail: Trail, offset: number): Promise<number> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { from, anchors } = trail;
    if (from.offset <= offset && offset - from.offset <= linesBytes && (await holds(file, from))) {
      const crcs = Buffer.from(trail.lines, "base64");
      let place = from.offset;
      let at = 0;
      for (const { length, crc } of linesOf(await bytesAt(file, from.offset, offset - from.offset))) {
        if (at + 4 > crcs.length || crcs.readUInt32LE(at) !== crc) break;
        place += length;
        at += 4;
      }
      return place;
    }
    for (const anchor of anchors.toReversed()) if (await holds(file, anchor)) return anchor.offset;
    return 0;
  } finally {
    await file.close();
  }
}

async function holds(file: FileHandle, { offset, before }: Anchor): Promise<boolean> {
  const length = Math.min(offset, before.length, beforeBytes);
  // Only the first byte of a file needs no proof.
  if (length === 0) return offset === 0;
  return endsWith(await bytesAt(file, offset - length, length), before);
}

/** The whole lines in bytes that begin with one. */
function* linesOf(bytes: Buffer): Generator<Line> {
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(newline, at) + 1;
    if (end === 0) return;
    yield { length: end - at, crc: crc32(bytes.subarray(at, end)) };
    at = end;
  }
}

async function bytesAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}
