import type { Batch, SinkRecord } from "../contract.ts";
import type { BatchMemory } from "../records/batch-memory.ts";
import { RecordBuffer } from "../records/record-buffer.ts";

/** When a batch is sent. All are upper bounds; one record always fits, whatever its size. */
export interface BatchLimits {
  /** Bytes of keys, headers and values before compression. Kafka's default limit for a batch is 1,048,588. */
  readonly maxBytes: number;
  readonly maxRecords: number;
  /**
   * How long a record may wait for company, counted again when a batch leaves before it. While nothing of its partition is
   * in flight it waits only until this time has passed since the last batch left.
   */
  readonly lingerMs: number;
}

/** A record, with what waits for its outcome. */
export interface Queued<T> extends SinkRecord {
  /** What it counts for in `BatchLimits.maxBytes`. */
  readonly bytes: number;
  readonly waiting: T;
  /** Which of its records this is. */
  readonly part: number;
}

/** Records of one partition, encoded, and in two columns what waits for their outcomes. */
export class QueuedBatch<T> extends RecordBuffer implements Batch {
  readonly topic: string;
  readonly partition: number;
  readonly waiting: T[] = [];
  readonly parts: number[] = [];
  #bytes = 0;

  constructor({ topic, partition }: Pick<Batch, "topic" | "partition">, memory: BatchMemory, expectedBytes: number) {
    super(memory, expectedBytes);
    this.topic = topic;
    this.partition = partition;
  }

  /** Of its records, as `Queued.bytes` counts them. */
  get bytes(): number {
    return this.#bytes;
  }

  enqueue(queued: Queued<T>): void {
    this.add(queued);
    this.waiting.push(queued.waiting);
    this.parts.push(queued.part);
    this.#bytes += queued.bytes;
  }
}

/**
 * Records of one partition that wait to be sent, encoded into the batch that they will leave in. Passive: it holds no
 * timer and does no I/O; the caller asks what is due and says what time it is.
 */
export class BatchQueue<T> {
  readonly #of: Pick<Batch, "topic" | "partition">;
  readonly #limits: BatchLimits;
  readonly #memory: BatchMemory;
  /** Full ones, the oldest first. */
  readonly #full: QueuedBatch<T>[] = [];
  #open: QueuedBatch<T> | undefined;
  /** What the last batch had. */
  #expectedBytes = 0;
  /** When the oldest waiting record was added. */
  #since = 0;
  /** When a batch was last taken. */
  #takenAt = Number.NEGATIVE_INFINITY;

  constructor(of: Pick<Batch, "topic" | "partition">, limits: BatchLimits, memory: BatchMemory) {
    this.#of = of;
    this.#limits = limits;
    this.#memory = memory;
  }

  /** Records that wait. */
  get length(): number {
    let length = this.#open?.count ?? 0;
    for (const { count } of this.#full) length += count;
    return length;
  }

  add(queued: Queued<T>, nowMs: number): void {
    let open = this.#open;
    if (open === undefined && this.#full.length === 0) this.#since = nowMs;
    if (open !== undefined && !this.#hasRoom(open, queued.bytes)) {
      this.#full.push(open);
      this.#close(open);
      open = undefined;
    }
    if (open === undefined) this.#open = open = new QueuedBatch<T>(this.#of, this.#memory, this.#expectedBytes);
    open.enqueue(queued);
  }

  /** Whether there is enough for a batch that has no room for more. */
  get isFull(): boolean {
    if (this.#full.length > 0) return true;
    const open = this.#open;
    return open !== undefined && (open.bytes >= this.#limits.maxBytes || open.count >= this.#limits.maxRecords);
  }

  /**
   * Milliseconds until a batch is due: 0 when one is due now, undefined when nothing waits.
   * @param isIdle whether nothing of the partition is in flight
   */
  untilDue(nowMs: number, isIdle: boolean): number | undefined {
    if (this.isFull) return 0;
    if (this.#open === undefined) return undefined;
    return Math.max(0, (isIdle ? this.#takenAt : this.#since) + this.#limits.lingerMs - nowMs);
  }

  /** Takes the next batch, at most as large as the limits say; undefined when nothing waits. */
  take(nowMs: number): QueuedBatch<T> | undefined {
    this.#since = this.#takenAt = nowMs;
    const next = this.#full.shift() ?? this.#open;
    if (next !== undefined && next === this.#open) this.#close(next);
    return next;
  }

  #hasRoom({ count, bytes }: QueuedBatch<T>, moreBytes: number): boolean {
    return count < this.#limits.maxRecords && bytes + moreBytes <= this.#limits.maxBytes;
  }

  #close(open: QueuedBatch<T>): void {
    this.#expectedBytes = open.encoded.length;
    this.#open = undefined;
  }
}
