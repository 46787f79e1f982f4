/** What a stream of bytes holds: whole lines, and lines that are not kept. */
export type Piece =
  | { readonly kind: "line"; readonly bytes: Buffer }
  /** A line longer than the limit, or one for which there was no room; only its beginning was kept. */
  | { readonly kind: "over-long"; readonly head: Buffer; readonly length: number }
  | { readonly kind: "no-room"; readonly length: number };

/** Bytes of unfinished lines, shared by all connections. */
export interface PartialRoom {
  take(bytes: number): boolean;
  release(bytes: number): void;
}

const newline = 0x0a;

/**
 * Cuts what a client writes into lines. Unfinished lines are the only thing that is kept between two chunks, and their
 * bytes are asked for from `room`, so clients that never finish a line cannot fill the memory.
 */
export class LineReader {
  readonly #maxLineBytes: number;
  readonly #room: PartialRoom;
  #partial: Buffer[] = [];
  #partialBytes = 0;
  /** Set while the rest of a line is skipped. */
  #skipping: { reason: "over-long" | "no-room"; head: Buffer; length: number } | undefined;

  constructor(maxLineBytes: number, room: PartialRoom) {
    this.#maxLineBytes = maxLineBytes;
    this.#room = room;
  }

  /** Bytes of the unfinished line that are kept. */
  get partialBytes(): number {
    return this.#partialBytes;
  }

  /** The lines that this chunk completes. A line's bytes are the caller's; they are copied out of the chunk. */
  *push(chunk: Buffer): Generator<Piece> {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(newline, start);
      if (end < 0) break;
      yield this.#complete(chunk.subarray(start, end));
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  /** The last line, when the stream ended without a newline. */
  end(): Piece | undefined {
    if (this.#partialBytes === 0 && this.#skipping === undefined) return undefined;
    return this.#complete(Buffer.alloc(0));
  }

  /** Gives the kept bytes back. */
  dispose(): void {
    this.#room.release(this.#partialBytes);
    this.#partial = [];
    this.#partialBytes = 0;
  }

  #complete(rest: Buffer): Piece {
    const skipping = this.#skipping;
    if (skipping !== undefined) {
      this.#skipping = undefined;
      const length = skipping.length + rest.length;
      if (skipping.reason === "no-room") return { kind: "no-room", length };
      return { kind: "over-long", head: skipping.head, length };
    }
    const bytes = this.#partialBytes === 0 ? Buffer.from(rest) : Buffer.concat([...this.#partial, rest]);
    this.dispose();
    if (bytes.length > this.#maxLineBytes) {
      return { kind: "over-long", head: Buffer.from(bytes.subarray(0, this.#maxLineBytes)), length: bytes.length };
    }
    const isCarriageReturned = bytes.at(-1) === 0x0d;
    return { kind: "line", bytes: isCarriageReturned ? bytes.subarray(0, -1) : bytes };
  }

  #keep(chunk: Buffer): void {
    if (this.#skipping !== undefined) {
      this.#skipping.length += chunk.length;
    } else if (this.#partialBytes + chunk.length > this.#maxLineBytes) {
      this.#skip("over-long", Buffer.concat([...this.#partial, chunk]).subarray(0, this.#maxLineBytes), chunk.length);
    } else if (this.#room.take(chunk.length)) {
      this.#partial.push(Buffer.from(chunk));
      this.#partialBytes += chunk.length;
    } else {
      this.#skip("no-room", Buffer.alloc(0), chunk.length);
    }
  }

  #skip(reason: "over-long" | "no-room", head: Buffer, chunkBytes: number): void {
    this.#skipping = { reason, head, length: this.#partialBytes + chunkBytes };
    this.dispose();
  }
}
