import { JavaAnswers } from "./java-answers.ts";

/** A record as Kafka's own Java consumer sees it. */
export interface ReadRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[];
  readonly value: Buffer | null;
}

interface JsonRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [name: string, value: string | null])[];
}

type Answer = JsonRecord | { readonly end: true } | { readonly error: string };

const reader = new JavaAnswers("ReadTopic", ["-Xmx512m", "-XX:TieredStopAtLevel=1"]);

/**
 * All records of a topic up to its present ends, in the order of their offsets within a partition.
 * @throws Error if the topic does not exist or is not read within a minute
 */
export async function readTopic(brokers: readonly string[], topic: string): Promise<ReadRecord[]> {
  const records: ReadRecord[] = [];
  await reader.ask(`${brokers.join(",")} ${topic}`, (line) => {
    const answer: Answer = JSON.parse(line);
    if ("end" in answer) return true;
    if ("error" in answer) throw new Error(`topic ${topic} cannot be read: ${answer.error}`);
    records.push({
      ...answer,
      key: bytesOf(answer.key),
      value: bytesOf(answer.value),
      headers: answer.headers.map(([name, value]) => [name, bytesOf(value)]),
    });
    return false;
  });
  return records;
}

function bytesOf(base64: string | null): Buffer | null {
  return base64 === null ? null : Buffer.from(base64, "base64");
}
