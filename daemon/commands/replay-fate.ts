import type { HeldRecords } from "../audit/held-in-sink.ts";
import type { Outcome, Owner } from "../contract.ts";
import { exitCodes, type DfnError } from "../errors.ts";
import { command, printable, toPrintableJson } from "../printable.ts";
import { replayedName, type ReplayEnd } from "../sources/replay/replay.ts";
import type { Counts } from "../telemetry/counters.ts";

/** What became of one file of a replay. */
export class FileFate {
  readonly path: string;
  readonly from: number;
  /** Undefined until this file has been dealt with. */
  #end: ReplayEnd | undefined;
  #read = 0;
  #relevant = 0;
  #acknowledged = 0;
  #deadLetters = 0;
  /** Offsets of lines without an outcome, ascending. */
  readonly #open = new Set<number>();

  constructor(path: string, from: number) {
    this.path = path;
    this.from = from;
  }

  /** Receives the outcome of the line at an offset; `offered` announces that there will be one. */
  owner(offset: number): Owner & { offered(isOpen: boolean): void } {
    let hasPieces = false;
    let isSettled = false;
    return {
      pieceSettled: (outcome) => {
        hasPieces = true;
        this.#count(outcome);
      },
      settled: (outcome) => {
        isSettled = true;
        this.#open.delete(offset);
        if (!hasPieces) this.#count(outcome);
      },
      offered: (isOpen) => {
        if (isOpen && !isSettled) this.#open.add(offset);
      },
    };
  }

  /** This file has been dealt with. @param before counters at its start @param after counters now */
  ended(end: ReplayEnd, before: Counts, after: Counts): void {
    this.#end = end;
    this.#read = after.read - before.read;
    this.#relevant = this.#read - (after.ignored - before.ignored);
  }

  get failure(): DfnError | undefined {
    return this.#end?.failure;
  }

  /** Whether all of it was read and has its outcome. */
  get isWhole(): boolean {
    return this.#state === "whole" || this.#state === "empty";
  }

  get #state(): ReplayEnd["kind"] | "not read" {
    if (this.#end === undefined) return "not read";
    return this.#open.size > 0 && this.#end.kind !== "failed" ? "stopped" : this.#end.kind;
  }

  /** The first line that has no outcome or was not read. */
  get #offset(): number {
    const [oldest] = this.#open;
    return oldest ?? this.#end?.offset ?? this.from;
  }

  summary(): Readonly<Record<string, string | number | undefined>> {
    return {
      file: replayedName(this.path),
      state: this.#state,
      from: this.from,
      offset: this.#offset,
      read: this.#read,
      relevant: this.#relevant,
      acknowledged: this.#acknowledged,
      deadLetters: this.#deadLetters,
      reason: this.failure?.message,
      continue: this.#continuation(),
    };
  }

  line(): string {
    const { file, state, read, relevant, acknowledged, deadLetters } = this.summary();
    const counts = `read ${read}, relevant ${relevant}, acknowledged ${acknowledged}, dead letters ${deadLetters}`;
    const where = state === "failed" || state === "stopped" ? ` at byte ${this.#offset}` : "";
    const reason = this.failure === undefined ? "" : `; ${this.failure.message}`;
    const next = state === "stopped" || state === "not read" ? this.#continuation() : undefined;
    const more = next === undefined ? "" : `; continue with: ${next}`;
    return `${printable(`${String(file)}: ${state}${where}: ${counts}${reason}${more}`)}\n`;
  }

  #continuation(): string | undefined {
    if (this.isWhole || this.path === "-") return undefined;
    return command`wazuh-dfn replay --at ${`${this.path}:${this.#offset}`}`;
  }

  #count(outcome: Outcome): void {
    if (outcome === "acknowledged") this.#acknowledged += 1;
    else if (outcome === "dead-letter") this.#deadLetters += 1;
  }
}

/** The summary of a replay; one line for each file, unless there is only one and all is well with it. */
export function replaySummary(
  counts: Counts,
  fates: readonly FileFate[],
  asJson: boolean,
  notSent?: HeldRecords,
): string {
  const total = {
    read: counts.read,
    relevant: counts.read - counts.ignored,
    acknowledged: counts.acknowledged,
    deadLetters: counts.deadLettered,
  };
  if (asJson) {
    const files = fates.map((fate) => fate.summary());
    return `${toPrintableJson({ ...total, files, ...(notSent !== undefined && { notSent: notSentJson(notSent) }) })}\n`;
  }
  const { read, relevant, acknowledged, deadLetters } = total;
  const first = `read ${read}, relevant ${relevant}, acknowledged ${acknowledged}, dead letters ${deadLetters}\n`;
  const isPlain = fates.length === 1 && fates.every(({ isWhole }) => isWhole);
  return [
    first,
    ...(notSent === undefined ? [] : [notSentText(notSent)]),
    ...(isPlain ? [] : fates.map((fate) => fate.line())),
  ].join("");
}

function notSentJson({ held, altered, pending, unknown, unknowns }: HeldRecords): object {
  return { held, altered, pending, unknown, reasons: unknowns };
}

/** What `--missing-only` left out. */
function notSentText({ held, altered, pending, unknown, unknowns }: HeldRecords): string {
  const counts = `not sent: ${held} there already, ${altered} there with another value, ${pending} pending, ${unknown} unknown\n`;
  return [counts, ...unknowns.map((text) => `${printable(`cannot be known: ${text}`)}\n`)].join("");
}

/** The code of the first file that failed; otherwise it depends on dead letters, and on what cannot be known. */
export function exitCodeOf(counts: Counts, fates: readonly FileFate[], notSent?: HeldRecords): number {
  const failed = fates.find(({ failure }) => failure !== undefined)?.failure;
  if (failed !== undefined) return failed.exitCode;
  if (counts.deadLettered > 0) return exitCodes.DATA;
  return notSent !== undefined && notSent.unknown > 0 ? exitCodes.UNAVAILABLE : 0;
}
