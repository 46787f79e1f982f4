import { setTimeout as sleep } from "node:timers/promises";
import type { Alarms } from "./alarms.ts";
import type { Cluster } from "./cluster.ts";
import { KafkaError } from "./faults.ts";
import { visitRecords, type StoredRecord } from "./record-reader.ts";
import { fetchBatches, fetchOffset, type Fetched } from "./requests.ts";
import type { Topology } from "./topology.ts";

/** Compressed bytes asked for at once; at least one whole batch comes in any case. */
const fetchBytes = 1024 * 1024;
/** Answers without a batch, half a second each, after which another connection is tried. */
const maxEmptyAnswers = 10;
const offsetOutOfRange = 1;
const leaderNotAvailable = 5;

/** How far a partition has been read: with it, reading goes on after a failure where it was. */
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

interface RangeContext {
  readonly cluster: Cluster;
  readonly topology: Topology;
  readonly alarms: Alarms;
  readonly signal: AbortSignal;
}

/**
 * Reads a partition from an offset to the end that it has now, and hands each record to `visit`, in order. An offset
 * that the partition does not have, because its beginning was deleted or the topic created anew, means its beginning.
 * A broker that holds us back because of a quota is waited for.
 * @returns the offset that the next record will get
 * @throws KafkaError, or what the connection failed with: call it again with the same cursor
 */
export async function readRange(
  { cluster, topology, alarms, signal }: RangeContext,
  topic: string,
  partition: number,
  cursor: Cursor,
  visit: (record: StoredRecord) => void,
): Promise<number> {
  const address = topology.leader(topic, partition);
  if (address === undefined) throw new KafkaError(leaderNotAvailable, `${topic}/${partition}`);
  const connection = await cluster.connection(address, "lookup");
  const end = await fetchOffset(connection, topic, partition, "next");
  const first = await fetchOffset(connection, topic, partition, "first");
  // The topic has become shorter: it was created anew, or the new leader had less.
  if (cursor.at !== undefined && cursor.at > end) cursor.restart();
  const begin = cursor.at ?? cursor.from;
  let at = begin < first || begin > end ? first : begin;
  const subject = `reading ${topic}/${partition}`;
  let empty = 0;
  try {
    while (at < end) {
      let fetched: Fetched;
      try {
        fetched = await fetchBatches(connection, topic, partition, { offset: at, maxBytes: fetchBytes });
      } catch (reason) {
        if (!(reason instanceof KafkaError) || reason.code !== offsetOutOfRange) throw reason;
        at = await fetchOffset(connection, topic, partition, "first");
        continue;
      }
      let next: number | undefined;
      try {
        next = await visitRecords(fetched.batches, (record) => {
          // A batch is delivered whole, also when the offset asked for is in its middle.
          if (record.offset >= at && record.offset < end) visit(record);
        });
      } catch (reason) {
        cursor.restart(); // Some of these records were visited, and nobody knows which.
        throw reason;
      }
      if (next === undefined && fetched.throttledMs > 0) {
        const text = `it is read up to offset ${at} of ${end}, and a quota of the broker holds it back for ${fetched.throttledMs} ms`;
        alarms.raise(subject, { kind: "retry", concern: "quota", mayStand: false, isStale: false, text });
        await sleep(fetched.throttledMs, undefined, { signal });
        continue;
      }
      if (next === undefined) {
        empty += 1;
        if (empty >= maxEmptyAnswers)
          throw new Error(`reading ${topic}/${partition}: nothing comes from offset ${at} on`);
        continue;
      }
      at = next;
      cursor.at = next;
    }
  } finally {
    alarms.clear(subject);
  }
  return end;
}
