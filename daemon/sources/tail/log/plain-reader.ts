import type { FileHandle } from "node:fs/promises";
import { beforeBytes, headBytes } from "./content-hash.ts";
import type { Read, LogReader } from "./reader.ts";

const chunkBytes = 1024 * 1024;

/** Each read begins this many bytes before the position, to see that they are still the same: an alert or more. */
const overlapBytes = beforeBytes;

/** The buffers of one tail; only one file is read at a time. */
export type ChunkBuffers = readonly [Buffer, Buffer];

export function chunkBuffers(): ChunkBuffers {
  return [Buffer.allocUnsafeSlow(chunkBytes), Buffer.allocUnsafeSlow(chunkBytes)];
}

/**
 * Reads a plain file through its own descriptor, so it continues whatever becomes of the path. While a chunk is scanned
 * the next one is read into the other buffer.
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

  async read(): Promise<Read> {
    const reading = this.#ahead ?? this.#begin();
    this.#ahead = undefined;
    const found = await reading;
    const overlap = this.#before.length;
    if (found.length < overlap || this.#before.compare(found, 0, overlap) !== 0) return { kind: "replaced" };
    if (found.length === overlap) return { kind: "end" };
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

  async #begin(): Promise<Buffer> {
    this.#turn = this.#turn === 0 ? 1 : 0;
    const buffer = this.#buffers[this.#turn];
    const { bytesRead } = await this.#handle.read(buffer, 0, chunkBytes, this.#offset - this.#before.length);
    return buffer.subarray(0, bytesRead);
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
