import type { Budget } from "../delivery/budget.ts";
import type { Pipeline, Verdict } from "../delivery/pipeline.ts";
import type { Relevance } from "../delivery/relevance.ts";
import type { Shipper } from "../delivery/shipper.ts";
import type { Shipment } from "../delivery/shipment.ts";
import type { Line, TailIntake } from "../sources/tail/intake.ts";
import type { SourceCounters } from "../telemetry/counters.ts";
import type { Place } from "../delivery/contract.ts";

/**
 * The share of the byte budget that a backlog may fill; the rest is for live alerts of the socket. More would not make
 * the tail faster, but the alerts that wait live long enough for V8 to collect them late and at greater cost.
 */
export const backlogShare = 0.25;

export interface TailIntakeParts {
  readonly pipeline: Pipeline;
  readonly relevance: Relevance;
  readonly shipper: Shipper;
  readonly counters: SourceCounters;
  readonly budget: Budget;
}

/**
 * Joins the tail to the pipeline. It also knows when everything that an earlier process may have sent is behind the
 * checkpoint: once the tail has been at the end of the log, and the checkpoint has passed what was open then.
 */
export class PipelineIntake implements TailIntake {
  readonly #parts: TailIntakeParts;
  readonly #onCaughtUp: () => void;
  /** The newest line that is shipped or tied and that the position has not passed. */
  #newest: object | undefined;
  /** Set at the end of the log: when this line is passed, all before it are. */
  #mark: object | undefined;
  #hasCaughtUp = false;

  /** @param onCaughtUp called once */
  constructor(parts: TailIntakeParts, onCaughtUp: () => void) {
    this.#parts = parts;
    this.#onCaughtUp = onCaughtUp;
  }

  next(bytes: Buffer, from: number, end: number): number {
    return this.#parts.relevance.next(bytes, from, end);
  }

  ignored(lines: number): void {
    this.#parts.counters.passedBy(lines);
  }

  deliver(line: Line, settled: () => void): (() => void) | undefined {
    const { bytes, place } = line;
    return this.#passingOf(this.#parts.pipeline.offer({ source: "tail", bytes, place, settled }), settled);
  }

  #passingOf(verdict: Verdict, settled: () => void): (() => void) | undefined {
    switch (verdict.kind) {
      case "ignored":
        settled();
        return undefined;
      case "rejected":
        return this.#passing([]);
      case "salvaged":
        return this.#passing(verdict.shipments);
      case "taken":
      case "second":
        return this.#passing(verdict.shipment === undefined ? [] : [verdict.shipment]);
      case "left":
        break;
    }
    throw new Error("a line of the log cannot be left to the tail");
  }

  damaged(reason: "over-long" | "torn", place: Place, head: Buffer, settled: () => void): (() => void) | undefined {
    return this.#passingOf(this.#parts.pipeline.damaged("tail", reason, place, head, settled), settled);
  }

  room(): Promise<void> | undefined {
    return this.#parts.budget.room(backlogShare);
  }

  /** The tail has reached the end of the log; may be called again and again. */
  reachedEnd(): void {
    if (this.#hasCaughtUp || this.#mark !== undefined) return;
    this.#mark = this.#newest;
    if (this.#mark === undefined) this.#caughtUp();
  }

  #passing(shipments: readonly Shipment[]): () => void {
    const token = {};
    this.#newest = token;
    return () => {
      for (const shipment of shipments) this.#parts.shipper.passed(shipment);
      if (this.#newest === token) this.#newest = undefined;
      if (this.#mark === token) this.#caughtUp();
    };
  }

  #caughtUp(): void {
    this.#hasCaughtUp = true;
    this.#mark = undefined;
    this.#onCaughtUp();
  }
}
