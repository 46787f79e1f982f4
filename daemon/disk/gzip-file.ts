import { Gunzip, gzipFeedBytes, GzipFault } from "./gunzip.ts";

/** About what one read gives: of what comes out at once, which may be 17 MB, nothing is copied. */
const givenBytes = 64 * 1024;

/** Gives bytes of a file from a position on, fewer than there is room for, or none at its end. */
export type ReadAt = (into: Buffer, position: number) => Promise<number>;

/** What one read of a compressed file gave. */
type Inflated =
  | { readonly kind: "bytes"; readonly bytes: Buffer }
  /** `ignoredBytes`: see `Gunzip`. */
  | { readonly kind: "end"; readonly ignoredBytes: number }
  /** Everything that can be decompressed was given. */
  | { readonly kind: "broken"; readonly reason: GzipFault };

/**
 * Reads a gzip file that can be read at any position. Memory is bounded: it is read on only when what came out was taken.
 *
 * Of a damaged file everything before the damage is given. zlib drops what it made of the piece that holds the damage, so
 * that piece is decoded again, byte by byte, by a decoder that is advanced to its beginning.
 */
export class GzipFile {
  readonly #readAt: ReadAt;
  readonly #input = Buffer.alloc(gzipFeedBytes);
  readonly #gunzip = new Gunzip();
  #position = 0;
  /** Where the decoder can begin again, and how much came out since then. */
  #restart = 0;
  #sinceRestart = 0;
  #out: Buffer[] = [];
  #end: Exclude<Inflated, { kind: "bytes" }> | undefined;

  constructor(readAt: ReadAt) {
    this.#readAt = readAt;
  }

  /** @throws what `readAt` throws; the call may be repeated */
  async read(): Promise<Inflated> {
    while (this.#out.length === 0 && this.#end === undefined) await this.#feed();
    if (this.#out.length === 0 && this.#end !== undefined) return this.#end;
    let bytes = 0;
    const end = this.#out.findIndex((piece) => (bytes += piece.length) >= givenBytes);
    const taken = this.#out.splice(0, end < 0 ? this.#out.length : end + 1);
    const [first = Buffer.alloc(0)] = taken;
    return { kind: "bytes", bytes: taken.length === 1 ? first : Buffer.concat(taken) };
  }

  close(): void {
    this.#gunzip.close();
  }

  async #feed(): Promise<void> {
    const from = this.#position;
    const bytesRead = await this.#readAt(this.#input, from);
    const made = this.#sinceRestart;
    try {
      if (bytesRead === 0) {
        this.#gunzip.end();
        this.#end = { kind: "end", ignoredBytes: this.#gunzip.ignoredBytes };
        return;
      }
      await this.#gunzip.push(this.#input.subarray(0, bytesRead), (bytes) => {
        this.#out.push(bytes);
        this.#sinceRestart += bytes.length;
      });
      this.#position = from + bytesRead;
      if (this.#gunzip.isBetweenMembers) {
        this.#restart = this.#position;
        this.#sinceRestart = 0;
      }
    } catch (reason) {
      if (!(reason instanceof GzipFault)) throw reason;
      const given = this.#sinceRestart - made;
      if (reason.isHeldBack) await this.#decodeSlowly(from, this.#input.subarray(0, bytesRead), made, given);
      this.#end = { kind: "broken", reason };
    }
  }

  /**
   * Gives what the piece at `from` holds before the damage.
   * @param made  what came out between the restart and the piece
   * @param given what came out of the piece already
   */
  async #decodeSlowly(from: number, piece: Buffer, made: number, given: number): Promise<void> {
    const gunzip = new Gunzip();
    const buffer = Buffer.alloc(gzipFeedBytes);
    let skip = made + given;
    const take = (bytes: Buffer): void => {
      const skipped = Math.min(skip, bytes.length);
      skip -= skipped;
      if (skipped < bytes.length) this.#out.push(Buffer.from(bytes.subarray(skipped)));
    };
    try {
      for (let at = this.#restart; at < from;) {
        const bytesRead = await this.#readAt(buffer.subarray(0, Math.min(buffer.length, from - at)), at);
        if (bytesRead === 0) return;
        await gunzip.push(buffer.subarray(0, bytesRead), take);
        at += bytesRead;
      }
      for (let at = 0; at < piece.length; at++) await gunzip.push(piece.subarray(at, at + 1), take);
    } catch (reason) {
      if (!(reason instanceof GzipFault)) throw reason;
    } finally {
      gunzip.close();
    }
  }
}
