import { setTimeout as sleep } from "node:timers/promises";

const firstMs = 100;
const longestMs = 1000;

/**
 * How long to wait before the next attempt: 100 ms, doubling up to 1 s, each varied at random by a fifth, so that many
 * clients do not come back in step. Never gives up.
 */
export class Backoff {
  #baseMs = firstMs;

  /** The next delay is 100 ms again. */
  reset(): void {
    this.#baseMs = firstMs;
  }

  /** Milliseconds to wait now; the next answer is longer. */
  nextMs(): number {
    const base = this.#baseMs;
    this.#baseMs = Math.min(base * 2, longestMs);
    return base * (0.8 + 0.2 * Math.random());
  }

  /** Waits; rejects with an AbortError as soon as `signal` fires. */
  async wait(signal: AbortSignal): Promise<void> {
    await sleep(this.nextMs(), undefined, { signal });
  }
}
