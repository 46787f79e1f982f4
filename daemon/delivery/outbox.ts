import { BatchQueue, type BatchLimits, type Queued } from "./batch-queue.ts";
import type { Sink } from "../contract.ts";
import { partitionOf } from "./partition-key.ts";

interface Lane {
  readonly topic: string;
  readonly partition: number;
  /** Both, as offsets are kept by. */
  readonly name: string;
  readonly queue: BatchQueue;
  inFlight: number;
  timer: NodeJS.Timeout | undefined;
  /** When the timer fires. */
  dueAt: number;
  /** Set while records wait for the end of the event that brought them. */
  turn: NodeJS.Immediate | undefined;
}

/**
 * Sorts records into batches per topic and partition and keeps a few batches of each partition in flight. Records of
 * one partition leave in the order in which they were added. While a topic's partitions are not known its records wait
 * here, and other topics go on.
 */
export class Outbox {
  readonly #sink: Sink;
  readonly #limits: BatchLimits;
  readonly #lanes = new Map<string, Lane[]>();
  readonly #unrouted = new Map<string, Queued[]>();
  #isDisposed = false;
  #isFlushing = false;
  /** Records that were added and have no outcome. */
  #open = 0;

  constructor(sink: Sink, limits: BatchLimits) {
    this.#sink = sink;
    this.#limits = limits;
    sink.onChange(() => this.#route());
  }

  get open(): number {
    return this.#open;
  }

  add(topic: string, queued: Queued): void {
    this.#open += 1;
    const waiting = this.#unrouted.get(topic);
    if (waiting !== undefined) waiting.push(queued);
    else if (!this.#enqueue(topic, queued)) this.#unrouted.set(topic, [queued]);
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
      if (this.#sink.partitions(topic) === undefined) continue;
      this.#unrouted.delete(topic);
      for (const queued of waiting) this.#enqueue(topic, queued);
    }
  }

  #enqueue(topic: string, queued: Queued): boolean {
    const count = this.#sink.partitions(topic);
    if (count === undefined) return false;
    const lane = this.#lane(topic, partitionOf(queued.key, count));
    lane.queue.add(queued, performance.now());
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

  #lane(topic: string, partition: number): Lane {
    let lanes = this.#lanes.get(topic);
    if (lanes === undefined) this.#lanes.set(topic, (lanes = []));
    const known = lanes[partition];
    if (known !== undefined) return known;
    const queue = new BatchQueue(this.#limits);
    const name = `${topic}/${partition}`;
    const lane = { topic, partition, name, queue, inFlight: 0, timer: undefined, dueAt: 0, turn: undefined };
    lanes[partition] = lane;
    return lane;
  }

  /** Sends what is due, or sets the timer for when it will be. */
  #pump(lane: Lane): void {
    while (!this.#isDisposed && lane.inFlight < this.#sink.maxInFlight) {
      const now = performance.now();
      const untilDue = lane.queue.untilDue(now, lane.inFlight === 0);
      if (untilDue === undefined) return;
      if (untilDue > 0 && !this.#isFlushing) return this.#pumpAt(lane, now, Math.ceil(untilDue));
      lane.inFlight += 1;
      void this.#send(lane, lane.queue.take(now));
    }
  }

  #pumpAt(lane: Lane, now: number, delayMs: number): void {
    if (lane.timer !== undefined && lane.dueAt <= now + delayMs) return;
    clearTimeout(lane.timer);
    lane.dueAt = now + delayMs;
    lane.timer = setTimeout(() => {
      lane.timer = undefined;
      this.#pump(lane);
    }, delayMs);
  }

  async #send(lane: Lane, batch: readonly Queued[]): Promise<void> {
    const { topic, partition, name } = lane;
    try {
      const outcomes = await this.#sink.write({ topic, partition, records: batch });
      if (outcomes.length !== batch.length) throw new Error("a sink answered for another number of records");
      if (this.#isDisposed) return;
      lane.inFlight -= 1;
      this.#open -= batch.length;
      for (const [index, queued] of batch.entries()) {
        const outcome = outcomes[index];
        if (outcome !== undefined) queued.done(outcome, name);
      }
    } catch (reason) {
      // A sink that was disposed leaves the outcome open: nothing is acknowledged, so the alert is read again.
      if (this.#isDisposed) return;
      throw reason;
    }
    this.#pump(lane);
  }
}
