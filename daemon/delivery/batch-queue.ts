import type { SinkRecord, WriteOutcome } from "../contract.ts";

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

/** A record with a way to report its outcome. */
export interface Queued extends SinkRecord {
  readonly bytes: number;
  /** @param partition as `topic/partition` */
  done(outcome: WriteOutcome, partition: string): void;
}

/**
 * Records of one partition that wait to be sent. Passive: it holds no timer and does no I/O; the caller asks what is
 * due and says what time it is.
 */
export class BatchQueue {
  readonly #limits: BatchLimits;
  #records: Queued[] = [];
  #bytes = 0;
  /** When the oldest waiting record was added. */
  #since = 0;
  /** When a batch was last taken. */
  #takenAt = Number.NEGATIVE_INFINITY;

  constructor(limits: BatchLimits) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#records.length;
  }

  add(queued: Queued, nowMs: number): void {
    if (this.length === 0) this.#since = nowMs;
    this.#records.push(queued);
    this.#bytes += queued.bytes;
  }

  /** Whether there is enough for a batch that has no room for more. */
  get isFull(): boolean {
    return this.#bytes >= this.#limits.maxBytes || this.length >= this.#limits.maxRecords;
  }

  /**
   * Milliseconds until a batch is due: 0 when one is due now, undefined when nothing waits.
   * @param isIdle whether nothing of the partition is in flight
   */
  untilDue(nowMs: number, isIdle: boolean): number | undefined {
    if (this.length === 0) return undefined;
    if (this.isFull) return 0;
    return Math.max(0, (isIdle ? this.#takenAt : this.#since) + this.#limits.lingerMs - nowMs);
  }

  /** Takes the next batch, at most as large as the limits say; at least one record when any waits. */
  take(nowMs: number): Queued[] {
    let bytes = 0;
    let end = 0;
    while (end < this.#limits.maxRecords) {
      const next = this.#records[end];
      if (next === undefined || (end > 0 && bytes + next.bytes > this.#limits.maxBytes)) break;
      bytes += next.bytes;
      end += 1;
    }
    this.#bytes -= bytes;
    this.#since = this.#takenAt = nowMs;
    // Removed and not only skipped: a record keeps its alert in memory, and the budget no longer counts it once it has
    // its outcome.
    return this.#records.splice(0, end);
  }
}
