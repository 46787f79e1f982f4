/** Reads topics back as a whole, for an administrator who waits: what cannot be read is said and not passed over. */
import { headerNames } from "../../../header-names.ts";
import { JoinedSignal } from "../../../joined-signal.ts";
import type {
  KeptRecord,
  PartitionExtent,
  RecordReading,
  RecordStretch,
  TopicExtent,
  UnreadRecords,
} from "../../../records/record-reading.ts";
import { monotonicMs, timeOfDayMs } from "../../../clock.ts";
import { Backoff } from "../connection/backoff.ts";
import { classifyError, KafkaError, kafkaCodes, lastingTopicCodes } from "../protocol/errors.ts";
import type { FetchedRecord } from "../protocol/record-reader.ts";
import { Cursor, reach, readRange } from "./read-range.ts";
import type { ReadingContext } from "./sender-context.ts";

/** How long a step is tried while brokers do not answer; milliseconds. */
const giveUpAfterMs = 30_000;

/** All that is wanted of a partition was read. */
class Enough extends Error {}

/** A partition is not the one any more that was read before. */
class BeganAgain extends Error {}

/** Where topics begin and end now. Rejects only with the reason of a signal. */
export async function extentsOf(
  topics: readonly string[],
  signal: AbortSignal,
  context: ReadingContext,
): Promise<readonly TopicExtent[]> {
  using joined = new JoinedSignal([signal, context.signal]);
  const both = { ...context, signal: joined.signal };
  const extents: TopicExtent[] = [];
  for (const topic of topics) {
    const partitions: PartitionExtent[] = [];
    let trouble: string | undefined;
    try {
      const count = await partitionsOf(topic, both);
      for (let partition = 0; partition < count; partition++) {
        partitions.push(await untilItWorks(both, () => extentOf(topic, partition, both)));
      }
    } catch (reason) {
      both.signal.throwIfAborted();
      trouble = troubleWith(topic, reason);
    }
    extents.push({ topic, partitions, trouble });
  }
  return extents;
}

/**
 * Reads stretches of partitions, one after the other.
 * @returns why some records were not seen; none if all were
 * @throws the reason of a signal, or what `visit` throws
 */
export async function readStretches(
  reading: RecordReading,
  context: ReadingContext,
): Promise<readonly UnreadRecords[]> {
  using joined = new JoinedSignal([reading.signal, context.signal]);
  const both = { ...context, signal: joined.signal };
  const troubles: UnreadRecords[] = [];
  for (const topic of new Set(reading.stretches.map((stretch) => stretch.topic))) context.metadataCache.track(topic);
  for (const stretch of reading.stretches) {
    const visits = new StretchVisits(stretch, reading.visit);
    try {
      await untilItWorks(both, () => visits.read(both), visits);
    } catch (reason) {
      both.signal.throwIfAborted();
      if (visits.fault !== undefined) throw visits.fault.reason;
      troubles.push({ topic: stretch.topic, text: troubleWith(`${stretch.topic}/${stretch.partition}`, reason) });
    }
    if (visits.passedOver > 0) {
      troubles.push({
        topic: stretch.topic,
        text: `${visits.passedOver} batches of ${stretch.topic}/${stretch.partition} cannot be read`,
      });
    }
  }
  return troubles;
}

/** The reading of one stretch, which goes on where it was after a failure of the connection. */
class StretchVisits {
  passedOver = 0;
  /** Grows with each record, so that a slow broker is not given up. */
  seen = 0;
  /** What `visit` threw. */
  fault: { readonly reason: unknown } | undefined;
  readonly #stretch: RecordStretch;
  readonly #visit: (record: KeptRecord) => void;
  #cursor: Cursor | undefined;

  constructor(stretch: RecordStretch, visit: (record: KeptRecord) => void) {
    this.#stretch = stretch;
    this.#visit = visit;
  }

  async read(context: ReadingContext): Promise<void> {
    const { topic, partition, from, until } = this.#stretch;
    this.#cursor ??= new Cursor(await firstOf(from, until, topic, partition, context), () => {
      throw new BeganAgain("it became shorter while it was read: it was created again, or lost records");
    });
    if ((this.#cursor.at ?? this.#cursor.from) >= until) return;
    const visit = (record: FetchedRecord): void => {
      if (record.offset >= until) throw new Enough();
      this.seen += 1;
      try {
        this.#visit(keptRecord(topic, partition, record));
      } catch (reason) {
        this.fault = { reason };
        throw reason;
      }
    };
    const passOver = (): void => void (this.passedOver += 1);
    try {
      const end = await readRange(context, topic, partition, this.#cursor, { visit, passOver });
      if (end < until) throw new BeganAgain(`it ends at offset ${end}, and ended at ${until} a moment ago`);
    } catch (reason) {
      if (!(reason instanceof Enough)) throw reason;
    }
  }
}

async function firstOf(
  from: RecordStretch["from"],
  until: number,
  topic: string,
  partition: number,
  context: ReadingContext,
): Promise<number> {
  if (typeof from === "number") return from;
  const at = await (await reach(context, topic, partition)).offset({ sinceMs: Math.max(0, from.sinceMs) });
  return at < 0 ? until : at;
}

async function partitionsOf(topic: string, context: ReadingContext): Promise<number> {
  const { metadataCache, conditions } = context;
  metadataCache.track(topic);
  return untilItWorks(context, async () => {
    await metadataCache.refresh(false);
    const code = metadataCache.codeOf(topic);
    if (code === undefined) throw new Error(conditions.last?.text ?? "no broker answers");
    if (code !== kafkaCodes.NONE) throw new KafkaError(code, `topic ${topic}`);
    return metadataCache.partitions(topic) ?? 0;
  });
}

async function extentOf(topic: string, partition: number, context: ReadingContext): Promise<PartitionExtent> {
  const leader = await reach(context, topic, partition);
  const next = await leader.offset("next");
  const first = await leader.offset("first");
  const extent = { topic, partition, first, next };
  if (first === 0) return { ...extent, firstMs: undefined };
  return { ...extent, firstMs: await timeAt(topic, partition, first, context) };
}

/** When the first record from an offset on was appended; now if there is none. */
async function timeAt(topic: string, partition: number, offset: number, context: ReadingContext): Promise<number> {
  let firstMs = timeOfDayMs();
  const visit = (record: FetchedRecord): void => {
    firstMs = record.timestampMs;
    throw new Enough();
  };
  const cursor = new Cursor(offset, () => undefined);
  try {
    await readRange(context, topic, partition, cursor, { visit, passOver: () => undefined });
  } catch (reason) {
    if (!(reason instanceof Enough)) throw reason;
  }
  return firstMs;
}

function keptRecord(topic: string, partition: number, record: FetchedRecord): KeptRecord {
  const { offset, timestampMs, headers, value } = record;
  const text = (name: string): string => headers.find(([header]) => header === name)?.[1]?.toString() ?? "";
  const { handler, node, id, source } = headerNames;
  const names = { handler: text(handler), node: text(node), id: text(id), source: text(source) };
  return { topic, partition, offset, ...names, key: record.key?.toString() ?? "", timestampMs, value };
}

function troubleWith(name: string, reason: unknown): string {
  const isForbidden = reason instanceof KafkaError && reason.code === kafkaCodes.TOPIC_AUTHORIZATION_FAILED;
  const remedy = isForbidden ? "; it takes the operation Read on the topic" : "";
  const text = reason instanceof BeganAgain ? reason.message : classifyError(reason).text;
  return `${name} cannot be read: ${text}${remedy}`;
}

/** Repeats a step until it succeeds, no retry can help, or it has come no further for half a minute. */
async function untilItWorks<T>(
  { signal, metadataCache }: ReadingContext,
  step: () => Promise<T>,
  progress: { readonly seen: number; readonly fault: unknown } = { seen: 0, fault: undefined },
): Promise<T> {
  const backoff = new Backoff();
  let [seen, sinceMs] = [progress.seen, monotonicMs()];
  for (;;) {
    try {
      return await step();
    } catch (reason) {
      signal.throwIfAborted();
      if (progress.fault !== undefined || reason instanceof BeganAgain) throw reason;
      if (reason instanceof KafkaError && lastingTopicCodes.has(reason.code)) throw reason;
      if (progress.seen > seen) [seen, sinceMs] = [progress.seen, monotonicMs()];
      if (monotonicMs() - sinceMs >= giveUpAfterMs) throw reason;
      await backoff.wait(signal);
      await metadataCache.refresh();
    }
  }
}
