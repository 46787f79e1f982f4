import { untilNext } from "../clock.ts";

const everyMs = 1000;
/** How many of the last looks count. */
const kept = 60;

/**
 * By how much the event loop was late, looked at once a second, in the moment in which everything else that is due once a second
 * wakes the process too.
 */
export class LoopDelay {
  readonly #lateMs = new Float64Array(kept);
  #looks = 0;

  constructor() {
    this.#plan();
  }

  /** The longest delay of the last minute, in seconds. */
  get longestSeconds(): number {
    return this.#lateMs.reduce((longest, one) => Math.max(longest, one), 0) / 1000;
  }

  #plan(): void {
    const waitMs = untilNext(everyMs);
    const dueAt = performance.now() + waitMs;
    setTimeout(() => {
      this.#lateMs[this.#looks % kept] = Math.max(0, performance.now() - dueAt);
      this.#looks += 1;
      this.#plan();
    }, waitMs).unref();
  }
}
