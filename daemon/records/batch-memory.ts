/** The header of a Kafka batch (`sinks/kafka/protocol/record-batch.ts`), for which each buffer leaves room. */
export const headRoomBytes = 61;

/** What a buffer begins with: a few records. */
const smallBytes = 16 * 1024;
/** About as many batches are under way at once: three in flight, and one that is open. */
const maxKept = 4;

/**
 * Memory for batches. It is used again and again: a new megabyte for each batch is garbage that Node collects late, and by
 * then there are dozens. A buffer begins small and grows with what is in it, because there may be as many as partitions.
 */
export class BatchMemory {
  readonly #fullBytes: number;
  readonly #free: Buffer[] = [];

  /** @param batchBytes what a batch holds at most, unless a single record is larger */
  constructor(batchBytes: number) {
    this.#fullBytes = headRoomBytes + batchBytes;
  }

  /** @param expectedBytes what it will probably hold: for less than half of a full batch no large one is taken */
  take(expectedBytes: number): Buffer {
    const kept = 2 * expectedBytes < this.#fullBytes ? undefined : this.#free.pop();
    return kept ?? Buffer.allocUnsafeSlow(Math.min(smallBytes, this.#fullBytes));
  }

  /**
   * A larger buffer with the first bytes of this one, which nothing may use any more.
   * @param neededBytes the least that it has room for
   */
  grown(buffer: Buffer, usedBytes: number, neededBytes: number): Buffer {
    const full = this.#fullBytes;
    // Beyond a full batch there is one large record, or a little more than a full batch.
    const wanted = buffer.length < full ? Math.min(2 * buffer.length, full) : buffer.length + (buffer.length >> 3);
    const bytes = Math.max(wanted, neededBytes);
    const larger = (bytes === full ? this.#free.pop() : undefined) ?? Buffer.allocUnsafeSlow(bytes);
    buffer.copy(larger, 0, 0, usedBytes);
    this.give(buffer);
    return larger;
  }

  /** @param buffer as it was got here; nothing may use it any more */
  give(buffer: Buffer): void {
    if (buffer.length === this.#fullBytes && this.#free.length < maxKept) this.#free.push(buffer);
  }
}
