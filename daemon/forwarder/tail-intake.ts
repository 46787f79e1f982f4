import { mayBeTorn } from "../alert/salvage.ts";
import type { Budget } from "../delivery/budget.ts";
import type { Pipeline, Verdict } from "../delivery/pipeline.ts";
import type { Relevance } from "../delivery/relevance.ts";
import type { Shipper } from "../delivery/shipper.ts";
import type { Tap } from "../delivery/tap.ts";
import type { TailIntake } from "../sources/tail/intake.ts";
import type { SourceCounters } from "../telemetry/counters.ts";
import type { Owner, SourceLocation } from "../contract.ts";

/**
 * The share of the byte budget that a backlog may fill; the rest is for live alerts of the socket. More would not make
 * the tail faster, but the alerts that wait live long enough for V8 to collect them late and at greater cost.
 */
export const backlogShare = 0.25;

interface TailIntakeParts {
  readonly pipeline: Pipeline;
  readonly relevance: Relevance;
  readonly shipper: Shipper;
  readonly counters: SourceCounters;
  readonly budget: Budget;
  readonly tap?: Tap | undefined;
}

/**
 * Joins the tail to the pipeline. It also knows when everything that an earlier process may have sent is behind the
 * checkpoint: once the look-up is over, the tail has been at the end of the log, and the checkpoint has passed what was open
 * then. What the look-up has found is kept for longer where an archive is damaged: its rest may be read at any time.
 */
export class PipelineIntake implements TailIntake {
  readonly #parts: TailIntakeParts;
  readonly #onCaughtUp: () => void;
  /** The number of the newest line that was wanted. */
  #newest = -1;
  /** The position has passed all lines with a lower number. */
  #front = 0;
  #isLookedUp = false;
  /** Set at the end of the log: when this line is passed, all before it are. */
  #mark: number | undefined;
  #hasCaughtUp = false;
  /** The same, for the first end of the log at which no archive lacked its rest. */
  #wholeMark: number | undefined;
  #isWhole = false;

  /** @param onCaughtUp called once */
  constructor(parts: TailIntakeParts, onCaughtUp: () => void) {
    this.#parts = parts;
    this.#onCaughtUp = onCaughtUp;
  }

  next(bytes: Buffer, from: number, end: number): number {
    const { relevance, tap } = this.#parts;
    const hit = relevance.next(bytes, from, end);
    if (tap?.isOn === true) tap.leftOut(bytes, from, hit < 0 ? end : hit);
    return hit;
  }

  mayBeTorn(line: Buffer): boolean {
    return mayBeTorn(line);
  }

  ignored(lines: number): void {
    this.#parts.counters.passedBy(lines);
  }

  deliver(bytes: Buffer, place: SourceLocation, owner: Owner, line: number, isLent: boolean): boolean {
    return this.#isWanted(this.#parts.pipeline.offer({ source: "tail", bytes, isLent, place, owner, line }), line);
  }

  wasDone(bytes: Buffer): boolean {
    return this.#parts.pipeline.wasDone(bytes);
  }

  damaged(reason: "over-long" | "torn", place: SourceLocation, head: Buffer, owner: Owner, line: number): void {
    this.#isWanted(this.#parts.pipeline.damaged("tail", reason, place, head, owner, line), line);
  }

  #isWanted({ kind }: Verdict, line: number): boolean {
    if (kind === "deferred") throw new Error("a line of the log cannot be left to the tail");
    if (kind === "ignored") return false;
    this.#newest = line;
    return true;
  }

  passed(front: number): void {
    this.#front = front;
    this.#lookAtMarks();
  }

  room(): Promise<void> | undefined {
    return this.#parts.budget.room(backlogShare);
  }

  /** What an earlier process sent is known. */
  lookedUp(): void {
    this.#isLookedUp = true;
    this.#lookAtMarks();
  }

  /**
   * The tail has reached the end of the log; may be called again and again.
   * @param isWhole false while the rest of a damaged archive may still be read: what an earlier process sent of it must
   *                be known until then
   */
  reachedEnd(isWhole = true): void {
    this.#parts.shipper.reachedEnd();
    this.#parts.counters.readToEnd();
    if (!this.#hasCaughtUp) this.#mark ??= this.#newest;
    if (isWhole && !this.#isWhole) this.#wholeMark ??= this.#newest;
    this.#lookAtMarks();
  }

  #lookAtMarks(): void {
    // Without new lines nothing is open, although it is not known yet what an earlier process sent.
    if (!this.#isLookedUp) return;
    if (!this.#hasCaughtUp && this.#mark !== undefined && this.#front > this.#mark) {
      this.#hasCaughtUp = true;
      this.#onCaughtUp();
    }
    if (!this.#isWhole && this.#wholeMark !== undefined && this.#front > this.#wholeMark) {
      this.#isWhole = true;
      this.#parts.shipper.endLookup();
    }
  }
}
