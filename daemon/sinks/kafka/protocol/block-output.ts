/** Copies up to this length are made byte by byte: shorter than the way into copyWithin. */
const shortCopy = 24;
const firstBytes = 16 * 1024;

/** Thrown when a batch comes to more bytes than it may. */
export class OutputFull extends Error {
  override readonly name = "OutputFull";
}

/** What a decoder of the LZ77 family has written so far: literal bytes, and repetitions of what came before. Bounded. */
export class BlockOutput {
  readonly #max: number;
  #bytes: Buffer;
  #at = 0;
  /** Repetitions do not reach back behind this place. */
  #base = 0;

  /**
   * @param inputBytes how much is decoded, as a first guess of the size
   * @param maxBytes  what it may come to
   */
  constructor(inputBytes: number, maxBytes: number) {
    this.#max = maxBytes;
    this.#bytes = Buffer.allocUnsafe(Math.min(Math.max(4 * inputBytes, firstBytes), maxBytes));
  }

  /** Bytes written. */
  get length(): number {
    return this.#at;
  }

  /** What was written; a view. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  /** From here on nothing before this place is repeated. */
  startBlock(): void {
    this.#base = this.#at;
  }

  /** @throws OutputFull; RangeError if the source does not have these bytes */
  literals(source: Buffer, from: number, count: number): void {
    if (from + count > source.length) throw new RangeError("the compressed bytes end too early");
    this.#makeRoom(count);
    source.copy(this.#bytes, this.#at, from, from + count);
    this.#at += count;
  }

  /**
   * Repeats `count` bytes that begin `distance` bytes back; they may overlap with what is written.
   * @throws OutputFull; RangeError for a place before the beginning
   */
  repeat(distance: number, count: number): void {
    if (distance <= 0 || distance > this.#at - this.#base) throw new RangeError("a repetition of what is not there");
    this.#makeRoom(count);
    const bytes = this.#bytes;
    const [from, to] = [this.#at - distance, this.#at];
    if (count <= shortCopy) {
      for (let copied = 0; copied < count; copied++) bytes[to + copied] = bytes[from + copied]!;
    } else {
      // Each round doubles what can be copied at once; its length stays a multiple of the distance.
      for (let copied = 0; copied < count;) {
        const piece = Math.min(count - copied, distance + copied);
        bytes.copyWithin(to + copied, from, from + piece);
        copied += piece;
      }
    }
    this.#at += count;
  }

  #makeRoom(count: number): void {
    const needed = this.#at + count;
    if (needed <= this.#bytes.length) return;
    if (needed > this.#max) throw new OutputFull();
    const larger = Buffer.allocUnsafe(Math.min(Math.max(2 * this.#bytes.length, needed), this.#max));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}
