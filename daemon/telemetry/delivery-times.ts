import { PowerHistogram } from "./power-histogram.ts";

/** Said of an alert whose own time is not known. */
export const noTime = -(2 ** 31);
/** 8 ms to 70 minutes. */
const firstPower = 3;
const lastPower = 22;
const longestMs = 2 ** 31 - 1;

/** Sources whose alerts are of now; what is replayed has no such time. */
export const timedSources = ["socket", "tail"] as const;
type TimedSource = (typeof timedSources)[number];

/**
 * How long alerts took from their own timestamp to the acknowledgement of all their records, by the source whose copy was
 * shipped. Times are counted in milliseconds from the process's start, which keeps them small integers: one that lies
 * further back than 24 days counts as 24 days.
 */
export class DeliveryTimes {
  readonly #histograms = { socket: this.#made(), tail: this.#made() };
  readonly #originMs: number;
  readonly #now: () => number;
  #answeredAt = 0;

  /** @param now milliseconds since 1970 */
  constructor(now: () => number = Date.now) {
    this.#now = now;
    this.#originMs = Math.floor(now());
  }

  /** An alert's time as `delivered` takes it. @param timeMs milliseconds since 1970; NaN if it is not known */
  mark(timeMs: number): number {
    const relative = timeMs - this.#originMs;
    if (Number.isNaN(relative)) return noTime;
    return Math.max(noTime + 1, Math.min(Math.floor(relative), longestMs)) | 0;
  }

  /** The sink has answered: what is delivered before the next call of this was delivered now. */
  answered(): void {
    this.#answeredAt = this.#now() - this.#originMs;
  }

  /** @param mark what `mark` gave for it */
  delivered(source: string, mark: number): void {
    if (mark === noTime || (source !== "socket" && source !== "tail")) return;
    this.#histograms[source].add(Math.min(this.#answeredAt - mark, longestMs) | 0);
  }

  of(source: TimedSource): PowerHistogram {
    return this.#histograms[source];
  }

  #made(): PowerHistogram {
    return new PowerHistogram(firstPower, lastPower);
  }
}
