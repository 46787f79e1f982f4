/**
 * The books. Per source and at every moment: read = ignored + paired + inFlight + acknowledged + deadLettered.
 * Each event changes both sides in one call, so no look in between can find them apart.
 */
export type CountedOutcome = "acknowledged" | "ignored" | "dead-letter" | "paired";

export interface Counts {
  /** Alerts (or lines that are not alerts) read from the source since the process started. */
  readonly read: number;
  /** Of no interest to any handler, or raised by the forwarder itself. */
  readonly ignored: number;
  /** A copy from another source covers it. */
  readonly paired: number;
  /** Relevant, and without an outcome so far. */
  readonly inFlight: number;
  readonly acknowledged: number;
  readonly deadLettered: number;
}

export class SourceCounters implements Counts {
  read = 0;
  ignored = 0;
  paired = 0;
  inFlight = 0;
  acknowledged = 0;
  deadLettered = 0;
  /** Alerts in flight that no one works on: they are read again, and then not counted again. */
  carriedOver = 0;
  /** Alerts that count as ignored and are read again. */
  #ignoredAgain = 0;

  /** n alerts that no handler wants, recognised without being parsed. */
  passedBy(alerts: number): void {
    const again = Math.min(alerts, this.#ignoredAgain);
    this.#ignoredAgain -= again;
    // With other handlers than before, what was wanted may be ignored now.
    const turned = Math.min(alerts - again, this.carriedOver);
    this.carriedOver -= turned;
    this.inFlight -= turned;
    this.ignored += alerts - again;
    this.read += alerts - again - turned;
  }

  /** An alert was accepted; `settled` follows, once. */
  taken(): void {
    if (this.carriedOver > 0) {
      this.carriedOver -= 1;
      return;
    }
    this.inFlight += 1;
    if (this.#ignoredAgain === 0) this.read += 1;
    else {
      // The other way round.
      this.#ignoredAgain -= 1;
      this.ignored -= 1;
    }
  }

  settled(outcome: CountedOutcome): void {
    this.inFlight -= 1;
    switch (outcome) {
      case "acknowledged":
        this.acknowledged += 1;
        break;
      case "ignored":
        this.ignored += 1;
        break;
      case "dead-letter":
        this.deadLettered += 1;
        break;
      case "paired":
        this.paired += 1;
        break;
    }
  }

  /**
   * Everything in flight was dropped without an outcome, and is read again later by this process.
   * @param ignored how many of the alerts between were ignored, and are read again with them
   */
  carryOver(ignored: number): void {
    this.carriedOver = this.inFlight;
    // What an earlier reload left is still to be read again if this one came before that was done.
    this.#ignoredAgain += ignored;
  }

  /** All that was to be read again has been; what has not come is gone from the source, and does not count as read. */
  readToEnd(): void {
    this.#ignoredAgain = 0;
    if (this.carriedOver > 0) this.#letGo(this.carriedOver);
  }

  /** Everything in flight was dropped without an outcome, and only its sender can send it again. */
  letGo(): void {
    this.#letGo(this.inFlight);
  }

  #letGo(alerts: number): void {
    this.read -= alerts;
    this.inFlight -= alerts;
    this.carriedOver = 0;
  }

  snapshot(): Counts {
    const { read, ignored, paired, inFlight, acknowledged, deadLettered } = this;
    return { read, ignored, paired, inFlight, acknowledged, deadLettered };
  }
}
