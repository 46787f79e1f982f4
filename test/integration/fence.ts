import { BrokerConnection } from "../../daemon/sinks/kafka/connection/connection.ts";
import { fetchBatches, fetchMetadata, produce } from "../../daemon/sinks/kafka/connection/requests.ts";
import { eventually } from "../rig/eventually.ts";
import type { Kafka } from "../rig/kafka.ts";
import { present } from "../rig/present.ts";
import { kafkaOptions, sealedBatch } from "../unit/sinks/kafka/rig.ts";

/** Offsets of the fields of a record batch (Kafka's record batch format, version 2). */
const at = { length: 8, afterLength: 12, producerId: 43, epoch: 51 } as const;

/**
 * Writes one record under the id of a partition's first producer, with the epoch that follows: from then on the leader
 * refuses that producer (INVALID_PRODUCER_EPOCH). Waits for that producer's first batch, and writes the same bytes
 * again until the leader has accepted them, which it does once. @returns the record's value
 */
export async function fence(kafka: Kafka, topic: string, partition: number): Promise<string> {
  const name = `${topic}/${partition}`;
  const first = await eventually(`a batch in ${name}`, async () => (await producersOf(kafka, topic, partition))[0]);
  const [id = "", epoch = ""] = first.split("/");
  const another = { producerId: BigInt(id), epoch: Number(epoch) + 1 };
  const value = `written by another as producer ${another.producerId}, epoch ${another.epoch}`;
  const batch = await sealedBatch(value, another);
  await eventually(`a record of another producer in ${name}`, () =>
    withLeader(kafka, topic, partition, async (leader) => {
      const { code } = await produce(leader, topic, partition, batch, 5000);
      if (code !== 0) throw new Error(`the leader answers with code ${code}`);
      return true;
    }),
  );
  return value;
}

/** Who wrote the batches that are in a partition now, `id/epoch`, each once, the first one first. */
export function producersOf(kafka: Kafka, topic: string, partition: number): Promise<string[]> {
  return withLeader(kafka, topic, partition, async (leader) => {
    const { batches } = await fetchBatches(leader, topic, partition, { offset: 0, maxBytes: 50_000_000 });
    const found = new Set<string>();
    for (let from = 0; from + at.epoch + 2 <= batches.length;) {
      found.add(`${batches.readBigInt64BE(from + at.producerId)}/${batches.readInt16BE(from + at.epoch)}`);
      from += at.afterLength + batches.readInt32BE(from + at.length);
    }
    return [...found];
  });
}

async function withLeader<T>(
  kafka: Kafka,
  topic: string,
  partition: number,
  ask: (leader: BrokerConnection) => Promise<T>,
): Promise<T> {
  const settings = { options: kafkaOptions(kafka.addresses), tls: () => undefined };
  const open: BrokerConnection[] = [];
  const connect = async (address: string): Promise<BrokerConnection> => {
    const connection = new BrokerConnection(address, settings);
    open.push(connection);
    await connection.opened;
    return connection;
  };
  try {
    const { brokers } = await fetchMetadata(await connect(present(kafka.addresses[0])), [topic]);
    const id = await kafka.leaderOf(topic, partition);
    const { host, port } = present(brokers.find(({ nodeId }) => nodeId === id));
    return await ask(await connect(`${host}:${port}`));
  } finally {
    for (const connection of open) connection.close(new Error("no longer needed"));
  }
}
