import type { FileHandle } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import { beforeBytes, headBytes } from "./fingerprint.ts";
import type { Read, Reader } from "./reader.ts";

/** Compressed bytes fed at once: deflate makes at most 1,032 bytes of one, so at most 17 MB come out at a time. */
const feedBytes = 16 * 1024;

/**
 * Reads a `.gz`, several members too. The decoder gets one piece of input at a time and is fed again only when what came
 * out was taken, so memory stays bounded. Of a file that breaks off, everything before the break is given; of one that
 * is corrupt, everything up to the piece of input that holds the fault.
 */
export class GzipReader implements Reader {
  readonly #handle: FileHandle;
  readonly #decoder = createGunzip({ chunkSize: 256 * 1024 });
  readonly #input = Buffer.alloc(feedBytes);
  #fed = 0;
  #offset = 0;
  #out: Buffer[] = [];
  #isOver = false;
  #failure: unknown;
  #wake: () => void = () => undefined;

  constructor(handle: FileHandle) {
    this.#handle = handle;
    this.#decoder.on("data", (bytes: Buffer) => this.#out.push(bytes));
    // After an error the decoder calls no write back, so these events end the wait as well.
    this.#decoder.on("end", () => this.#wake());
    this.#decoder.on("error", (reason) => {
      this.#failure = reason;
      this.#wake();
    });
  }

  get offset(): number {
    return this.#offset;
  }

  async read(): Promise<Read> {
    await this.#fill();
    const bytes = this.#take();
    if (bytes.length > 0) {
      this.#offset += bytes.length;
      return { kind: "bytes", bytes };
    }
    return this.#failure === undefined ? { kind: "end" } : { kind: "broken", reason: this.#failure };
  }

  async head(): Promise<Buffer> {
    await this.#fill();
    const bytes = this.#take();
    this.#out = [bytes];
    return Buffer.from(bytes.subarray(0, headBytes));
  }

  async seek(offset: number, signal: AbortSignal): Promise<Buffer | undefined> {
    let before: Buffer = Buffer.alloc(0);
    while (this.#offset < offset && !signal.aborted) {
      const found = await this.read();
      if (found.kind !== "bytes") return undefined;
      const surplus = Math.max(0, this.#offset - offset);
      const skipped = found.bytes.subarray(0, found.bytes.length - surplus);
      if (surplus > 0) this.#out = [found.bytes.subarray(skipped.length)];
      this.#offset -= surplus;
      before = Buffer.concat([before, skipped.subarray(-beforeBytes)]).subarray(-beforeBytes);
    }
    return this.#offset === offset ? before : undefined;
  }

  size(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async close(): Promise<void> {
    this.#decoder.destroy();
    await this.#handle.close();
  }

  /** Feeds the decoder until something comes out or everything has. */
  async #fill(): Promise<void> {
    while (this.#out.length === 0 && !this.#isOver && this.#failure === undefined) {
      const { bytesRead } = await this.#handle.read(this.#input, 0, feedBytes, this.#fed);
      this.#fed += bytesRead;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        if (bytesRead > 0) return this.#decoder.write(this.#input.subarray(0, bytesRead), () => resolve());
        this.#isOver = true;
        return this.#decoder.end();
      });
    }
  }

  #take(): Buffer {
    const bytes = this.#out.length === 1 ? this.#out[0] : Buffer.concat(this.#out);
    this.#out = [];
    return bytes ?? Buffer.alloc(0);
  }
}
