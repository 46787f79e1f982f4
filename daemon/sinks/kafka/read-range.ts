import type { Cluster } from "./cluster.ts";
import { KafkaError } from "./faults.ts";
import { visitRecords, type StoredRecord } from "./record-reader.ts";
import { fetchBatches, fetchOffset } from "./requests.ts";
import type { Topology } from "./topology.ts";

/** Compressed bytes asked for at once; at least one whole batch comes in any case. */
const fetchBytes = 1024 * 1024;
/** Answers without a batch, half a second each, after which the reading is begun anew. */
const maxEmptyAnswers = 10;
const offsetOutOfRange = 1;
const leaderNotAvailable = 5;

/**
 * Reads a partition from an offset to the end that it has now, and hands each record to `visit`, in order. An offset
 * that the partition does not have, because its beginning was deleted or the topic created anew, means its beginning.
 * @returns the offset that the next record will get
 * @throws KafkaError, or what the connection failed with: begin again
 */
export async function readRange(
  { cluster, topology }: { readonly cluster: Cluster; readonly topology: Topology },
  topic: string,
  partition: number,
  from: number,
  visit: (record: StoredRecord) => void,
): Promise<number> {
  const address = topology.leader(topic, partition);
  if (address === undefined) throw new KafkaError(leaderNotAvailable, `${topic}/${partition}`);
  const connection = await cluster.connection(address, "lookup");
  const end = await fetchOffset(connection, topic, partition, "next");
  const first = await fetchOffset(connection, topic, partition, "first");
  let at = from < first || from > end ? first : from;
  let empty = 0;
  while (at < end) {
    let bytes: Buffer;
    try {
      bytes = await fetchBatches(connection, topic, partition, { offset: at, maxBytes: fetchBytes });
    } catch (reason) {
      if (!(reason instanceof KafkaError) || reason.code !== offsetOutOfRange) throw reason;
      at = await fetchOffset(connection, topic, partition, "first");
      continue;
    }
    const next = await visitRecords(bytes, (record) => {
      // A batch is delivered whole, also when the offset asked for is in its middle.
      if (record.offset >= at && record.offset < end) visit(record);
    });
    if (next === undefined) {
      empty += 1;
      if (empty >= maxEmptyAnswers)
        throw new Error(`reading ${topic}/${partition}: nothing comes from offset ${at} on`);
      continue;
    }
    at = next;
  }
  return end;
}
