/** What a stream of bytes holds: whole lines, and lines that are not kept. */
export type SocketLine =
  | { readonly kind: "line"; readonly bytes: Buffer; readonly heldBytes: number }
  /** A line longer than the limit; only its beginning was kept. */
  | { readonly kind: "over-long"; readonly head: Buffer; readonly length: number; readonly heldBytes: number }
  /** A line for which there was no room. */
  | { readonly kind: "no-room"; readonly length: number; readonly heldBytes: 0 };

/** Bytes of lines that are unfinished or wait to be taken, shared by all connections. */
export interface LineRoom {
  take(bytes: number): boolean;
  release(bytes: number): void;
}

const newline = 0x0a;
const carriageReturn = 0x0d;
const minBytes = 4096;
const nothing = Buffer.alloc(0);

/**
 * Cuts what a client writes into lines. An unfinished line is the only thing that is kept between two chunks, in one
 * buffer that grows by doubling, so that a line that arrives byte by byte takes no more memory than any other. The buffer is
 * asked for from `room`: clients that never finish a line cannot fill the memory. A finished piece takes its claim on
 * the room (`heldBytes`) along; who is done with the piece releases it.
 */
export class LineReader {
  readonly #maxLineBytes: number;
  readonly #room: LineRoom;
  /** Begins with what is kept of the unfinished line; all of it is claimed from the room. */
  #buffer = nothing;
  #keptBytes = 0;
  /** Bytes of the unfinished line, kept or not. */
  #length = 0;
  #hadRoom = true;

  constructor(maxLineBytes: number, room: LineRoom) {
    this.#maxLineBytes = maxLineBytes;
    this.#room = room;
  }

  /** The lines that this chunk completes, each cut when it is asked for. Their bytes are copied out of the chunk. */
  *push(chunk: Buffer): Generator<SocketLine, undefined> {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      yield this.#complete(chunk.subarray(start, end));
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
    return undefined;
  }

  /** The last line, when the stream ended without a newline. */
  end(): SocketLine | undefined {
    return this.#length === 0 ? undefined : this.#complete(nothing);
  }

  /** Forgets the unfinished line and gives its claim back. */
  dispose(): void {
    this.#room.release(this.#buffer.length);
    this.#reset();
  }

  #complete(rest: Buffer): SocketLine {
    const length = this.#length + rest.length;
    const heldBytes = this.#buffer.length;
    const parts = [this.#buffer.subarray(0, this.#keptBytes), rest];
    const max = this.#maxLineBytes;
    const hadRoom = this.#hadRoom;
    this.#reset();
    if (!hadRoom) return { kind: "no-room", length, heldBytes: 0 };
    const bytes = Buffer.concat(parts, Math.min(length, max));
    if (length > max) return { kind: "over-long", head: bytes, length, heldBytes };
    return { kind: "line", bytes: bytes.at(-1) === carriageReturn ? bytes.subarray(0, -1) : bytes, heldBytes };
  }

  #keep(chunk: Buffer): void {
    this.#length += chunk.length;
    if (!this.#hadRoom) return;
    const wanted = Math.min(this.#keptBytes + chunk.length, this.#maxLineBytes);
    if (wanted > this.#buffer.length && !this.#grow(wanted)) {
      this.#room.release(this.#buffer.length);
      this.#buffer = nothing;
      this.#keptBytes = 0;
      this.#hadRoom = false;
      return;
    }
    chunk.copy(this.#buffer, this.#keptBytes, 0, wanted - this.#keptBytes);
    this.#keptBytes = wanted;
  }

  #grow(wanted: number): boolean {
    const bytes = Math.min(Math.max(wanted, this.#buffer.length * 2, minBytes), this.#maxLineBytes);
    if (!this.#room.take(bytes - this.#buffer.length)) return false;
    const larger = Buffer.allocUnsafe(bytes);
    this.#buffer.copy(larger, 0, 0, this.#keptBytes);
    this.#buffer = larger;
    return true;
  }

  #reset(): void {
    this.#buffer = nothing;
    this.#keptBytes = 0;
    this.#length = 0;
    this.#hadRoom = true;
  }
}
