import type { Counts } from "./counters.ts";

interface Rates {
  readonly readPerSecond: number;
  readonly acknowledgedPerSecond: number;
}

/** Alerts a second between two looks. */
export class RateMeter {
  #read = 0;
  #acknowledged = 0;
  #atMs: number;

  constructor(nowMs: number) {
    this.#atMs = nowMs;
  }

  /** The rates since the last look, to one decimal; 0 if no time has passed. */
  since(counts: readonly Counts[], nowMs: number): Rates {
    let read = 0;
    let acknowledged = 0;
    for (const each of counts) {
      read += each.read;
      acknowledged += each.acknowledged;
    }
    const seconds = (nowMs - this.#atMs) / 1000;
    const rate = (now: number, then: number): number =>
      seconds > 0 ? Math.round(((now - then) / seconds) * 10) / 10 : 0;
    const rates = {
      readPerSecond: rate(read, this.#read),
      acknowledgedPerSecond: rate(acknowledged, this.#acknowledged),
    };
    this.#read = read;
    this.#acknowledged = acknowledged;
    this.#atMs = nowMs;
    return rates;
  }
}
