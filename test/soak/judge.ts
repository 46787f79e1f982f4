import { spawnSync } from "node:child_process";
import { readDeadLetters, type DeadLetterCount } from "./dead-letters.ts";
import type { Allowances } from "./fault.ts";
import type { Environment } from "./environment.ts";

/** The limits that the promise names. */
export const bounds = {
  recoveryMs: 5000,
  stopMs: 5000,
  readyMs: 500,
  rssBytes: 220 * 1_048_576,
} as const;

const fewStarts = 5;
/** The limit on a start, in starts of Node alone: 500 ms if that takes 40. */
const mostBareStarts = 12.5;

/** The state of an environment at its end. */
export interface Verdict {
  readonly written: number;
  readonly relevant: number;
  readonly records: number;
  readonly bySource: Readonly<Record<string, number>>;
  readonly missing: number;
  readonly invented: number;
  readonly altered: number;
  readonly outOfOrder: number;
  readonly copies: number;
  readonly deadLetters: number;
  readonly kills: number;
  readonly looks: number;
  readonly unbalanced: number;
  readonly unanswered: number;
  readonly peakRssMiB: number;
  /** Of the process whose peak it is, at that time. */
  readonly peakNotes: string;
  /** Of each start. */
  readonly readyMs: readonly number[];
  readonly longestReadyMs: number;
  readonly longestReadyWallMs: number;
  readonly longestStopMs: number;
  readonly calls: number;
  readonly failedCalls: number;
  /** The forwarder's messages at level error, and how often each came. */
  readonly errors: Readonly<Record<string, number>>;
  /** What was promised and not kept; a line for each. */
  readonly broken: readonly string[];
  /** Limits on time that were missed. */
  readonly slow: readonly string[];
}

/** What a verdict consists of. */
export type Judged = Pick<Environment, "ledger" | "referee" | "forwarder" | "calls" | "stateDir" | "fragments">;

/**
 * Compares everything that was written and seen with the promise. The forwarder has stopped.
 * @param gone dead letters that were looked through and removed meanwhile
 */
export function judge(
  environment: Judged,
  allowances: Allowances,
  copiesAllowed: (appendedMs: number) => boolean,
  gone: DeadLetterCount = { entries: 0, wrong: [], fragments: [] },
): Verdict {
  const { ledger, referee, forwarder, calls } = environment;
  const dead = readDeadLetters(environment.stateDir, ledger);
  const missing = referee.missing();
  const { looked, times } = forwarder;
  const copies = referee.copies.filter(({ appendedMs }) => !copiesAllowed(appendedMs));
  // From an older checkpoint a dead letter is read again, and delivered late if Kafka takes it by then. Everything else
  // that comes after newer alerts is an error.
  const outOfOrder = referee.outOfOrder.filter(
    ({ sequence, appendedMs }) => !(ledger.isDead(sequence) && copiesAllowed(appendedMs)),
  );
  const longestReadyMs = Math.max(0, ...times.readyMs);
  const longestStopMs = Math.max(0, ...times.stopMs);
  const broken: string[] = [];
  const few = (what: string, lines: readonly string[]): void => {
    if (lines.length > 0) broken.push(`${lines.length} ${what}: ${lines.slice(0, 3).join("; ")}`);
  };
  if (missing.count > 0) broken.push(`${missing.count} missing: ${missing.examples.slice(0, 5).join("; ")}`);
  few("invented", referee.invented);
  few("altered", referee.altered);
  few(
    "out of order",
    outOfOrder.map(({ what }) => what),
  );
  few("wrongly dead", [...gone.wrong, ...dead.wrong]);
  const kept = [...gone.fragments, ...dead.fragments];
  const lost = environment.fragments.filter((fragment) => !kept.some((found) => found.includes(fragment)));
  few(
    "not among the dead letters",
    lost.map((fragment) => fragment.toString("latin1").slice(0, 80)),
  );
  if (allowances.copies !== true) few("sent twice", copies.map(describeCopy));
  few("unbalanced looks", looked.unbalanced);
  few("surprises", forwarder.surprises);
  // A forwarder that offers no figures at all is reported as such, once.
  if (looked.balanced === 0) broken.push("no look at its figures was answered");
  else few("looks at its figures without an answer", looked.unanswered);
  if (calls.failed > 0) broken.push(`${calls.failed} of ${calls.calls} calls of custom-dfn failed`);
  if (looked.peakRssBytes > bounds.rssBytes) {
    broken.push(`${mebibytes(looked.peakRssBytes)} MiB of memory: ${looked.peakNotes}`);
  }
  const slow = slowStarts(times.readyMs);
  if (longestStopMs > bounds.stopMs) slow.push(`${Math.round(longestStopMs)} ms to stop`);
  return {
    written: ledger.written,
    relevant: ledger.relevant,
    records: referee.records,
    bySource: referee.bySource,
    missing: missing.count,
    invented: referee.invented.length,
    altered: referee.altered.length,
    outOfOrder: outOfOrder.length,
    copies: referee.copies.length,
    deadLetters: gone.entries + dead.entries,
    kills: forwarder.kills,
    looks: looked.balanced,
    unbalanced: looked.unbalanced.length,
    unanswered: looked.unanswered.length,
    peakRssMiB: mebibytes(looked.peakRssBytes),
    peakNotes: looked.peakNotes,
    readyMs: times.readyMs.map(Math.round),
    longestReadyMs: Math.round(longestReadyMs),
    longestReadyWallMs: Math.round(Math.max(0, ...times.readyWallMs)),
    longestStopMs: Math.round(longestStopMs),
    calls: calls.calls,
    failedCalls: calls.failed,
    errors: Object.fromEntries(forwarder.errors),
    broken,
    slow,
  };
}

/**
 * The median counts, if there are enough starts for one: three brokers share the machine's processors, and a single
 * start may have to wait for them. On a machine where Node itself starts slowly the limit is a number of its bare
 * starts.
 */
export function slowStarts(readyMs: readonly number[]): string[] {
  const median = medianOf(readyMs);
  if (readyMs.length < fewStarts || median <= bounds.readyMs) return [];
  const bareMs = medianOf(Array.from({ length: 9 }, bareStartMs));
  if (median <= bareMs * mostBareStarts) return [];
  const bare = `Node alone takes ${Math.round(bareMs)} ms`;
  return [`${Math.round(median)} ms to be ready (median of ${readyMs.length}; ${bare})`];
}

function medianOf(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

/** Milliseconds of a start of Node that does nothing. */
function bareStartMs(): number {
  const startedMs = performance.now();
  spawnSync(process.execPath, ["-e", "0"]);
  return performance.now() - startedMs;
}

function describeCopy({ sequence, appendedMs }: { sequence: number; appendedMs: number }): string {
  return `${sequence} at ${new Date(appendedMs).toISOString()}`;
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 1_048_576);
}
