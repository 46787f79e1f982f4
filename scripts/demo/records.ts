import { existsSync, readFileSync } from "node:fs";
import type { ReadRecord } from "../../test/rig/read-topic.ts";

/** A line of the file sink. */
interface Line {
  readonly partition: number;
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string | null;
}

/** The records of a file sink, in the order of the file; none while there is no file. */
export function readRecords(path: string): ReadRecord[] {
  if (!existsSync(path)) return [];
  const text = readFileSync(path, "utf8");
  const whole = text.slice(0, text.lastIndexOf("\n") + 1); // what a crash left half written is not a record
  return whole
    .split("\n")
    .filter((line) => line !== "")
    .map((line, offset) => recordOf(JSON.parse(line), offset));
}

function recordOf({ partition, key, headers, value }: Line, offset: number): ReadRecord {
  return {
    partition,
    offset,
    timestamp: 0,
    key: bytesOf(key),
    headers: Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)]),
    value: bytesOf(value),
  };
}

function bytesOf(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text);
}
