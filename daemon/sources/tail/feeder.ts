import type { SourceLocation } from "../../contract.ts";
import type { OpenLogFile } from "./log/log-file.ts";
import type { TailIntake } from "./intake.ts";
import type { Reading, ReadProgress } from "./position/read-progress.ts";
import type { Read } from "./log/reader.ts";
import { LineSplitter, type LogLine } from "./log/line-splitter.ts";
import { unlessAborted } from "./waker.ts";

const newline = 0x0a;
/** analysisd writes the timestamp first into each alert (Wazuh 4.14 source: src/analysisd/format/to_json.c:45). */
const timestampPattern = /^\{"timestamp":"([^"\\]{10,40})"/;

/** Why feeding paused. */
export type Pause =
  | Exclude<Read, { kind: "bytes" }>
  /** Reading failed; it may be tried again. */
  | { readonly kind: "failed"; readonly reason: unknown }
  /** The signal was aborted. */
  | { readonly kind: "stopped" };

/** Feeds the intake with the lines of one log file after the other, as fast as there is room, and keeps the progress. */
export class Feeder {
  readonly #progress: ReadProgress;
  readonly #intake: TailIntake;
  readonly #splitter: LineSplitter;
  #chunks = 0;

  constructor(progress: ReadProgress, intake: TailIntake, maxLineBytes: number) {
    this.#progress = progress;
    this.#intake = intake;
    progress.ledger.onFront = (front) => intake.passed?.(front);
    const filter = {
      next: (bytes: Buffer, from: number, end: number) => intake.next(bytes, from, end),
      ignored: (lines: number) => this.#ignored(lines),
      mayBeTorn: (line: Buffer) => intake.mayBeTorn?.(line) === true,
    };
    this.#splitter = new LineSplitter(filter, maxLineBytes);
  }

  /** The next bytes are those at this offset, where a line begins. */
  reset(offset: number): void {
    this.#splitter.reset(offset);
  }

  /** Pieces of files that were taken so far. */
  get chunks(): number {
    return this.#chunks;
  }

  /** Offset at which the unfinished line begins, or the next one. */
  get lineStart(): number {
    return this.#splitter.lineStart;
  }

  /** Bytes of the unfinished line that were read and not handed on. */
  get unfinishedBytes(): number {
    return this.#splitter.rest().length;
  }

  /** Reads until there is nothing more for now. Only reading is retried; what the intake throws ends the tail. */
  async feed(logFile: OpenLogFile, signal: AbortSignal): Promise<Pause> {
    while (!signal.aborted) {
      const found = await logFile.read().catch((reason: unknown) => ({ kind: "failed" as const, reason }));
      if (found.kind !== "bytes") return found;
      this.#chunks += 1;
      for (const piece of this.#splitter.push(found.bytes)) {
        this.#progress.advance(piece.offset);
        // Not awaited if there is room: that would be two promises for each line.
        const room = this.#room();
        if (room !== undefined) await this.#waitForRoom(room, signal);
        if (signal.aborted) return { kind: "stopped" };
        this.#hand(piece);
        this.#progress.advance(piece.offset + piece.length + 1);
      }
      this.#progress.advance(this.#splitter.lineStart);
      this.#noteTime(found.bytes);
    }
    return { kind: "stopped" };
  }

  /** Delivers what a finished log file holds behind its last newline: an alert that is still whole, or torn. */
  async feedRest(signal: AbortSignal): Promise<void> {
    const rest = this.#splitter.rest();
    if (rest.length === 0) return;
    await this.#waitForRoom(this.#room(), signal);
    if (signal.aborted) return;
    if (this.#progress.wasDone(rest.offset)) this.#progress.ledger.note(this.#reading, rest.offset);
    else if (rest.kind === "over-long") this.#damaged("over-long", rest);
    else if (!isObject(rest.bytes)) this.#damaged("torn", rest);
    else if (this.#intake.next(rest.bytes, 0, rest.length) < 0) this.#ignored(1);
    else this.#hand(rest);
    this.#progress.advance(rest.offset + rest.length);
    this.#splitter.reset(rest.offset + rest.length);
  }

  async #waitForRoom(first: Promise<void> | undefined, signal: AbortSignal): Promise<void> {
    for (let room = first; room && !signal.aborted; room = this.#room()) await unlessAborted(room, signal);
  }

  #hand(piece: LogLine): void {
    const { ledger } = this.#progress;
    const reading = this.#reading;
    if (this.#progress.wasDone(piece.offset) && this.#staysDone(piece)) return ledger.note(reading, piece.offset);
    if (piece.kind === "over-long") return this.#damaged("over-long", piece);
    if (this.#isTooOld(piece.bytes)) return this.#ignored(1);
    const line = ledger.take(reading, piece.offset);
    const isWanted = this.#intake.deliver(piece.bytes, placeOf(reading, piece), ledger, line, !piece.isOwn);
    return ledger.handed(line, !isWanted);
  }

  #room(): Promise<void> | undefined {
    return this.#intake.room() ?? this.#progress.ledger.room();
  }

  #ignored(lines: number): void {
    this.#progress.ledger.ignored(lines);
    this.#intake.ignored(lines);
  }

  #staysDone({ kind, bytes }: LogLine): boolean {
    return kind === "over-long" || this.#intake.wasDone?.(bytes) !== false;
  }

  #damaged(reason: "over-long" | "torn", piece: LogLine): void {
    const { ledger } = this.#progress;
    const reading = this.#reading;
    const line = ledger.take(reading, piece.offset);
    this.#intake.damaged(reason, placeOf(reading, piece), keep(piece), ledger, line);
    ledger.handed(line, false);
  }

  get #reading(): Reading {
    const reading = this.#progress.current?.reading;
    if (!reading) throw new Error("a line was read before its log file was begun");
    return reading;
  }

  #isTooOld(line: Buffer): boolean {
    const { notBeforeMs } = this.#progress;
    if (notBeforeMs === undefined) return false;
    const time = alertTimeOf(line);
    return time !== undefined && time < notBeforeMs;
  }

  /** Notes the time of the last line that begins and ends in this chunk: telling, and one look a chunk. */
  #noteTime(chunk: Buffer): void {
    const end = chunk.lastIndexOf(newline);
    const start = end > 0 ? chunk.lastIndexOf(newline, end - 1) + 1 : 0;
    const timeMs = alertTimeOf(chunk.subarray(start, Math.max(start, end)));
    if (timeMs !== undefined) this.#progress.sawTime(timeMs);
  }
}

function keep({ bytes, isOwn }: LogLine): Buffer {
  return isOwn ? bytes : Buffer.from(bytes);
}

function placeOf({ origin }: Reading, { offset, length }: LogLine): SourceLocation {
  return { file: origin.file, offset, length };
}

function isObject(bytes: Buffer): boolean {
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    // Not JSON, so the line is torn.
    return false;
  }
}

/**
 * The time of an alert, in milliseconds since 1970: that of the `timestamp` with which it begins, such as
 * `2026-11-21T11:24:00.123+0100`. Undefined for any other line.
 */
export function alertTimeOf(line: Buffer): number | undefined {
  const timestamp = timestampPattern.exec(line.toString("latin1", 0, 64))?.[1];
  const time = timestamp === undefined ? Number.NaN : Date.parse(timestamp);
  return Number.isNaN(time) ? undefined : time;
}
