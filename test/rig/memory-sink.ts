import {
  headersOf,
  lookupKey,
  type Batch,
  type BatchOutcome,
  type Lookup,
  type Shipped,
  type Sink,
  type OffsetsByPartition,
  type SinkRecord,
  type WriteOutcome,
} from "../../daemon/contract.ts";
import { headerNames } from "../../daemon/header-names.ts";

/** A batch as it was written; its records are decoded before it has its outcome, or when they are first asked for. */
class WrittenBatch {
  readonly topic: string;
  readonly partition: number;
  readonly #batch: Batch;
  #records: readonly SinkRecord[] | undefined;

  constructor(batch: Batch) {
    this.topic = batch.topic;
    this.partition = batch.partition;
    this.#batch = batch;
  }

  get records(): readonly SinkRecord[] {
    this.#records ??= this.#batch.records();
    return this.#records;
  }
}

interface Held {
  readonly batch: WrittenBatch;
  readonly answer: (outcome: BatchOutcome) => void;
  readonly fail: (reason: unknown) => void;
}

/**
 * A sink that keeps its records in memory, per partition and with offsets, as Kafka does. It can hold batches back
 * until the test releases them, refuse records, and lose its answers.
 */
export class MemorySink implements Sink {
  readonly maxInFlight: number;
  /** The records in the sink, by `topic/partition`. */
  readonly stored = new Map<string, SinkRecord[]>();
  /** Batches in the order of `write`. */
  readonly written: WrittenBatch[] = [];
  readonly #partitions = new Map<string, number>();
  /** Batches that wait while the sink holds, oldest first. */
  readonly held: Held[] = [];
  isHolding = false;
  isReadable = true;
  /** Records that the sink refuses. */
  refuses: (record: SinkRecord) => boolean = () => false;
  #changed: () => void = () => undefined;
  #isDisposed = false;

  constructor(options: { maxInFlight?: number; partitions?: Readonly<Record<string, number>> } = {}) {
    this.maxInFlight = options.maxInFlight ?? 5;
    for (const [topic, count] of Object.entries(options.partitions ?? { alerts: 1 }))
      this.#partitions.set(topic, count);
  }

  get records(): SinkRecord[] {
    return [...this.stored.values()].flat();
  }

  open(): void {
    // There is nothing to connect to.
  }

  partitions(topic: string): number | undefined {
    return this.#partitions.get(topic);
  }

  onChange(listener: () => void): void {
    this.#changed = listener;
  }

  /** From now on the topic is known. */
  learn(topic: string, partitions: number): void {
    this.#partitions.set(topic, partitions);
    this.#changed();
  }

  write(encoded: Batch): Promise<BatchOutcome> {
    const batch = new WrittenBatch(encoded);
    this.written.push(batch);
    if (!this.isHolding && this.held.length === 0) return Promise.resolve(this.#store(batch));
    return new Promise((answer, fail) => this.held.push({ batch, answer, fail }));
  }

  /** Stores and answers the oldest held batches. */
  release(batches = Infinity): void {
    for (const { batch, answer } of this.held.splice(0, batches)) answer(this.#store(batch));
  }

  /** Stores the oldest held batches and never answers them: the process that wrote them is gone. */
  storeUnanswered(batches: number): void {
    for (const { batch } of this.held.splice(0, batches)) this.#store(batch);
  }

  lookup(topics: readonly string[], since: OffsetsByPartition): Promise<Lookup> {
    const next: Record<string, number> = {};
    const shipped: Shipped = new Map();
    for (const topic of topics) {
      const isKnown = Object.keys(since).some((partition) => partition.startsWith(`${topic}/`));
      for (let partition = 0; partition < (this.#partitions.get(topic) ?? 0); partition++) {
        const name = `${topic}/${partition}`;
        const records = this.stored.get(name) ?? [];
        next[name] = records.length;
        for (const record of isKnown ? records.slice(since[name] ?? 0) : []) {
          const key = lookupKey(
            header(record, headerNames.node),
            idIn(record),
            header(record, headerNames.handler),
            record.value,
          );
          shipped.set(key, (shipped.get(key) ?? 0) + 1);
        }
      }
    }
    return Promise.resolve(this.isReadable ? { shipped, next } : { shipped: undefined, refusal: "no right", next });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    for (const { fail } of this.held.splice(0)) fail(new Error("disposed"));
  }

  #store(batch: WrittenBatch): BatchOutcome {
    if (this.#isDisposed) throw new Error("disposed");
    const name = `${batch.topic}/${batch.partition}`;
    const records = this.stored.get(name) ?? [];
    this.stored.set(name, records);
    const baseOffset = records.length;
    const outcomes = batch.records.map((record): WriteOutcome => {
      if (this.refuses(record)) return { kind: "refused", reason: "record-too-large", detail: "refused by the test" };
      return { kind: "acknowledged", offset: records.push(record) - 1 };
    });
    const isWhole = outcomes.every(({ kind }) => kind === "acknowledged");
    return isWhole ? { kind: "acknowledged", baseOffset } : { kind: "each", outcomes };
  }
}

/** A header of a record, as text; empty if it has none of that name. */
export function header(record: SinkRecord, name: string): string {
  return (
    headersOf(record)
      .find(([known]) => known === name)?.[1]
      .toString() ?? ""
  );
}

/** The id of the alert that a record was made from. */
export function idIn(record: SinkRecord): string {
  return header(record, headerNames.id);
}
