/** The header of a Kafka batch (`sinks/kafka/protocol/record-batch.ts`), for which each buffer leaves room. */
export const headRoomBytes = 61;

/** What a buffer begins with: a few records. */
const smallBytes = 16 * 1024;
/** About as many batches are under way at once: three in flight, and one that is open. */
const maxKept = 4;

/** Buffers of one size that nobody uses. */
class FreeBuffers {
  readonly #bytes: number;
  readonly #free: Buffer[] = [];

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  take(): Buffer | undefined {
    return this.#free.pop();
  }

  give(buffer: Buffer): void {
    if (buffer.length === this.#bytes && this.#free.length < maxKept) this.#free.push(buffer);
  }
}

/**
 * Memory for batches. It is used again and again: a new buffer for each batch is garbage that Node collects late, and by
 * then there are dozens. A buffer begins small and grows with what is in it, because there may be as many as partitions.
 */
export class BatchMemory {
  readonly #small: FreeBuffers;
  readonly #full: FreeBuffers;

  /** @param batchBytes what a batch holds at most, unless a single record is larger */
  constructor(batchBytes: number) {
    this.#full = new FreeBuffers(headRoomBytes + batchBytes);
    this.#small = new FreeBuffers(Math.min(smallBytes, this.#full.bytes));
  }

  /** @param expectedBytes what it will probably hold: for less than half of a full batch no large one is taken */
  take(expectedBytes: number): Buffer {
    const large = 2 * expectedBytes < this.#full.bytes ? undefined : this.#full.take();
    return large ?? this.#small.take() ?? Buffer.allocUnsafeSlow(this.#small.bytes);
  }

  /**
   * A larger buffer with the first bytes of this one, which nothing may use any more.
   * @param neededBytes the least that it has room for
   */
  grown(buffer: Buffer, usedBytes: number, neededBytes: number): Buffer {
    const { bytes: full } = this.#full;
    // Beyond a full batch there is one large record, or a little more than a full batch.
    const wanted = buffer.length < full ? Math.min(2 * buffer.length, full) : buffer.length + (buffer.length >> 3);
    const bytes = Math.max(wanted, neededBytes);
    const larger = (bytes === full ? this.#full.take() : undefined) ?? Buffer.allocUnsafeSlow(bytes);
    buffer.copy(larger, 0, 0, usedBytes);
    this.give(buffer);
    return larger;
  }

  /** Whether others are put into this buffer after `give`; one for a single large record is not used again. */
  isUsedAgain({ length }: Buffer): boolean {
    return length === this.#full.bytes || length === this.#small.bytes;
  }

  /** @param buffer as it was got here; nothing may use it any more */
  give(buffer: Buffer): void {
    this.#full.give(buffer);
    if (this.#small.bytes < this.#full.bytes) this.#small.give(buffer);
  }
}
