/** What `test` writes: findings while it reads, the counts at the end. */
import { once } from "node:events";
import type { TrialChange, TrialRecord, TrialTotals } from "../explain/trial.ts";
import { printable, toPrintableJson } from "../printable.ts";

/** Something that differs. */
export type Finding =
  | { readonly kind: "change"; readonly file: string; readonly offset: number; readonly change: TrialChange }
  /** A record that was not expected. */
  | { readonly kind: "unexpected"; readonly file: string; readonly offset: number; readonly record: TrialRecord }
  /** A record that was expected and not made. */
  | {
      readonly kind: "missing";
      readonly record: Pick<TrialRecord, "topic" | "handler" | "id" | "node"> & { readonly key: string | null };
    };

/** How a file was read. */
export interface TestedFile {
  readonly file: string;
  readonly state: string;
  /** Why not all of it was read. */
  readonly reason: string | undefined;
}

/** Everything that is known at the end. */
export interface TestEnd {
  readonly totals: TrialTotals;
  readonly files: readonly TestedFile[];
  /** How many findings there were of each kind. */
  readonly findings: Readonly<Record<Finding["kind"], number>>;
  readonly isCompared: boolean;
  /** Records that were expected; undefined without `--expect`. */
  readonly expected: number | undefined;
}

/** Writes to a stream no faster than it is read. */
class PatientStream {
  readonly #stream: NodeJS.WritableStream;
  readonly #closed = new AbortController();
  #drained: Promise<void> | undefined;

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream;
    stream.on("error", () => this.#closed.abort());
  }

  /** Aborted when nobody reads any more. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  write(text: string): void {
    if (this.closed.aborted || this.#stream.write(text) || this.#drained !== undefined) return;
    const over = once(this.closed, "abort");
    this.#drained = Promise.race([once(this.#stream, "drain"), over])
      .catch(() => this.#closed.abort())
      .then(() => (this.#drained = undefined));
  }

  /** Resolves when there is room; undefined while there is. */
  room(): Promise<void> | undefined {
    return this.#drained;
  }
}

/** The output as text, or as one JSON object that is written piece by piece: nothing of it is kept. */
export class TestOutput {
  readonly #stream: PatientStream;
  readonly #asJson: boolean;
  readonly #counts = { change: 0, unexpected: 0, missing: 0 };

  constructor(stream: NodeJS.WritableStream, asJson: boolean) {
    this.#stream = new PatientStream(stream);
    this.#asJson = asJson;
    if (asJson) this.#stream.write('{"findings":[');
  }

  get closed(): AbortSignal {
    return this.#stream.closed;
  }

  get counts(): TestEnd["findings"] {
    return this.#counts;
  }

  room(): Promise<void> | undefined {
    return this.#stream.room();
  }

  finding(finding: Finding): void {
    const isFirst = Object.values(this.#counts).every((count) => count === 0);
    this.#counts[finding.kind] += 1;
    const text = this.#asJson
      ? `${isFirst ? "" : ","}\n${toPrintableJson(asJson(finding))}`
      : `${printable(lineOf(finding))}\n`;
    this.#stream.write(text);
  }

  end(end: Omit<TestEnd, "findings">): void {
    const whole = { ...end, findings: this.#counts };
    if (this.#asJson) this.#stream.write(`\n],"summary":${toPrintableJson(summary(whole))}}\n`);
    else this.#stream.write(textOf(whole));
  }
}

function lineOf(finding: Finding): string {
  if (finding.kind === "missing") {
    const { handler, id, node, topic, key } = finding.record;
    return `missing: ${handler}: alert ${id} of ${node || "an unnamed node"}, for topic ${topic}, key ${key ?? "none"}`;
  }
  const place = `${finding.file}:${finding.offset}`;
  if (finding.kind === "unexpected") {
    const { handler, id, node, topic, key, bytes } = finding.record;
    return `not expected: ${place}: ${handler}: alert ${id} of ${node || "an unnamed node"}, for topic ${topic}, key ${key}, ${bytes} bytes`;
  }
  const { id, handler, what } = finding.change;
  const name = [id === undefined ? "" : `alert ${id}`, handler ?? ""].filter((text) => text !== "").join(": ");
  return `${place}: ${name === "" ? "" : `${name}: `}${what}`;
}

function asJson(finding: Finding) {
  if (finding.kind === "missing") return finding;
  if (finding.kind === "unexpected") return { ...finding, record: withoutValue(finding.record) };
  const { old, new: now, ...change } = finding.change;
  return { ...finding, change: { ...change, old: withoutValue(old), new: withoutValue(now) } };
}

function withoutValue(record: TrialRecord | undefined) {
  if (record === undefined) return null;
  const { value: _value, ...rest } = record;
  return rest;
}

function summary({ totals, files, findings, isCompared, expected }: TestEnd) {
  const { lines, verdicts, handlers } = totals;
  return {
    lines,
    verdicts,
    handlers,
    files,
    ...(isCompared && { changes: findings.change }),
    ...(expected !== undefined && { expected, unexpected: findings.unexpected, missing: findings.missing }),
  };
}

const columns = [12, 10, 14, 10] as const;

function row(...cells: readonly (string | number)[]): string {
  const padded = cells.map((cell, at) =>
    at === 0 ? String(cell).padEnd(columns[0]) : String(cell).padStart(columns[at] ?? 0),
  );
  return padded.join("  ");
}

function textOf({ totals, files, findings, isCompared, expected }: TestEnd): string {
  const { lines, verdicts, handlers } = totals;
  const text = [
    `${lines} lines: ${verdicts.wanted} wanted, ${verdicts.unwanted} unwanted, ${verdicts["passed-by"]} without a needle, ${verdicts.own} own events, ${verdicts.broken} dead letters`,
    row("HANDLER", "RECORDS", "BYTES", "FAILED", "  TOPIC"),
    ...Object.entries(handlers).flatMap(([handler, { records, bytes, failures, topics, leftOut }]) => [
      row(handler, records, bytes, failures, `  ${topics.join(", ")}`),
      ...Object.entries(leftOut).map(
        ([reason, count]) => `  ${count} alerts look as if they were meant for it: ${reason}`,
      ),
    ]),
  ];
  if (isCompared) text.push(`${findings.change} changes against the old configuration`);
  if (expected !== undefined)
    text.push(`${expected} records expected: ${findings.missing} missing, ${findings.unexpected} not expected`);
  for (const { file, state, reason } of files) {
    if (reason !== undefined || state === "empty")
      text.push(`${file}: ${state}${reason === undefined ? "" : `: ${reason}`}`);
  }
  return text.map((line) => `${printable(line.trimEnd())}\n`).join("");
}
