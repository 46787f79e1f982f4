import type { FaultResult, Run } from "./run.ts";

/** Everything a soak run found. */
export interface Report {
  readonly command: string;
  readonly seed: number;
  readonly tookSeconds: number;
  readonly runs: readonly Run[];
  /** Faults that this machine cannot create, and why. */
  readonly notMade: Readonly<Record<string, string>>;
  /** Promises that were not kept; empty: all were kept. */
  readonly broken: readonly string[];
}

const columns = ["fault", "lasted", "alerts", "relevant", "twice", "RSS", "recovery"];

/** The table of a run, and a line for everything that is broken. */
export function table(report: Report): string {
  const alone = report.runs.filter(({ results }) => results.length === 1);
  const mixtures = report.runs.filter(({ results }) => results.length > 1);
  const lines: string[] = [];
  if (alone.length > 0) {
    const head = [...columns, "missing", "dead", "order", "ready", "stop"];
    lines.push(...aligned([head, ...alone.flatMap((run) => rowsOf(run, true))]));
  }
  for (const run of mixtures) {
    lines.push("", ...aligned([columns, ...rowsOf(run, false)]), JSON.stringify(run.verdict, undefined, 1));
    const { manifests, verified } = run;
    lines.push(`manifests: ${JSON.stringify(manifests)}`, `verify: ${JSON.stringify(verified ?? "not asked")}`);
  }
  for (const [name, reason] of Object.entries(report.notMade)) lines.push(`not made: ${name}: ${reason}`);
  lines.push(...report.broken.map((one) => `BROKEN ${one}`));
  const end = report.broken.length === 0 ? "every promise held" : `${report.broken.length} promises broken`;
  lines.push(`${end}; seed ${report.seed}, ${report.tookSeconds} s, ${report.command}`);
  return `${lines.join("\n")}\n`;
}

function rowsOf(run: Run, isAlone: boolean): string[][] {
  return run.results.map((result) => cells(result, run, isAlone));
}

function cells(result: FaultResult, { verdict }: Run, isAlone: boolean): string[] {
  const { name, lastedMs, written, relevant, copies, rssMiB, recoveryMs } = result;
  const recovery = recoveryMs === undefined ? "none" : `${recoveryMs} ms`;
  if (!isAlone) return [name, `${lastedMs} ms`, `${written}`, `${relevant}`, `${copies}`, `${rssMiB} MiB`, recovery];
  return [
    name,
    `${lastedMs} ms`,
    `${verdict.written}`,
    `${verdict.relevant}`,
    `${copies}`,
    `${rssMiB} MiB`,
    recovery,
    `${verdict.missing}`,
    `${verdict.deadLetters}`,
    `${verdict.outOfOrder}`,
    `${verdict.longestReadyMs} ms`,
    `${verdict.longestStopMs} ms`,
  ];
}

/** What is broken in a run, each with the fault's name. */
export function brokenOf({ results, verdict }: Run): string[] {
  return [
    ...results.flatMap(({ name, broken }) => broken.map((what) => `${name}: ${what}`)),
    ...verdict.broken.map((what) => `${nameOf(results)}: ${what}`),
  ];
}

/** The limits on time that were missed in a run, with the fault's name. */
export function slowOf({ results, verdict }: Run): { readonly name: string; readonly what: string }[] {
  return [
    ...results.flatMap(({ name, slow }) => slow.map((what) => ({ name, what }))),
    ...verdict.slow.map((what) => ({ name: nameOf(results), what })),
  ];
}

function nameOf(results: readonly FaultResult[]): string {
  return results.length === 1 ? (results[0]?.name ?? "") : "mixture";
}

/** Columns of equal width; the first aligned to the left. */
export function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  "),
  );
}
