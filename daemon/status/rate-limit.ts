import type { Rate } from "../config/values/rate.ts";

/** More addresses than that are not remembered: who has not asked for the longest is forgotten first. */
const maxAddresses = 4096;

interface Bucket {
  /** What is left, at most the rate's count. */
  left: number;
  atMs: number;
}

/** How often each address may do something: a bucket that fills evenly, and is full at first. */
export class RateLimit {
  readonly #rate: Rate;
  readonly #now: () => number;
  /** The one that was used last is at the end. */
  readonly #buckets = new Map<string, Bucket>();

  /** @param now milliseconds of a monotonic clock */
  constructor(rate: Rate, now: () => number = () => performance.now()) {
    this.#rate = rate;
    this.#now = now;
  }

  /**
   * Takes one from an address's bucket.
   * @returns 0 if there was one, else in how many whole seconds there will be, at least 1
   */
  take(address: string): number {
    const wait = this.wait(address);
    const bucket = this.#buckets.get(address);
    if (wait === 0 && bucket !== undefined) bucket.left -= 1;
    return wait;
  }

  /** As `take`, without taking any. */
  wait(address: string): number {
    const { count, perMs } = this.#rate;
    const nowMs = this.#now();
    const former = this.#buckets.get(address) ?? { left: count, atMs: nowMs };
    const left = Math.min(count, former.left + ((nowMs - former.atMs) / perMs) * count);
    this.#buckets.delete(address);
    this.#buckets.set(address, { left, atMs: nowMs });
    if (this.#buckets.size > maxAddresses) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return left >= 1 ? 0 : Math.ceil((((1 - left) / count) * perMs) / 1000);
  }
}
