import type { Audited } from "../../audit/audit.ts";
import { countNames, type AuditFinding, type HourCounts } from "../../audit/audit-result.ts";
import type { SentMissing } from "../../audit/send-missing.ts";
import type { TimeSpan } from "../../audit/time-span.ts";
import { command, printable, toPrintableJson } from "../../printable.ts";

/** What is shown of an audit. */
export interface AuditReport {
  readonly audited: Audited;
  /** Undefined without `--replay-missing`. */
  readonly sent: SentMissing | undefined;
  readonly span: TimeSpan;
  /** It was compared with a list. */
  readonly isList: boolean;
  /** When it was made; milliseconds since 1970. */
  readonly timeMs: number;
}

/** Findings that the text names; all that are kept are in the JSON. */
const maxShown = 20;

/** How counts are called in tables. */
export const countTitles: Readonly<Record<keyof HourCounts, string>> = {
  relevant: "relevant",
  inKafka: "in Kafka",
  missing: "missing",
  twice: "twice",
  altered: "altered",
  reprinted: "re-printed",
  deadLetters: "dead letters",
  pending: "pending",
  unlined: "not in log",
  unknown: "unknown",
};

/** One word for the whole, and why; for people. */
export function verdictText({ audited: { result } }: AuditReport): string {
  const { verdict, total } = result;
  if (verdict === "complete") {
    const pending =
      total.pending === 0 ? "" : `; ${total.pending} are pending: the forwarder is not done with them yet`;
    return `complete: all ${total.relevant - total.pending} records are there, once and unaltered${pending}`;
  }
  if (verdict === "unknown") return "cannot be known";
  const open = total.deadLetters - result.acknowledged;
  const wrong = [
    [total.missing, "missing"],
    [total.twice, "there twice"],
    [total.altered, "altered"],
    [total.unlined, "not in the log"],
    [open, "dead letters"],
  ] as const;
  return `not complete: ${wrong.flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`])).join(", ")}`;
}

/** Sentences below the table. */
export function remarksOf({ audited: { result, notes }, sent, isList }: AuditReport): readonly string[] {
  const remarks = result.unknowns.map((text) => `cannot be known: ${text}`);
  if (result.early > 0) {
    remarks.push(
      `${result.early} records of alerts from before the first start are not there: they were not asked for`,
    );
  }
  if (result.acknowledged > 0) remarks.push(`${result.acknowledged} of the dead letters have been acknowledged`);
  remarks.push(...notes);
  if (isList) remarks.push("compared with a list, not with the topics");
  if (sent !== undefined) {
    const { foundMeanwhile, acknowledged, deadLetters, gone } = sent;
    remarks.push(
      `sent what was missing: ${acknowledged} acknowledged, ${deadLetters} dead letters, ${foundMeanwhile} had come meanwhile` +
        (gone === 0 ? "" : `, ${gone} were not found in the log again`),
    );
  }
  return remarks;
}

/** Where a finding is, as a sentence without its end. */
export function findingText({ kind, hour, node, handler, line, record }: AuditFinding): string {
  const where = [
    line === undefined ? undefined : command`wazuh-dfn explain ${`${line.file}:${line.offset}`}`,
    record === undefined
      ? undefined
      : `${record.place}, ${record.place === "list" ? "byte" : "offset"} ${record.offset}`,
  ].filter((text) => text !== undefined);
  const names = { missing: "missing", twice: "twice", altered: "altered", unlined: "not in log", unknown: "unknown" };
  const name = kind === "dead-letter" ? "dead letter" : names[kind];
  return `${name}: ${hour ?? "no time"}, node ${node}, ${handler}: ${where.join("; ")}`;
}

/** For a terminal, with its last newline. */
export function auditText(report: AuditReport): string {
  const { result, files, bytes } = report.audited;
  const { rows, total, findings } = result;
  const shown = countNames.filter(
    (name) => name === "relevant" || name === "inKafka" || name === "missing" || total[name] > 0,
  );
  const cells = [
    ["hour", "node", ...shown.map((name) => countTitles[name])],
    ...rows.map((row) => [row.hour ?? "no time", row.node, ...shown.map((name) => String(row[name]))]),
    ["all", "", ...shown.map((name) => String(total[name]))],
  ].map((row) => row.map((cell) => printable(cell)));
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const table = cells.map((row) =>
    row
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join("  ")
      .trimEnd(),
  );
  const named = findings.slice(0, maxShown).map((finding) => `  ${printable(findingText(finding))}`);
  if (findings.length > maxShown) named.push(`  ... and ${findings.length - maxShown} more: --json names them`);
  return [
    ...table,
    "",
    ...named,
    ...(named.length === 0 ? [] : [""]),
    ...remarksOf(report).map((text) => printable(text)),
    `read ${files.length} ${files.length === 1 ? "file" : "files"} of the log, ${bytes} bytes`,
    verdictText(report),
    "",
  ].join("\n");
}

/** For programs, with its last newline. */
export function auditJson({ audited, sent, span, isList, timeMs }: AuditReport): string {
  const { result, files, bytes, notes } = audited;
  const { verdict, total, rows, findings, unknowns, early, acknowledged, unjudged } = result;
  const object = {
    time: timeOf(timeMs),
    from: timeOf(span.fromMs),
    to: timeOf(span.toMs),
    verdict,
    total,
    beforeFirstStart: early,
    acknowledgedDeadLetters: acknowledged,
    unjudged,
    hours: rows.map((row) => ({ ...row, hour: row.hour ?? null })),
    findings: findings.map((one) => ({
      ...one,
      hour: one.hour ?? null,
      line: one.line ?? null,
      record: one.record ?? null,
    })),
    unknown: unknowns,
    notes,
    comparedWith: isList ? "list" : "topics",
    files: files.map(({ path }) => path),
    bytes,
    ...(sent !== undefined && { replayed: { ...sent, refusal: sent.refusal ?? null } }),
  };
  return `${toPrintableJson(object, 2)}\n`;
}

function timeOf(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
