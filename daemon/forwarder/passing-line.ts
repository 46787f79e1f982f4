import type { Verdict } from "../delivery/pipeline.ts";
import { type Shipment } from "../delivery/shipment.ts";
import { none } from "../pairing/pairing.ts";
import { firstOfEach, type StoredRecord } from "../delivery/sink-offsets.ts";
import type { Passing } from "../sources/tail/position/ledger.ts";

/** What of a shipment matters here. */
type Kept = Pick<Shipment, "stored">;

/** A line, or a run of them, and where its records stand in the sink, until the position has passed it. */
export class PassingLine implements Passing {
  /** Of the newest line in it; each line has a higher one than those before. */
  number: number;
  /** Of the one line; taken apart when it is done. */
  #shipments: readonly Kept[];
  #stored: readonly StoredRecord[] = none;
  readonly #passed: (number: number) => void;

  /** @param passed the same function for all lines */
  constructor(number: number, shipments: readonly Kept[], passed: (number: number) => void) {
    this.number = number;
    this.#shipments = shipments;
    this.#passed = passed;
  }

  passed(): void {
    for (const stored of this.#takeStored()) stored.pass();
    this.#passed(this.number);
  }

  join(later: PassingLine): void {
    this.number = later.number;
    this.#stored = firstOfEach([...this.#takeStored(), ...later.#takeStored()]);
  }

  #takeStored(): readonly StoredRecord[] {
    let stored = this.#stored;
    for (const shipment of this.#shipments) stored = [...stored, ...shipment.stored];
    this.#shipments = none;
    this.#stored = none;
    return stored;
  }
}

/** The shipments whose records a line of the log covers. */
export function shipmentsOf(verdict: Verdict): readonly Kept[] {
  if (verdict.kind === "salvaged") return verdict.shipments;
  return "shipment" in verdict && verdict.shipment !== undefined ? [verdict.shipment] : none;
}
