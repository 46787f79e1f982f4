import { JavaAnswers } from "./java-answers.ts";
import { present } from "./present.ts";

/** What a topic holds, as digests: hexadecimal SHA-256. */
export interface TopicDigest {
  readonly records: number;
  /** Of all values in their order, a newline after each: of a file, when the values are its lines. */
  readonly values: string;
  /** Of keys, headers and values of all records in their order. */
  readonly all: string;
}

/** One record's digests. */
export interface RecordDigest {
  readonly offset: number;
  readonly key: string;
  readonly headers: string;
  readonly value: string;
}

type Answer = TopicDigest | RecordDigest | { readonly id: string | null };

/** All of the compiler, unlike the reader: its SHA-256 is fifteen times as fast. */
const digester = new JavaAnswers("DigestTopic", ["-Xmx512m", "-XX:+UseSerialGC"]);

/**
 * A topic of one partition up to its present end, read by Kafka's own Java consumer.
 * @param each gets the digests of each record
 * @throws Error if the topic does not exist, has more partitions, or no record of it comes for a minute
 */
export async function digestTopic(
  brokers: readonly string[],
  topic: string,
  each?: (record: RecordDigest) => void,
): Promise<TopicDigest> {
  const { last } = await ask(brokers, topic, each === undefined ? "all" : "each", (answer) => {
    if ("offset" in answer) each?.(answer);
    return !("offset" in answer);
  });
  if ("records" in last) return last;
  throw new Error(`topic ${topic} was not digested`);
}

/** The header `wazuh-alert-id` of a topic's last record; undefined if there is no record, or it has none. */
export async function lastAlertIdOf(brokers: readonly string[], topic: string): Promise<string | undefined> {
  const { last } = await ask(brokers, topic, "last", () => true);
  if (!("id" in last)) throw new Error(`topic ${topic} was not read`);
  return last.id === null ? undefined : Buffer.from(last.id, "base64").toString();
}

/** @param isLast gets each answer */
async function ask(
  brokers: readonly string[],
  topic: string,
  what: "all" | "each" | "last",
  isLast: (answer: Answer) => boolean,
): Promise<{ readonly last: Answer }> {
  let last: Answer | undefined;
  await digester.ask(`${brokers.join(",")} ${topic} ${what}`, (line) => {
    const answer: Answer | { readonly error: string } = JSON.parse(line);
    if ("error" in answer) throw new Error(`topic ${topic} cannot be read: ${answer.error}`);
    last = answer;
    return isLast(answer);
  });
  return { last: present(last) };
}
