import type { FileHandle } from "node:fs/promises";
import { GzipFile } from "../../../disk/gzip-file.ts";
import { beforeBytes, headBytes } from "./content-hash.ts";
import type { Read, LogReader } from "./reader.ts";

/** Reads a `.gz`; what it takes and what it refuses is `GzipFile`'s. */
export class GzipReader implements LogReader {
  readonly #handle: FileHandle;
  readonly #file: GzipFile;
  readonly isCached = false;
  #offset = 0;
  #before: Buffer = Buffer.alloc(0);
  /** Decompressed, and not given yet. */
  #ahead: Buffer | undefined;

  /** @param beat called for each piece of the file that is read */
  constructor(handle: FileHandle, beat: () => void) {
    this.#handle = handle;
    this.#file = new GzipFile(async (into, position) => {
      beat();
      const { bytesRead } = await handle.read(into, 0, into.length, position);
      return bytesRead;
    });
  }

  get offset(): number {
    return this.#offset;
  }

  get before(): Buffer {
    return this.#before;
  }

  async read(): Promise<Read> {
    const bytes = this.#ahead;
    this.#ahead = undefined;
    const found: Read = bytes === undefined ? await this.#file.read() : { kind: "bytes", bytes };
    if (found.kind === "bytes") this.#pass(found.bytes);
    return found;
  }

  async head(): Promise<Buffer> {
    if (this.#ahead === undefined) {
      const found = await this.#file.read();
      if (found.kind === "bytes") this.#ahead = found.bytes;
    }
    return Buffer.from(this.#ahead?.subarray(0, headBytes) ?? []);
  }

  async seek(offset: number, signal: AbortSignal): Promise<Buffer | undefined> {
    while (this.#offset < offset && !signal.aborted) {
      const bytes = this.#ahead;
      this.#ahead = undefined;
      const found = bytes === undefined ? await this.#file.read() : { kind: "bytes" as const, bytes };
      if (found.kind !== "bytes") return undefined;
      const skipped = found.bytes.subarray(0, offset - this.#offset);
      if (skipped.length < found.bytes.length) this.#ahead = found.bytes.subarray(skipped.length);
      this.#pass(skipped);
    }
    return this.#offset === offset ? this.#before : undefined;
  }

  #pass(bytes: Buffer): void {
    this.#offset += bytes.length;
    const isEnough = bytes.length >= beforeBytes;
    // A copy: what was returned may be overwritten.
    this.#before = Buffer.from(
      isEnough ? bytes.subarray(-beforeBytes) : Buffer.concat([this.#before, bytes]).subarray(-beforeBytes),
    );
  }

  size(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async close(): Promise<void> {
    this.#file.close();
    await this.#handle.close();
  }
}
