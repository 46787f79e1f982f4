import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { Sink } from "../../daemon/contract.ts";
import { writeRecords } from "../rig/batches.ts";
import { eventually } from "../rig/eventually.ts";
import { readTopic } from "../rig/read-topic.ts";
import { record } from "../unit/sinks/kafka/rig.ts";

const recordsPerBatch = 10;
/** Between bursts of as many batches as may be in flight: a steady load, not a race for the processor. */
const pauseMs = 50;

/**
 * Writes to a topic in bursts, each of as many batches in flight as the sink allows, until it is stopped; knows what must
 * be in the topic then. Values are numbered for each partition.
 */
export class Load {
  /** Acknowledged records of each partition. */
  readonly #acknowledged: number[];
  readonly #sink: Sink;
  readonly #topic: string;
  readonly #partitions: number;
  readonly #written: number[];
  readonly #done: Promise<unknown>;
  /** By partition: who waits for the middle of a burst. */
  readonly #waiting = new Map<number, () => void>();
  #isStopped = false;

  constructor(sink: Sink, topic: string, partitions: number) {
    this.#sink = sink;
    this.#topic = topic;
    this.#partitions = partitions;
    this.#written = Array.from({ length: partitions }, () => 0);
    this.#acknowledged = Array.from({ length: partitions }, () => 0);
    this.#done = Promise.all(this.#written.map((_, partition) => this.#write(partition)));
    this.#done.catch(() => {}); // `stop` reports it.
  }

  get acknowledged(): number {
    return this.#acknowledged.reduce((sum, count) => sum + count, 0);
  }

  /** Resolves when `count` more records were acknowledged than now, and some more in each partition. */
  async progress(count = 200): Promise<void> {
    const goal = this.acknowledged + count;
    const before = [...this.#acknowledged];
    const isReached = (): boolean =>
      this.acknowledged >= goal && this.#acknowledged.every((now, partition) => now > (before[partition] ?? 0));
    await eventually(`${count} more acknowledged records, some of them in each partition`, isReached).catch(
      (reason: unknown) => {
        throw new Error(`acknowledged by partition: ${before.join()} before, ${this.#acknowledged.join()} now`, {
          cause: reason,
        });
      },
    );
  }

  /**
   * Resolves at the moment when the leader of a partition has acknowledged a batch and others are still in flight: these
   * may be anywhere between here and its log.
   */
  midBurst(partition: number): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(partition, resolve));
  }

  /**
   * Stops, waits for all outcomes, and compares the topic with what was written: everything, once, in order.
   * @param foreign value of a record that somebody else wrote there
   */
  async verify(brokers: readonly string[], foreign?: string): Promise<void> {
    this.#isStopped = true;
    await this.#done;
    const all = await readTopic(brokers, this.#topic);
    const stored = all.filter(({ value }) => foreign === undefined || String(value) !== foreign);
    assert.equal(all.length - stored.length, foreign === undefined ? 0 : 1);
    for (let partition = 0; partition < this.#partitions; partition++) {
      const values = stored.filter((one) => one.partition === partition).map(({ value }) => String(value));
      const expected = Array.from({ length: this.#written[partition] ?? 0 }, (_, at) => `${partition}:${at}`);
      assert.equal(values.length, expected.length, `records in partition ${partition}`);
      assert.deepEqual(values, expected);
    }
    assert.equal(this.acknowledged, stored.length);
  }

  async #write(partition: number): Promise<void> {
    const underWay = new Set<Promise<void>>();
    while (!this.#isStopped) {
      while (underWay.size < this.#sink.maxInFlight) this.#writeBatch(partition, underWay);
      await delay(pauseMs);
      if (underWay.size === this.#sink.maxInFlight) await Promise.race(underWay);
    }
    await Promise.all(underWay);
  }

  #writeBatch(partition: number, underWay: Set<Promise<void>>): void {
    const from = this.#written[partition] ?? 0;
    this.#written[partition] = from + recordsPerBatch;
    const records = Array.from({ length: recordsPerBatch }, (_, at) => record(`${partition}:${from + at}`));
    const write = writeRecords(this.#sink, this.#topic, partition, records).then((outcomes) => {
      underWay.delete(write);
      const count = outcomes.filter(({ kind }) => kind === "acknowledged").length;
      this.#acknowledged[partition] = (this.#acknowledged[partition] ?? 0) + count;
      if (count === 0 || underWay.size === 0) return;
      this.#waiting.get(partition)?.();
      this.#waiting.delete(partition);
    });
    underWay.add(write);
  }
}
