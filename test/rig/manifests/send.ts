import kafkajs from "kafkajs";
import type { WrittenRecord } from "./node-writer.ts";
import type { WrittenManifest } from "./scene.ts";

// A CommonJS module whose exports Node finds only in part.
const { Kafka, logLevel, Partitioners } = kafkajs;

interface Message {
  readonly key: string;
  readonly value: Buffer | string | null;
  readonly headers?: Record<string, string>;
  readonly timestamp: string;
}

/** Writes records and manifests to Kafka, by another client than the product's. */
export async function sendTo(
  brokers: readonly string[],
  {
    records,
    manifests,
  }: { readonly records: readonly WrittenRecord[]; readonly manifests: readonly WrittenManifest[] },
  manifestTopic: string,
): Promise<void> {
  const client = new Kafka({ clientId: "saboteur", brokers: [...brokers], logLevel: logLevel.NOTHING });
  const producer = client.producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    // What it repeats because an answer is late must not be there twice.
    idempotent: true,
    maxInFlightRequests: 1,
  });
  const byTopic = new Map<string, Message[]>();
  const add = (topic: string, message: Message): void =>
    void byTopic.set(topic, [...(byTopic.get(topic) ?? []), message]);
  for (const { key, value } of manifests) {
    const time = /"time":"([^"]+)"/.exec(value.toString())?.[1];
    add(manifestTopic, { key, value, timestamp: String(time === undefined ? Date.now() : Date.parse(time)) });
  }
  for (const { topic, key, value, headers } of records) {
    const second = Number((headers["wazuh-alert-id"] ?? "").split(".")[0]);
    const timestamp = String(second > 0 ? second * 1000 : Date.now());
    add(topic, { key, value, headers: { ...headers }, timestamp });
  }
  await producer.connect();
  try {
    for (const [topic, messages] of byTopic) await producer.send({ topic, acks: -1, messages });
  } finally {
    await producer.disconnect();
  }
}
