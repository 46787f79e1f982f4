import kafkajs from "kafkajs";
import type { Kafka } from "./kafka.ts";
import type { ReadRecord } from "./read-topic.ts";

// A CommonJS module whose exports Node finds only in part.
const { Kafka: Client, logLevel } = kafkajs;

/** A record as it is forged: what is not named is as in the original. */
export type Forged = Pick<ReadRecord, "partition" | "key" | "headers" | "value"> & { readonly timestamp?: number };

/** Writes to topics and removes from them by code of its own, which it shares with nothing of the product. */
export class Saboteur {
  readonly #kafka: Kafka;
  readonly #client: InstanceType<typeof Client>;

  constructor(kafka: Kafka) {
    this.#kafka = kafka;
    this.#client = new Client({ clientId: "saboteur", brokers: [...kafka.addresses], logLevel: logLevel.NOTHING });
  }

  /** Puts another topic with the same name and these records into its place. */
  async rewrite(topic: string, partitions: number, records: readonly Forged[]): Promise<void> {
    await this.#kafka.deleteTopic(topic);
    await this.#kafka.isGoneEverywhere(topic);
    await this.#kafka.createTopic(topic, { partitions });
    await this.append(topic, records);
  }

  async append(topic: string, records: readonly Forged[]): Promise<void> {
    // What it repeats because an answer is late must not be there twice.
    const producer = this.#client.producer({ idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    try {
      const messages = records.map(({ partition, key, value, headers, timestamp }) => ({
        partition,
        key,
        value,
        headers: Object.fromEntries(headers.map(([name, bytes]) => [name, bytes ?? ""])),
        ...(timestamp !== undefined && { timestamp: String(timestamp) }),
      }));
      await producer.send({ topic, acks: -1, messages });
    } finally {
      await producer.disconnect();
    }
  }

  /** Makes an offset the first one of a partition, as retention does. */
  async removeBefore(topic: string, partition: number, offset: number): Promise<void> {
    const admin = this.#client.admin();
    await admin.connect();
    try {
      await admin.fetchTopicOffsets(topic); // kafkajs knows only topics that it was asked about before.
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] });
    } finally {
      await admin.disconnect();
    }
  }
}

/** The same record with another header. */
export function withHeader(record: Forged, name: string, value: string): Forged {
  const headers = record.headers.map((header) => (header[0] === name ? ([name, Buffer.from(value)] as const) : header));
  return { ...record, headers };
}
