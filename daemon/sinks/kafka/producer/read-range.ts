import { setTimeout as sleep } from "node:timers/promises";
import type { KafkaConditions } from "../connection/conditions.ts";
import { Backoff } from "../connection/backoff.ts";
import type { ConnectionPool } from "../connection/connection-pool.ts";
import { KafkaError, kafkaCodes } from "../protocol/errors.ts";
import type { LookupWaits } from "./lookup-waits.ts";
import { visitRecords, type FetchedRecord } from "../protocol/record-reader.ts";
import { fetchBatches, fetchOffset, type Fetched, type OffsetQuestion } from "../connection/requests.ts";
import type { MetadataCache } from "../connection/metadata-cache.ts";

/** Compressed bytes asked for at once; at least one whole batch comes in any case. */
const fetchBytes = 1024 * 1024;
/** Answers without a batch, half a second each, after which another connection is tried. */
const maxEmptyAnswers = 10;
/** Records that are read of a partition that ends before the offset asked for; a look-up keeps no more ids. */
const maxReadAgain = 1_000_000;
/** Codes of brokers that do not report the end of their log to clients. */
const doesNotTell: ReadonlySet<number> = new Set([
  kafkaCodes.CLUSTER_AUTHORIZATION_FAILED,
  kafkaCodes.UNSUPPORTED_VERSION,
  kafkaCodes.INVALID_REQUEST,
]);

/** How far a partition has been read: with it, reading continues after a failure where it was. */
export class Cursor {
  /** The next offset to be read; undefined before the first. */
  at: number | undefined;
  readonly from: number;
  readonly #restart: () => void;

  /** @param restart called when all that was visited counts for nothing, because it is to be visited again */
  constructor(from: number, restart: () => void) {
    this.from = from;
    this.#restart = restart;
  }

  restart(): void {
    this.at = undefined;
    this.#restart();
  }
}

/** Receives what a partition holds. */
interface Visitor {
  /** Called for each record, in order. What it throws ends the reading. */
  visit(record: FetchedRecord): void;
  /** Called for each batch that cannot be read and is left out, wholly or from a damaged record on. */
  passOver(reason: Error): void;
}

interface RangeContext {
  readonly pool: ConnectionPool;
  readonly metadataCache: MetadataCache;
  readonly conditions: KafkaConditions;
  readonly waits: LookupWaits;
  readonly signal: AbortSignal;
}

/** The leader of a partition, as look-ups ask it. What they wait for meanwhile is in the status. */
interface Leader {
  /** See `fetchOffset`. */
  offset(which: OffsetQuestion): Promise<number>;
  /** @param end where the reading ends, for the status */
  batches(offset: number, end: number): Promise<Fetched>;
}

/** @throws KafkaError if no broker leads it, or why the connection could not be made */
export async function reach(
  { pool, metadataCache, waits }: Pick<RangeContext, "pool" | "metadataCache" | "waits">,
  topic: string,
  partition: number,
): Promise<Leader> {
  const broker = metadataCache.leader(topic, partition);
  if (broker === undefined) throw new KafkaError(kafkaCodes.LEADER_NOT_AVAILABLE, `${topic}/${partition}`);
  const place = { topic, partition, broker };
  const connection = await waits.during({ ...place, waitsFor: "a connection" }, pool.connection(broker, "lookup"));
  const answer = <T>(to: string, request: Promise<T>): Promise<T> =>
    waits.during({ ...place, waitsFor: `the answer to ${to}`, connection }, request);
  return {
    offset: (which) => answer("ListOffsets", fetchOffset(connection, topic, partition, which)),
    batches: (offset, end) => {
      const request = fetchBatches(connection, topic, partition, { offset, maxBytes: fetchBytes });
      return answer(`Fetch from offset ${offset} of ${end}`, request);
    },
  };
}

/**
 * Reads a partition from an offset to the end of its leader's log as it is now. What the leader has appended but not all
 * in-sync replicas, is not shown to clients yet: that is waited for. An offset before the partition's beginning means
 * its beginning. One beyond its end, because records were lost or the topic was created again, means its last million
 * records: ours of the last seconds are among them, and the whole partition may take hours. A broker that holds us back
 * because of a quota is waited for.
 * @returns the offset that the next record will get
 * @throws KafkaError, or what the connection failed with: call it again with the same cursor. RangeError for an answer
 *         that cannot be understood; what `visitor` throws
 */
export async function readRange(
  context: RangeContext,
  topic: string,
  partition: number,
  cursor: Cursor,
  visitor: Visitor,
): Promise<number> {
  const { conditions, signal } = context;
  const leader = await reach(context, topic, partition);
  // A follower reports its end too; the answers after it prove that this is the leader.
  const logEnd = await endOfLog(leader);
  const end = Math.max(logEnd, await leader.offset("next"));
  const first = await leader.offset("first");
  // The topic has become shorter: it was created again, or the new leader had less.
  if (cursor.at !== undefined && cursor.at > end) cursor.restart();
  let at = beginning(cursor.at ?? cursor.from, first, end);
  const subject = `reading ${topic}/${partition}`;
  const backoff = new Backoff();
  let empty = 0;
  try {
    while (at < end) {
      let fetched: Fetched;
      try {
        fetched = await leader.batches(at, end);
      } catch (reason) {
        if (!(reason instanceof KafkaError) || reason.code !== kafkaCodes.OFFSET_OUT_OF_RANGE) throw reason;
        const begin = await leader.offset("first");
        if (at >= begin) throw reason; // It has become shorter.
        at = begin;
        continue;
      }
      const next = await visitRecords(
        fetched.batches,
        (record) => {
          // A batch is delivered whole, even if the requested offset is in its middle.
          if (record.offset >= at && record.offset < end) visitor.visit(record);
        },
        (reason) => visitor.passOver(reason),
      );
      if (next !== undefined) {
        at = next;
        cursor.at = next;
        empty = 0;
      } else if (fetched.throttledMs > 0) {
        const text = `read up to offset ${at} of ${end}, throttled by a quota of the broker for ${fetched.throttledMs} ms`;
        conditions.raise(subject, { kind: "retry", category: "quota", mayBeAppended: false, isStale: false, text });
        await sleep(fetched.throttledMs, undefined, { signal });
      } else if (at >= (await leader.offset("next"))) {
        const text = `read up to offset ${at} of ${end}, and the rest has not reached all in-sync replicas yet`;
        conditions.raise(subject, { kind: "retry", category: "none", mayBeAppended: false, isStale: false, text });
        await backoff.wait(signal);
        if ((await endOfLog(leader)) < logEnd) throw new Error(`${subject}: it became shorter`);
      } else {
        empty += 1;
        if (empty >= maxEmptyAnswers) throw new Error(`${subject}: no data from offset ${at} on`);
      }
    }
  } finally {
    conditions.clear(subject);
  }
  return end;
}

function beginning(wanted: number, first: number, end: number): number {
  if (wanted <= end) return Math.max(wanted, first);
  return Math.max(first, end - maxReadAgain);
}

/** Where the log of the broker ends; 0 if it does not report that. */
async function endOfLog(leader: Leader): Promise<number> {
  try {
    return await leader.offset("log-end");
  } catch (reason) {
    if (reason instanceof KafkaError && doesNotTell.has(reason.code)) return 0;
    throw reason;
  }
}
