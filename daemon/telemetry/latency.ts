/** How long the sink took, over the last few hundred answers. */
export interface LatencySummary {
  readonly answers: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const kept = 512;

/** Keeps the newest 512 latencies; a summary forgets none of them. */
export class LatencyMeter {
  readonly #ring = new Float64Array(kept);
  #count = 0;

  add(latencyMs: number): void {
    this.#ring[this.#count % kept] = latencyMs;
    this.#count += 1;
  }

  /** Undefined before the first answer. */
  summary(): LatencySummary | undefined {
    const size = Math.min(this.#count, kept);
    if (size === 0) return undefined;
    const sorted = this.#ring.slice(0, size).toSorted();
    const at = (share: number): number =>
      Math.round((sorted[Math.min(size - 1, Math.floor(size * share))] ?? 0) * 10) / 10;
    return { answers: this.#count, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
  }
}
