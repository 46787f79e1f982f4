import type { BatchOutcome, EncodedRecords, SinkRecord, WriteOutcome } from "../../../contract.ts";
import { monotonicMs, timeOfDayMs } from "../../../clock.ts";
import { codecNumbers, compress, type Compression } from "../protocol/compression.ts";
import type { ClassifiedError } from "../protocol/errors.ts";
import { stampHeader, type BatchNumber } from "../protocol/record-batch.ts";
import { headRoomBytes } from "../../../records/batch-memory.ts";
import { encodeRecords } from "../../../records/record-buffer.ts";

/** One call of `write`: collects the outcomes of its records and then answers the caller. */
export class PendingWrite {
  readonly result: Promise<BatchOutcome>;
  /** Milliseconds since 1970; the timestamp of its records. */
  readonly takenAt = timeOfDayMs();
  readonly #beganAt = monotonicMs();
  readonly #outcomes: WriteOutcome[] = [];
  #missing: number;
  #resolve: (outcome: BatchOutcome) => void = () => {};
  #reject: (reason: Error) => void = () => {};

  constructor(count: number) {
    this.#missing = count;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (count === 0) this.#answer();
  }

  /** Milliseconds since the call. */
  get ageMs(): number {
    return monotonicMs() - this.#beganAt;
  }

  /** All of its records were acknowledged, in one batch. */
  acknowledge(baseOffset: number): void {
    this.#resolve({ kind: "acknowledged", baseOffset });
  }

  /** Each index is settled once. */
  settle(index: number, outcome: WriteOutcome): void {
    this.#outcomes[index] = outcome;
    this.#missing -= 1;
    if (this.#missing === 0) this.#answer();
  }

  #answer(): void {
    this.#resolve({ kind: "each", outcomes: this.#outcomes });
  }

  fail(reason: Error): void {
    this.#reject(reason);
  }
}

/** A record with the place of its outcome. */
export interface RecordSlot {
  readonly record: SinkRecord;
  readonly index: number;
}

/**
 * A sealed batch that has no outcome yet: what travels as one. It is compressed once, and numbered once, so that sending
 * it again sends the same bytes and the broker recognises the repetition. It gets another number only when it is certain
 * not to be in the log.
 */
export class SealedBatch {
  readonly pendingWrite: PendingWrite;
  /** Resolves when `batch` is there. */
  readonly sealed: Promise<void>;
  number: BatchNumber | undefined;
  /** Its records cannot be before this offset of the partition; undefined before it is first sent. */
  floor: number | undefined;
  /** Its records may be in the log: a request that carried them ended without a definite answer. */
  mayBeAppended = false;
  /** Others were in flight before it when it was last sent. */
  wentBehind = false;
  /** A record before it was refused for good, so its number does not follow on what the broker has. */
  isDisplaced = false;
  /** It was looked for in vain, because the topic cannot be read. */
  wasHidden = false;
  /** What the last sending met. */
  fault: ClassifiedError | undefined;
  /** How often it arrived damaged. */
  corruptions = 0;
  /** It was given a new timestamp, because the broker had not taken the former one. */
  isRestamped = false;
  readonly #records: EncodedRecords;
  /** Which records of the call it has; undefined for all of them. */
  readonly #indices: readonly number[] | undefined;
  #slots: readonly RecordSlot[] | undefined;
  #batch: Buffer | undefined;
  #attributes = 0;
  readonly #uncompressedBytes: number;
  /** Of its records; milliseconds since 1970. */
  #timestampMs: number;
  /** When that was, on the monotonic clock. */
  #stampedAt: number;

  /** @param indices which records of the call these are; undefined for all of them */
  constructor(
    pendingWrite: PendingWrite,
    records: EncodedRecords,
    compression: Compression,
    indices?: readonly number[],
  ) {
    this.pendingWrite = pendingWrite;
    this.#records = records;
    this.#indices = indices;
    this.#timestampMs = pendingWrite.takenAt;
    this.#stampedAt = monotonicMs() - pendingWrite.ageMs;
    this.#uncompressedBytes = records.encoded.length;
    this.sealed = this.#seal(compression);
  }

  /** Records in it. */
  get count(): number {
    return this.#records.count;
  }

  /** Bytes of the batch as it would be without compression, header included. */
  get uncompressedBytes(): number {
    return this.#uncompressedBytes;
  }

  get span(): EncodedRecords["span"] {
    return this.#records.span;
  }

  /** Its records, decoded when they are first asked for: only what went wrong asks. */
  get slots(): readonly RecordSlot[] {
    this.#slots ??= this.#records.records().map((record, at) => ({ record, index: this.#indices?.[at] ?? at }));
    return this.#slots;
  }

  /** The whole batch, header included; undefined while it is being compressed. */
  get batch(): Buffer | undefined {
    return this.#batch;
  }

  /** Milliseconds since the time that its records carry: a broker forgets a producer by that of its last batch. */
  get ageMs(): number {
    return monotonicMs() - this.#stampedAt;
  }

  /**
   * Gives the batch its place in a producer's order. Only between sendings, and only if it is certain that it is not
   * in the log: the broker knows it there by its former number.
   * @throws Error when it may be in the log, or is not sealed
   */
  stamp(number: BatchNumber): void {
    if (this.mayBeAppended) throw new Error("a batch that may be in the log is not given another number");
    this.number = number;
    this.#writeHeader(number);
  }

  #writeHeader(number: BatchNumber): void {
    if (this.#batch === undefined) throw new Error("a batch is numbered before it is sealed");
    const fields = { count: this.count, attributes: this.#attributes, timestampMs: this.#timestampMs };
    stampHeader(this.#batch, fields, number);
  }

  /**
   * Gives its records the present time as their timestamp. Only for a batch that is certain not to be in the log: the
   * broker must never see two contents under one number.
   * @throws Error when it may be in the log
   */
  restamp(): void {
    if (this.mayBeAppended) throw new Error("a batch that may be in the log is sent as it is");
    this.#timestampMs = timeOfDayMs();
    this.#stampedAt = monotonicMs();
    this.isRestamped = true;
    if (this.number !== undefined) this.#writeHeader(this.number);
  }

  async #seal(compression: Compression): Promise<void> {
    const { encoded } = this.#records;
    if (compression !== "none") {
      try {
        const packed = await compress(compression, encoded.subarray(headRoomBytes));
        this.#batch = Buffer.concat([Buffer.allocUnsafe(headRoomBytes), packed]);
        this.#attributes = codecNumbers[compression];
        return;
      } catch {
        // The compressor fails only if memory runs out; uncompressed the batch is as good.
      }
    }
    this.#batch = encoded;
  }

  /** All of its records were acknowledged, the first one at this offset. */
  acknowledge(baseOffset: number): void {
    if (this.#indices === undefined) return this.pendingWrite.acknowledge(baseOffset);
    for (const [delta, index] of this.#indices.entries()) {
      this.pendingWrite.settle(index, { kind: "acknowledged", offset: baseOffset + delta });
    }
  }

  /** Two halves, the older records first; at least two records are needed. */
  halves(compression: Compression): readonly [SealedBatch, SealedBatch] {
    const middle = this.slots.length >> 1;
    return [this.#part(this.slots.slice(0, middle), compression), this.#part(this.slots.slice(middle), compression)];
  }

  /** The same without some of its records, or undefined when none is left. */
  without(done: ReadonlySet<RecordSlot>, compression: Compression): SealedBatch | undefined {
    const rest = this.slots.filter((slot) => !done.has(slot));
    return rest.length === 0 ? undefined : this.#part(rest, compression);
  }

  #part(slots: readonly RecordSlot[], compression: Compression): SealedBatch {
    const records = encodeRecords(slots.map(({ record }) => record));
    const indices = slots.map(({ index }) => index);
    const part = new SealedBatch(this.pendingWrite, records, compression, indices);
    part.floor = this.floor;
    part.mayBeAppended = this.mayBeAppended;
    part.#timestampMs = this.#timestampMs;
    part.#stampedAt = this.#stampedAt;
    part.isDisplaced = this.isDisplaced;
    part.isRestamped = this.isRestamped;
    return part;
  }
}
