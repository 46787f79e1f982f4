import { ByteReader } from "../protocol/byte-reader.ts";
import { type BrokerConnection, produceVersion } from "./connection.ts";
import { KafkaError, kafkaCodes } from "../protocol/errors.ts";
import { apiKeys, type InnerPayload } from "../protocol/kafkajs-inner.ts";

/** Answers are asked for as they are on the leader, transactions or not: this forwarder uses none. */
const readUncommitted = 0;

const nodes = (reader: ByteReader) => ({
  nodeId: reader.int32(),
  host: reader.string(),
  port: reader.int32(),
});

interface PartitionMetadata {
  readonly code: number;
  readonly partition: number;
  /** Node id, or -1 if there is no leader. */
  readonly leader: number;
  /** Grows with every change of the leader; -1 if the broker does not report it. */
  readonly epoch: number;
  /** How many brokers have a copy, and how many of these are in sync; undefined if it was not read. */
  readonly replicas?: number;
  readonly inSync?: number;
}

export interface TopicMetadata {
  readonly code: number;
  readonly topic: string;
  readonly partitions: readonly PartitionMetadata[];
}

export interface Metadata {
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[];
  readonly topics: readonly TopicMetadata[];
}

/** Brokers, and per topic its partitions and leaders or its error code. Creates no topic. */
export async function fetchMetadata(connection: BrokerConnection, topics: readonly string[]): Promise<Metadata> {
  const protocol = connection.protocol("Metadata", { topics: [...topics], allowAutoTopicCreation: false });
  return connection.send(protocol, (payload, version) => {
    const reader = new ByteReader(payload);
    const int32s = (): number[] => reader.array(4, () => reader.int32());
    if (version >= 3) connection.throttle(reader.int32());
    const brokers = reader.array(10, () => {
      const node = nodes(reader);
      if (version >= 1) reader.string();
      return node;
    });
    if (version >= 2) reader.string();
    if (version >= 1) reader.skip(4);
    const found = reader.array(6, () => {
      const head = { code: reader.int16(), topic: reader.string() };
      if (version >= 1) reader.skip(1);
      const partitions = reader.array(14, () => {
        const head = { code: reader.int16(), partition: reader.int32(), leader: reader.int32() };
        const partition = { ...head, epoch: version >= 7 ? reader.int32() : -1 };
        const copies = { replicas: int32s().length, inSync: int32s().length };
        if (version >= 5) int32s();
        return { ...partition, ...copies };
      });
      return { ...head, partitions };
    });
    return { brokers, topics: found };
  });
}

/** A new producer id, without transactions; one a partition, so that no problem of one affects another. */
export async function newProducerId(connection: BrokerConnection): Promise<{ producerId: bigint; epoch: number }> {
  const protocol = connection.protocol("InitProducerId", { transactionalId: null, transactionTimeout: 60_000 });
  const answer = await connection.send(protocol, (payload) => {
    connection.throttle(payload.readInt32BE(0));
    return { code: payload.readInt16BE(4), producerId: payload.readBigInt64BE(6), epoch: payload.readInt16BE(14) };
  });
  if (answer.code !== kafkaCodes.NONE) throw new KafkaError(answer.code, "asking for a producer id");
  return answer;
}

/**
 * Which end of a partition: Kafka's special timestamps of ListOffsets, and who asks. Clients (-1) are shown the high
 * watermark, below which all in-sync replicas have the records; a debugging replica (-2) the end of the leader's log.
 */
const offsetAt = {
  first: { timestamp: -2, replicaId: -1 },
  next: { timestamp: -1, replicaId: -1 },
  "log-end": { timestamp: -1, replicaId: -2 },
} as const;

/** An end of a partition, or the first record that is not older than a time in milliseconds since 1970. */
export type OffsetQuestion = keyof typeof offsetAt | { readonly sinceMs: number };

/**
 * The first offset that a partition has, the one behind the last record that may be read, or the one behind the last
 * record of all, as the broker knows it. Only for the last of these a broker answers that does not lead the partition.
 * For a time: the offset of the first record that bears it or a later one, -1 if there is none.
 * @throws KafkaError with the code that the broker gave for the partition
 */
export async function fetchOffset(
  connection: BrokerConnection,
  topic: string,
  partition: number,
  which: OffsetQuestion,
): Promise<number> {
  const asClient = -1;
  const { timestamp, replicaId } =
    typeof which === "string" ? offsetAt[which] : { timestamp: which.sinceMs, replicaId: asClient };
  const protocol = connection.protocol("ListOffsets", {
    replicaId,
    isolationLevel: readUncommitted,
    topics: [{ topic, partitions: [{ partition, timestamp }] }],
  });
  const answers = await connection.send(protocol, (payload, version) => {
    const reader = new ByteReader(payload);
    if (version >= 2) connection.throttle(reader.int32());
    return reader.array(6, () => ({
      topic: reader.string(),
      partitions: reader.array(22, () => {
        const head = { partition: reader.int32(), code: reader.int16() };
        reader.skip(8);
        return { ...head, offset: reader.int64() };
      }),
    }));
  });
  const answer = answers.find((one) => one.topic === topic)?.partitions.find((one) => one.partition === partition);
  const what = `asking for offsets of ${topic}/${partition}`;
  if (answer === undefined) throw new Error(`${what}: the answer is about another partition`);
  if (answer.code !== kafkaCodes.NONE) throw new KafkaError(answer.code, what);
  return answer.offset;
}

export interface Fetched {
  readonly batches: Buffer;
  /** For how long the broker holds the next answer back, because of a quota; milliseconds. */
  readonly throttledMs: number;
}

/**
 * Record batches of one partition from an offset on, about `maxBytes` of them (at least one batch;
 * none at the end, and none from a broker that holds us back).
 * @throws KafkaError with the code that the leader gave for the partition
 */
export async function fetchBatches(
  connection: BrokerConnection,
  topic: string,
  partition: number,
  from: { readonly offset: number; readonly maxBytes: number },
): Promise<Fetched> {
  const protocol = connection.protocol("Fetch", {
    maxWaitTime: 500,
    minBytes: 1,
    maxBytes: from.maxBytes,
    isolationLevel: readUncommitted,
    topics: [{ topic, partitions: [{ partition, fetchOffset: String(from.offset), maxBytes: from.maxBytes }] }],
  });
  let throttledMs = 0;
  const answers = await connection.send(protocol, (payload, version) => {
    const reader = new ByteReader(payload);
    throttledMs = connection.throttle(reader.int32());
    if (version >= 7) reader.skip(2 + 4);
    return reader.array(6, () => ({
      topic: reader.string(),
      partitions: reader.array(22, () => {
        const head = { partition: reader.int32(), code: reader.int16() };
        reader.skip(version >= 5 ? 24 : 16);
        reader.array(16, () => reader.skip(16));
        if (version >= 11) reader.skip(4);
        return { ...head, batches: reader.bytes(Math.max(reader.int32(), 0)) };
      }),
    }));
  });
  const answer = answers.find((one) => one.topic === topic)?.partitions.find((one) => one.partition === partition);
  const what = `reading ${topic}/${partition}`;
  // A client beyond its quota is answered without any topic (KIP-219).
  if (answers.length === 0 && throttledMs > 0) return { batches: Buffer.alloc(0), throttledMs };
  if (answer === undefined) throw new Error(`${what}: the answer is about another partition`);
  if (answer.code !== kafkaCodes.NONE) throw new KafkaError(answer.code, what);
  return { batches: answer.batches, throttledMs };
}

function payloadOf(bytes: Buffer): InnerPayload {
  return { buf: bytes, buffer: bytes };
}

/** The body of a produce request of version 7 for one batch of one partition: acks of all in-sync replicas. */
function encodeProduce(topic: string, partition: number, batch: Buffer, timeoutMs: number): Buffer {
  const name = Buffer.from(topic, "utf8");
  const head = Buffer.allocUnsafe(2 + 2 + 4 + 4 + 2 + name.length + 4 + 4 + 4);
  head.writeInt16BE(-1, 0);
  head.writeInt16BE(-1, 2);
  head.writeInt32BE(timeoutMs, 4);
  head.writeInt32BE(1, 8);
  head.writeInt16BE(name.length, 12);
  name.copy(head, 14);
  const at = 14 + name.length;
  head.writeInt32BE(1, at);
  head.writeInt32BE(partition, at + 4);
  head.writeInt32BE(batch.length, at + 8);
  return Buffer.concat([head, batch]);
}

/** What the leader said of a batch: an error code, 0 for none, and the offset of the first record, -1 if unknown. */
export interface ProduceAnswer {
  readonly code: number;
  readonly baseOffset: number;
  readonly throttledMs: number;
}

/** The answer for exactly this topic and partition, or undefined if the broker's answer is not about it. */
function decodeProduce(payload: Buffer, topic: string, partition: number): ProduceAnswer | undefined {
  const reader = new ByteReader(payload);
  const answers = reader.array(6, () => ({
    topic: reader.string(),
    partitions: reader.array(30, () => {
      const answer = { partition: reader.int32(), code: reader.int16(), baseOffset: reader.int64() };
      reader.skip(16);
      return answer;
    }),
  }));
  const throttledMs = reader.int32();
  const answer = answers.find((one) => one.topic === topic)?.partitions.find((one) => one.partition === partition);
  return answer === undefined ? undefined : { ...answer, throttledMs };
}

/** Sends one sealed batch to the leader of its partition. */
export async function produce(
  connection: BrokerConnection,
  topic: string,
  partition: number,
  batch: Buffer,
  timeoutMs: number,
): Promise<ProduceAnswer> {
  const answer = await connection.send(
    {
      request: {
        apiKey: apiKeys.Produce,
        apiVersion: produceVersion,
        apiName: "Produce",
        encode: async () => payloadOf(encodeProduce(topic, partition, batch, timeoutMs)),
      },
      response: { decode: async () => undefined, parse: async () => undefined },
    },
    (payload) => decodeProduce(payload, topic, partition),
  );
  if (answer === undefined)
    throw new Error(`the answer to a produce request for ${topic}/${partition} is not about it`);
  connection.throttle(answer.throttledMs);
  return answer;
}
