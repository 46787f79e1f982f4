import { BatchQueue, type BatchLimits, type Queued, type QueuedBatch } from "./batch-queue.ts";
import type { BatchOutcome, Refusal, Sink, SinkRecord } from "../contract.ts";
import { wordsOf } from "../manifest/record-digest.ts";
import { BatchMemory, headRoomBytes } from "../records/batch-memory.ts";
import { partitionOf } from "./partition-key.ts";
import type { TopicGate } from "./topic-gate.ts";

/** A batch that the sink has answered for. */
export interface AnsweredBatch {
  /** As `topic/partition`. */
  readonly partition: string;
  /** Its records' digests, as `wordsOf` gives them; undefined if nobody makes digests. */
  readonly digests: Int32Array | undefined;
}

/** What is heard of a record. It is named by what waits for it, and by which of that one's records it is. */
export interface RecordListener<T> {
  /** Its bytes are in a batch: nothing else has to hold them. May be called before `add` returns. */
  encoded(waiting: T, part: number): void;
  /** @param index of the record in its batch */
  acknowledged(waiting: T, part: number, batch: AnsweredBatch, index: number, offset: number): void;
  /** @param record decoded */
  refused(waiting: T, part: number, refusal: Refusal, record: SinkRecord): void;
}

/** Makes the digests of a batch's records, 32 bytes each. `bytes`: the records as they are sent. */
export type MakeDigests = (batch: {
  readonly topic: string;
  readonly count: number;
  readonly bytes: Buffer;
}) => Buffer | Promise<Buffer>;

interface Lane<T> {
  /** Topic and partition, as offsets are kept by. */
  readonly name: string;
  readonly queue: BatchQueue<T>;
  inFlight: number;
  /** Digests of the batch that left last; they are there in the order in which batches left, as answers are. */
  digested: Promise<Buffer | undefined>;
  timer: NodeJS.Timeout | undefined;
  /** When the timer fires. */
  dueAt: number;
  /** Set while records wait for the end of the event that brought them. */
  turn: NodeJS.Immediate | undefined;
}

/**
 * Encodes records into batches per topic and partition and keeps a few batches of each partition in flight. Records of
 * one partition leave in the order in which they were added. While a topic's partitions are not known, or its gate is
 * closed, its records wait here as they are, and other topics go on.
 */
export class Outbox<T> {
  readonly #sink: Sink;
  readonly #limits: BatchLimits;
  readonly #memory: BatchMemory;
  readonly #answered: () => void;
  readonly #gate: TopicGate | undefined;
  readonly #digests: MakeDigests | undefined;
  readonly #lanes = new Map<string, Lane<T>[]>();
  readonly #unrouted = new Map<string, Queued<T>[]>();
  #listener: RecordListener<T> | undefined;
  #isDisposed = false;
  #isFlushing = false;
  /** Records that were added and have no outcome. */
  #open = 0;

  /**
   * @param answered called each time the sink has answered for a batch, before the outcomes of its records are reported
   * @param gate     absent where no look-up follows a crash
   * @param digests  absent where nobody asks for digests
   */
  constructor(
    sink: Sink,
    limits: BatchLimits,
    answered: () => void = () => undefined,
    gate?: TopicGate,
    digests?: MakeDigests,
  ) {
    this.#digests = digests;
    this.#sink = sink;
    this.#answered = answered;
    this.#gate = gate;
    gate?.onOpen(() => this.#route());
    this.#limits = limits;
    this.#memory = new BatchMemory(limits.maxBytes);
    sink.onChange(() => this.#route());
  }

  get open(): number {
    return this.#open;
  }

  /** Sets who hears of the records; before the first one is added. */
  reportTo(listener: RecordListener<T>): void {
    this.#listener = listener;
  }

  add(topic: string, queued: Queued<T>): void {
    this.#open += 1;
    const waiting = this.#unrouted.get(topic);
    if (waiting !== undefined) waiting.push(queued);
    else if (!this.#enqueue(topic, queued)) this.#unrouted.set(topic, [queued]);
  }

  /** Whether a record for this topic that is added now is in a batch before `add` returns. */
  encodesAtOnce(topic: string): boolean {
    return !this.#unrouted.has(topic) && this.#routes(topic) !== undefined;
  }

  /** From now on batches leave without waiting for company. */
  flush(): void {
    this.#isFlushing = true;
    for (const lane of [...this.#lanes.values()].flat()) this.#pump(lane);
  }

  /** Sends nothing more and calls nobody back. */
  dispose(): void {
    this.#isDisposed = true;
    for (const lane of [...this.#lanes.values()].flat()) {
      clearTimeout(lane.timer);
      clearImmediate(lane.turn);
    }
  }

  #route(): void {
    if (this.#isDisposed) return;
    for (const [topic, waiting] of this.#unrouted) {
      if (this.#routes(topic) === undefined) continue;
      this.#unrouted.delete(topic);
      for (const queued of waiting) this.#enqueue(topic, queued);
    }
  }

  /** Partitions that records of a topic may go to now. */
  #routes(topic: string): number | undefined {
    const count = this.#sink.partitions(topic);
    return count === undefined || this.#gate?.isOpen(topic) === false ? undefined : count;
  }

  #enqueue(topic: string, queued: Queued<T>): boolean {
    const count = this.#routes(topic);
    if (count === undefined) return false;
    const lane = this.#lane(topic, partitionOf(queued.key, count));
    lane.queue.add(queued, performance.now());
    this.#listener?.encoded(queued.waiting, queued.part);
    // What one read brings goes together: it is sent when the event that brought it is over, unless a batch is full before.
    if (lane.inFlight > 0 || lane.queue.isFull || this.#isFlushing || this.#limits.lingerMs === 0) this.#pump(lane);
    else {
      lane.turn ??= setImmediate(() => {
        lane.turn = undefined;
        this.#pump(lane);
      });
    }
    return true;
  }

  #lane(topic: string, partition: number): Lane<T> {
    let lanes = this.#lanes.get(topic);
    if (lanes === undefined) this.#lanes.set(topic, (lanes = []));
    const known = lanes[partition];
    if (known !== undefined) return known;
    const queue = new BatchQueue<T>({ topic, partition }, this.#limits, this.#memory);
    const name = `${topic}/${partition}`;
    const digested = Promise.resolve(undefined);
    const lane = { name, queue, inFlight: 0, digested, timer: undefined, dueAt: 0, turn: undefined };
    lanes[partition] = lane;
    return lane;
  }

  /** Sends what is due, or sets the timer for when it will be. */
  #pump(lane: Lane<T>): void {
    while (!this.#isDisposed && lane.inFlight < this.#sink.maxInFlight) {
      const now = performance.now();
      const untilDue = lane.queue.untilDue(now, lane.inFlight === 0);
      if (untilDue === undefined) return;
      if (untilDue > 0 && !this.#isFlushing) return this.#pumpAt(lane, now, Math.ceil(untilDue));
      const batch = lane.queue.take(now);
      if (batch === undefined) return;
      lane.inFlight += 1;
      void this.#send(lane, batch);
    }
  }

  #pumpAt(lane: Lane<T>, now: number, delayMs: number): void {
    if (lane.timer !== undefined && lane.dueAt <= now + delayMs) return;
    clearTimeout(lane.timer);
    lane.dueAt = now + delayMs;
    lane.timer = setTimeout(() => {
      lane.timer = undefined;
      this.#pump(lane);
    }, delayMs);
  }

  async #send(lane: Lane<T>, batch: QueuedBatch<T>): Promise<void> {
    try {
      const written = this.#sink.write(batch);
      const { topic, count, encoded } = batch;
      const made = this.#digests?.({ topic, count, bytes: encoded.subarray(headRoomBytes) });
      const ready = made === undefined ? undefined : (lane.digested = lane.digested.then(() => made));
      const outcome = await written;
      const digests = await ready;
      if (this.#isDisposed) return;
      lane.inFlight -= 1;
      this.#open -= batch.count;
      this.#report(lane.name, batch, outcome, digests);
      batch.release();
    } catch (reason) {
      // A sink that was disposed leaves the outcome open: nothing is acknowledged, so the alert is read again.
      if (this.#isDisposed) return;
      throw reason;
    }
    this.#pump(lane);
  }

  #report(partition: string, batch: QueuedBatch<T>, outcome: BatchOutcome, digests: Buffer | undefined): void {
    const { waiting, parts, count } = batch;
    const outcomes = outcome.kind === "each" ? outcome.outcomes : undefined;
    const base = outcome.kind === "acknowledged" ? outcome.baseOffset : 0;
    if (outcomes !== undefined && outcomes.length !== count) {
      throw new Error("a sink answered for another number of records");
    }
    let records: readonly SinkRecord[] | undefined;
    const answered = { partition, digests: digests && wordsOf(digests) };
    this.#answered();
    for (let index = 0; index < count; index++) {
      const one = outcomes?.[index];
      const whose = waiting[index]!;
      const part = parts[index]!;
      if (one?.kind === "refused") {
        records ??= batch.records();
        this.#listener?.refused(whose, part, one, records[index]!);
        continue;
      }
      this.#listener?.acknowledged(whose, part, answered, index, one?.offset ?? base + index);
    }
  }
}
