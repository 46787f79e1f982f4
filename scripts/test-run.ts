import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { repositoryRoot } from "./repository.ts";

/** Test files that run in parallel. */
export interface TestRun {
  /** Paths below test/, of sources. */
  readonly files: readonly string[];
  /** Default: twice as many as there are processors, since they mostly wait for other processes. */
  readonly concurrency?: number;
  /** For one file, milliseconds. */
  readonly timeout: number;
  /** Titles of tests that are left out on purpose. */
  readonly leftOut?: readonly string[];
}

/** What Node says of a test whose title the pattern of the run leaves out; newer ones say nothing. */
const notInPattern = "test name does not match pattern";

/** Sums of what runs count at their ends, by name. */
export type TestCounts = Map<string, number>;

/** Shows a line per test, and one summary; sets the exit code. */
export async function show(events: AsyncIterable<unknown>): Promise<void> {
  for await (const text of Readable.from(events).compose(new spec())) process.stdout.write(String(text));
}

/** The events of a run, without its sums: `counts` gets them. A test that is skipped counts as failed. */
export async function* runFiles(tests: TestRun, counts: TestCounts): AsyncGenerator {
  const { files, concurrency = 2 * availableParallelism(), timeout, leftOut = [] } = tests;
  const built = files.map((file) => join(repositoryRoot, "build/test", file.replace(/\.ts$/, ".js")));
  // Node holds a pattern against the root of all tests as well, and takes every test when that one matches.
  const names = ["<root>", ...leftOut].map((title) => title.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  const testNamePatterns = leftOut.length === 0 ? undefined : [`/^(?!(?:${names.join("|")})$)/`];
  const events = run({
    files: built,
    concurrency,
    timeout,
    ...(testNamePatterns !== undefined && { testNamePatterns }),
  });
  events.on("test:fail", () => (process.exitCode = 1));
  events.on("test:pass", ({ name, skip, todo }) => {
    if (skip === undefined && todo === undefined) return;
    if (skip === notInPattern && leftOut.includes(name)) return;
    process.stderr.write(`not run, which counts as failed: ${name}\n`);
    process.exitCode = 1;
  });
  for await (const event of events as AsyncIterable<{ type: string; data: { message?: string } }>) {
    const [, name, count] =
      event.type === "test:diagnostic" ? (/^([a-z_]+) ([\d.]+)$/.exec(event.data.message ?? "") ?? []) : [];
    if (name === undefined) yield event;
    else counts.set(name, (counts.get(name) ?? 0) + Number(count));
  }
}

/** The closing lines of all runs together. */
export function* sums(counts: TestCounts): Generator {
  for (const [name, count] of counts) {
    yield { type: "test:diagnostic", data: { nesting: 0, message: `${name} ${count}` } };
  }
}
