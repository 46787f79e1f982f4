/** Finds records of known alerts in topics, for an administrator who waits: within a time, and without promising more. */
import { headerNames } from "../../../header-names.ts";
import { JoinedSignal } from "../../../joined-signal.ts";
import { partitionOf } from "../../../delivery/partition-key.ts";
import { SoughtAlerts, type RecordSearch, type SoughtAlert, type TopicSearch } from "../../../records/record-search.ts";
import { Backoff } from "../connection/backoff.ts";
import { classifyError, KafkaError, kafkaCodes, lastingTopicCodes } from "../protocol/errors.ts";
import type { FetchedRecord } from "../protocol/record-reader.ts";
import { Cursor, reach, readRange } from "./read-range.ts";
import type { ReadingContext } from "./sender-context.ts";

/** A record bears the time at which its batch was taken, by the clock of the manager; brokers' clocks differ by less. */
const marginMs = 60_000;

/** All that is looked for was found. */
class AllFound extends Error {}

/**
 * Reads topics from the time of the alerts on: first the partitions of their keys, then the others, where a record is if
 * the topic had another number of partitions when it was sent. Ends when all is found, when everything was read, or with
 * the search's signal. Never rejects.
 */
export async function findRecords(search: RecordSearch, context: ReadingContext): Promise<readonly TopicSearch[]> {
  const progress = { isDone: false };
  return Promise.all(search.topics.map((topic) => new TopicReading(topic, search, context, progress).run()));
}

class TopicReading {
  readonly #topic: string;
  readonly #search: RecordSearch;
  readonly #joined: JoinedSignal;
  readonly #context: ReadingContext;
  readonly #progress: { isDone: boolean };
  readonly #sought: SoughtAlerts;
  #partitions: number | undefined;
  /** The last failure, and where the reading is. */
  #trouble: string | undefined;
  #at: string | undefined;
  #passedOver = 0;

  constructor(topic: string, search: RecordSearch, context: ReadingContext, progress: { isDone: boolean }) {
    this.#topic = topic;
    this.#search = search;
    this.#joined = new JoinedSignal([search.signal, context.signal]);
    this.#context = { ...context, signal: this.#joined.signal };
    this.#progress = progress;
    this.#sought = new SoughtAlerts(search.alerts);
  }

  async run(): Promise<TopicSearch> {
    using joined = this.#joined;
    const { signal } = joined;
    const isOver = new Promise<"over">((resolve) => {
      if (signal.aborted) resolve("over");
      signal.addEventListener("abort", () => resolve("over"), { once: true });
    });
    const topic = this.#topic;
    // What waits for a broker that does not answer is left behind; it ends with the sink.
    const end = await Promise.race([this.#read(), isOver]).catch((reason: unknown) => {
      if (!signal.aborted) this.#trouble = classifyError(reason).text;
      return "over" as const;
    });
    if (end === "whole" && this.#passedOver > 0)
      return this.#result(`${this.#passedOver} batches of ${topic} cannot be read`);
    if (end === "whole") return this.#result(undefined);
    const missed = [this.#trouble, this.#at].filter((text) => text !== undefined).join("; ");
    return this.#result(missed === "" ? `no broker has named the partitions of ${topic} in time` : missed);
  }

  #result(shortfall: string | undefined): TopicSearch {
    return { topic: this.#topic, partitions: this.#partitions, shortfall };
  }

  async #read(): Promise<"whole"> {
    const { metadataCache } = this.#context;
    metadataCache.track(this.#topic);
    const count = await this.#untilItWorks(async () => {
      await metadataCache.refresh(false);
      const code = metadataCache.codeOf(this.#topic);
      if (code === undefined) throw new Error(this.#context.conditions.last?.text ?? "no broker answers");
      if (code !== kafkaCodes.NONE) throw new KafkaError(code, `topic ${this.#topic}`);
      return metadataCache.partitions(this.#topic) ?? 0;
    });
    this.#partitions = count;
    const { alerts } = this.#search;
    const own = new Set(alerts.map(({ key }) => partitionOf(key, count)));
    for (const partition of own)
      await this.#partition(
        partition,
        alerts.filter(({ key }) => partitionOf(key, count) === partition),
      );
    for (let partition = 0; partition < count; partition++) {
      if (!own.has(partition)) await this.#partition(partition, alerts);
    }
    return "whole";
  }

  async #partition(partition: number, alerts: readonly SoughtAlert[]): Promise<void> {
    const since = alerts.some(({ sinceMs }) => sinceMs === undefined)
      ? undefined
      : Math.min(...alerts.map(({ sinceMs = 0 }) => sinceMs)) - marginMs;
    const name = `${this.#topic}/${partition}`;
    let cursor: Cursor | undefined;
    this.#at = `${name} was not read yet when the time was over`;
    await this.#untilItWorks(async () => {
      if (this.#progress.isDone) return;
      cursor ??= await this.#begin(partition, since);
      const { from } = cursor;
      const visit = (record: FetchedRecord): void => {
        this.#at = `${name} was read from offset ${from} to ${record.offset} when the time was over`;
        this.#visit(partition, record);
      };
      const passOver = (): void => void (this.#passedOver += 1);
      try {
        await readRange(this.#context, this.#topic, partition, cursor, { visit, passOver });
      } catch (reason) {
        if (!(reason instanceof AllFound)) throw reason;
      }
      this.#at = undefined;
    });
  }

  /** Where to begin: at the first record that is not older than the alerts. */
  async #begin(partition: number, since: number | undefined): Promise<Cursor> {
    const leader = await reach(this.#context, this.#topic, partition);
    const at = await leader.offset(since === undefined ? "first" : { sinceMs: Math.max(0, since) });
    // None is as new as that: the end.
    return new Cursor(at < 0 ? await leader.offset("next") : at, () => undefined);
  }

  #visit(partition: number, { offset, headers, value }: FetchedRecord): void {
    // Found in another topic.
    if (this.#progress.isDone) throw new AllFound();
    const text = (name: string): string | undefined => headers.find(([header]) => header === name)?.[1]?.toString();
    const alert = this.#sought.get(text(headerNames.id), text(headerNames.node));
    if (alert === undefined) return;
    const record = { topic: this.#topic, partition, offset, handler: text(headerNames.handler) ?? "", value };
    if (!this.#search.found(alert, record)) return;
    this.#progress.isDone = true;
    throw new AllFound();
  }

  /** Repeats a step until it succeeds, the time is over, or no retry can help within it. */
  async #untilItWorks<T>(step: () => Promise<T>): Promise<T> {
    const backoff = new Backoff();
    for (;;) {
      try {
        const result = await step();
        this.#trouble = undefined;
        return result;
      } catch (reason) {
        this.#context.signal.throwIfAborted();
        this.#trouble = classifyError(reason).text;
        if (reason instanceof KafkaError && lastingTopicCodes.has(reason.code)) throw reason;
        await backoff.wait(this.#context.signal);
        await this.#context.metadataCache.refresh();
      }
    }
  }
}
