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

/** A record itself. */
export interface WholeRecord {
  readonly key: Buffer | null;
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[];
  readonly value: Buffer | null;
}

/** In base64. */
interface JsonRecord {
  readonly key: string | null;
  readonly headers: readonly (readonly [name: string, value: string | null])[];
  readonly value: string | null;
}

type Answer = TopicDigest | RecordDigest | { readonly record: JsonRecord | null };

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

/**
 * One record of a topic of one partition.
 * @returns undefined if there is none
 * @throws Error as digestTopic does
 */
export async function recordAt(
  brokers: readonly string[],
  topic: string,
  offset: number | "last",
): Promise<WholeRecord | undefined> {
  const { last } = await ask(brokers, topic, offset, () => true);
  if (!("record" in last)) throw new Error(`topic ${topic} was not read`);
  if (last.record === null) return undefined;
  const { key, headers, value } = last.record;
  return {
    key: bytesOf(key),
    headers: headers.map(([name, text]) => [name, bytesOf(text)]),
    value: bytesOf(value),
  };
}

function bytesOf(base64: string | null): Buffer | null {
  return base64 === null ? null : Buffer.from(base64, "base64");
}

/** @param isLast gets each answer */
async function ask(
  brokers: readonly string[],
  topic: string,
  what: "all" | "each" | "last" | number,
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
