import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { linesOf } from "../fuzz/chunks.ts";
import { alerts, hostileJson } from "../fuzz/seeds.ts";

const corpus = "test/fuzz/corpus";

/** One line of `test/data/wire/wire.jsonl`: an alert, and what the Python daemon made of it. */
export interface GoldenCase {
  readonly tag: string;
  readonly own_network: string | null;
  readonly alert: unknown;
  readonly expected: readonly unknown[];
}

export function goldenCases(): GoldenCase[] {
  return readFileSync("test/data/wire/wire.jsonl", "utf8")
    .trimEnd()
    .split("\n")
    .map((line): GoldenCase => JSON.parse(line));
}

/** Lines that a log may hold: every golden alert, the seeds of the fuzz tests, and all that these have found. */
export function corpusLines(): Buffer[] {
  const files = readdirSync(corpus, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)));
  const lines = files.flatMap((input) => {
    const { lines, rest } = linesOf(input);
    return [...lines.slice(0, 200), rest];
  });
  const golden = goldenCases().map(({ alert }) => Buffer.from(JSON.stringify(alert)));
  return [...golden, ...alerts, ...hostileJson, ...lines];
}
