import { Throttle } from "./throttle.ts";

interface FloodOptions {
  /** Lines of one code in a period. */
  readonly burst?: number;
  /** Length of a period in milliseconds. */
  readonly everyMs?: number;
}

/**
 * Keeps a log from being filled by one kind of line, whoever causes it: of a code that comes more than a hundred times in a
 * minute the rest is one line at the end of that minute. Codes are a fixed list, so what is kept here has a bound.
 */
export class FloodGuard {
  readonly #burst: number;
  readonly #everyMs: number;
  readonly #throttles = new Map<string, Throttle>();

  constructor({ burst = 100, everyMs = 60_000 }: FloodOptions = {}) {
    this.#burst = burst;
    this.#everyMs = everyMs;
  }

  /** @param log called now or at the end of the period, with how many lines it is for; of those held back only the last */
  take(code: string, log: (lines: number) => void): void {
    let throttle = this.#throttles.get(code);
    if (throttle === undefined) {
      throttle = new Throttle({ burst: this.#burst, everyMs: this.#everyMs });
      this.#throttles.set(code, throttle);
    }
    throttle.report(log);
  }

  /** Logs what is held back. */
  flush(): void {
    for (const throttle of this.#throttles.values()) throttle[Symbol.dispose]();
  }
}
