/**
 * Counts durations in buckets whose upper bounds are powers of two in milliseconds. One addition to a bucket and one to the
 * sum each time; nothing is allocated.
 */
export class PowerHistogram {
  readonly #firstPower: number;
  /** The last one is for what is longer than all bounds. */
  readonly #counts: Float64Array;
  readonly #sumMs = new Float64Array(1);

  /** @param firstPower, lastPower the first bound is `2 ** firstPower` ms, the last one `2 ** lastPower` ms; 0 to 30 */
  constructor(firstPower: number, lastPower: number) {
    this.#firstPower = firstPower;
    this.#counts = new Float64Array(lastPower - firstPower + 2);
  }

  /** @param durationMs a whole number below 2^31; taken for 0 if negative */
  add(durationMs: number): void {
    const ms = Math.max(0, durationMs);
    const power = ms <= 1 ? 0 : 32 - Math.clz32(ms - 1);
    const bucket = Math.max(0, Math.min(power - this.#firstPower, this.#counts.length - 1));
    this.#counts[bucket]! += 1;
    this.#sumMs[0]! += ms;
  }

  /** Sum of all durations, in seconds. */
  get sumSeconds(): number {
    return this.#sumMs[0]! / 1000;
  }

  /** Upper bound in seconds, and how many durations are not above it; the last bound is infinite. */
  get buckets(): readonly (readonly [boundSeconds: number, count: number])[] {
    let count = 0;
    return [...this.#counts].map((some, index) => {
      count += some;
      const isLast = index === this.#counts.length - 1;
      return [isLast ? Infinity : 2 ** (this.#firstPower + index) / 1000, count] as const;
    });
  }
}
