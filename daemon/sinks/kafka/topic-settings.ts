import { ByteReader } from "./protocol/byte-reader.ts";
import type { BrokerConnection } from "./connection/connection.ts";
import { KafkaError, kafkaCodes } from "./protocol/errors.ts";

/** Settings of a topic by Kafka's names, as text: what holds for it, wherever it was set. */
export type TopicSettings = ReadonlyMap<string, string>;

/** The request of that name (Apache Kafka, `DescribeConfigsRequest.json`); version 1 is known from 1.1 to 4.x. */
const describeConfigs = { apiKey: 32, version: 1 };
/** `ConfigResource.Type.TOPIC` */
const topicResource = 2;
/** A topic has some thirty settings. */
const maxSettings = 1000;

/** What `doctor` asks for. */
const askedSettings: readonly string[] = [
  "cleanup.policy",
  "max.message.bytes",
  "message.timestamp.after.max.ms",
  "message.timestamp.before.max.ms",
  "message.timestamp.difference.max.ms",
  "message.timestamp.type",
  "min.insync.replicas",
  "retention.bytes",
  "retention.ms",
];

/**
 * Asks any broker. One that does not know the request ends the connection, so it should serve nothing else.
 * @throws KafkaError with the code of the answer: 29 without the permission DescribeConfigs on the topic
 */
export async function fetchTopicSettings(connection: BrokerConnection, topic: string): Promise<TopicSettings> {
  const body = encodeDescribeConfigs(topic);
  const answer = await connection.send(
    {
      request: {
        apiKey: describeConfigs.apiKey,
        apiVersion: describeConfigs.version,
        apiName: "DescribeConfigs",
        encode: async () => ({ buf: body, buffer: body }),
      },
      response: { decode: async () => undefined, parse: async () => undefined },
    },
    (payload) => decodeDescribeConfigs(payload, topic),
  );
  if (answer === undefined) throw new Error(`asking for the settings of ${topic}: the answer is about something else`);
  if (answer.code !== kafkaCodes.NONE) throw new KafkaError(answer.code, `asking for the settings of ${topic}`);
  return answer.settings;
}

/** The request's body, for the settings in `askedSettings`. */
export function encodeDescribeConfigs(topic: string): Buffer {
  const count = Buffer.alloc(5);
  count.writeInt32BE(1, 0);
  count.writeInt8(topicResource, 4);
  const names = Buffer.alloc(4);
  names.writeInt32BE(askedSettings.length, 0);
  const withoutSynonyms = Buffer.from([0]);
  return Buffer.concat([count, textOf(topic), names, ...askedSettings.map(textOf), withoutSynonyms]);
}

function textOf(text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  const length = Buffer.alloc(2);
  length.writeInt16BE(bytes.length, 0);
  return Buffer.concat([length, bytes]);
}

/** Undefined if the answer is not about this topic; a sensitive setting, whose value is null, is left out. */
export function decodeDescribeConfigs(
  payload: Buffer,
  topic: string,
): { readonly code: number; readonly settings: TopicSettings } | undefined {
  const reader = new ByteReader(payload);
  reader.int32(); // The throttle time: nothing else is asked on this connection.
  const answers = reader.array(11, () => {
    const code = reader.int16();
    nullable(reader);
    const type = reader.int8();
    const name = nullable(reader);
    const settings = new Map<string, string>();
    const read = reader.array(11, () => {
      const setting = nullable(reader);
      const value = nullable(reader);
      reader.skip(3);
      reader.array(5, () => {
        nullable(reader);
        nullable(reader);
        reader.skip(1);
      });
      if (setting !== undefined && value !== undefined && settings.size < maxSettings) settings.set(setting, value);
    });
    return { code, type, name, settings, count: read.length };
  });
  return answers.find(({ type, name }) => type === topicResource && name === topic);
}

function nullable(reader: ByteReader): string | undefined {
  const length = reader.int16();
  return length < 0 ? undefined : reader.bytes(length).toString("utf8");
}
