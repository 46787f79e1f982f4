import type { FileHandle } from "node:fs/promises";
import { fstatSync } from "node:fs";
import { readCached } from "../../../os/cached-read.ts";
import { beforeBytes, headBytes } from "./content-hash.ts";
import type { Read, LogReader } from "./reader.ts";

const chunkBytes = 1024 * 1024;

/** Each read begins this many bytes before the position, to see that they are still the same: an alert or more. */
const overlapBytes = beforeBytes;

/** What was just appended is in memory, and up to this many bytes of it are read on the main thread. */
const cachedBytes = 64 * 1024;
/** Reads on the main thread, one after the other, before the others get their turn: new bytes, and the end behind them. */
const maxCachedReads = 2;

/** The buffers of one tail; only one file is read at a time. */
export type ChunkBuffers = readonly [Buffer, Buffer];

export function chunkBuffers(): ChunkBuffers {
  return [Buffer.allocUnsafeSlow(chunkBytes), Buffer.allocUnsafeSlow(chunkBytes)];
}

/**
 * Reads a plain file through its own descriptor, so it continues whatever becomes of the path. While a chunk is scanned
 * the next one is read into the other buffer.
 *
 * The few bytes that a log grows by between two looks are taken from the page cache, on the main thread: a hundred times
 * less processor time than to wake a thread for them. The kernel promises not to wait for a disk or a network then; where it
 * cannot, and for whatever is not in memory or cannot be read, a thread of the pool waits.
 *
 * A file that was truncated or overwritten shows it in the overlap: the read is shorter than it, or other bytes are
 * there.
 */
export class PlainReader implements LogReader {
  readonly #handle: FileHandle;
  readonly #buffers: ChunkBuffers;
  #turn: 0 | 1 = 0;
  #offset = 0;
  #before: Buffer = Buffer.alloc(0);
  #ahead: Promise<Buffer> | undefined;
  /** Successive reads from memory that gave bytes. */
  #cachedReads = 0;
  #isCached = false;
  readonly #probe = Buffer.alloc(1);

  constructor(handle: FileHandle, buffers: ChunkBuffers) {
    this.#handle = handle;
    this.#buffers = buffers;
  }

  get offset(): number {
    return this.#offset;
  }

  get before(): Buffer {
    return this.#before;
  }

  get isCached(): boolean {
    return this.#isCached;
  }

  async read(): Promise<Read> {
    const cached = this.#fromMemory();
    this.#isCached = cached !== undefined;
    const found = cached ?? (await this.#fromDisk());
    const overlap = this.#before.length;
    if (found.length < overlap || this.#before.compare(found, 0, overlap) !== 0) return { kind: "replaced" };
    if (found.length === overlap) {
      this.#cachedReads = 0;
      return { kind: "end" };
    }
    const bytes = found.subarray(overlap);
    this.#offset += bytes.length;
    this.#before = Buffer.from(found.subarray(Math.max(0, found.length - overlapBytes)));
    if (found.length === chunkBytes) {
      this.#ahead = this.#begin();
      // The rejection is met where the chunk is asked for; it must not count as unhandled until then.
      this.#ahead.catch(() => undefined);
    }
    return { kind: "bytes", bytes };
  }

  async head(): Promise<Buffer> {
    return this.#at(0, headBytes);
  }

  async seek(offset: number): Promise<Buffer | undefined> {
    const length = Math.min(offset, beforeBytes);
    const before = await this.#at(offset - length, length);
    if (before.length < length) return undefined;
    this.#offset = offset;
    this.#before = before;
    return before;
  }

  async size(): Promise<number> {
    if (this.#isCached) return fstatSync(this.#handle.fd).size;
    return (await this.#handle.stat()).size;
  }

  /** Begins again at the first byte, after the content was replaced. */
  async restart(): Promise<void> {
    await this.#settle();
    this.#offset = 0;
    this.#before = Buffer.alloc(0);
  }

  async close(): Promise<void> {
    await this.#settle();
    await this.#handle.close();
  }

  /** The bytes before the offset and what follows them; undefined if that is not wholly in memory, or is much. */
  #fromMemory(): Buffer | undefined {
    if (this.#ahead !== undefined || this.#cachedReads >= maxCachedReads) return undefined;
    const overlap = this.#before.length;
    const { fd } = this.#handle;
    const buffer = this.#nextBuffer().subarray(0, overlap + cachedBytes);
    const bytes = readCached(fd, buffer, this.#offset - overlap);
    // With less than the overlap either the file is shorter, or these bytes are not in memory.
    if (bytes === undefined || bytes < overlap) return undefined;
    // With no more than the overlap this is either the end, or the next byte is not in memory.
    if (bytes === overlap && readCached(fd, this.#probe, this.#offset) !== 0) return undefined;
    this.#cachedReads = bytes === buffer.length ? maxCachedReads : this.#cachedReads + 1;
    return buffer.subarray(0, bytes);
  }

  #fromDisk(): Promise<Buffer> {
    const reading = this.#ahead ?? this.#begin();
    this.#ahead = undefined;
    this.#cachedReads = 0;
    return reading;
  }

  async #begin(): Promise<Buffer> {
    const buffer = this.#nextBuffer();
    const { bytesRead } = await this.#handle.read(buffer, 0, chunkBytes, this.#offset - this.#before.length);
    return buffer.subarray(0, bytesRead);
  }

  #nextBuffer(): Buffer {
    this.#turn = this.#turn === 0 ? 1 : 0;
    return this.#buffers[this.#turn];
  }

  async #at(position: number, length: number): Promise<Buffer> {
    const buffer = Buffer.alloc(length);
    const { bytesRead } = await this.#handle.read(buffer, 0, length, position);
    return buffer.subarray(0, bytesRead);
  }

  /** Waits for a read in progress: its buffer and descriptor must not be released before. */
  async #settle(): Promise<void> {
    await this.#ahead?.catch(() => undefined);
    this.#ahead = undefined;
  }
}
