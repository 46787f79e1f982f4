interface ThrottleOptions {
  /** How often something may be reported within one period. */
  readonly burst?: number;
  /** Length of a period in milliseconds. */
  readonly everyMs?: number;
}

/**
 * Reports something a limited number of times in a period, however often it happens: at once while the period has room, and what
 * found none together at its end. Whoever causes it must not fill a log.
 */
export class Throttle implements Disposable {
  readonly #burst: number;
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;
  /** How often something was reported in this period. */
  #said = 0;
  /** How often it happened since it was last reported. */
  #count = 0;
  #say: ((count: number) => void) | undefined;

  /** Without options: once a minute. */
  constructor({ burst = 1, everyMs = 60_000 }: ThrottleOptions = {}) {
    this.#burst = burst;
    this.#everyMs = everyMs;
  }

  /** @param say called now or at the end of the period, with how often it happened since it was last reported */
  report(say: (count: number) => void): void {
    this.#count += 1;
    this.#say = say;
    if (this.#said < this.#burst) this.#flush();
  }

  /** Reports what has not been reported yet. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#flush();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #flush(): void {
    const [count, say] = [this.#count, this.#say];
    this.#count = 0;
    this.#say = undefined;
    if (count === 0) return;
    this.#said += 1;
    this.#timer ??= setTimeout(() => this.#nextPeriod(), this.#everyMs).unref();
    say?.(count);
  }

  #nextPeriod(): void {
    this.#timer = undefined;
    this.#said = 0;
    this.#flush();
  }
}
