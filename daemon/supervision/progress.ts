import { sinkDefinition } from "../sink-kinds/registry.ts";
import type { Facts } from "../status/facts.ts";

/** Longer than Kafka takes to choose a leader, or a slow disk to answer. */
const stuckMs = 60_000;

/**
 * Decides whether the forwarder makes progress, for the watchdog: not whether it runs. It is stuck when alerts wait
 * and none gets an outcome although nothing is known to be wrong with the sink, or when the tail makes no step although
 * nothing holds it up. While Kafka is away it is not stuck: a restart would bring nothing.
 */
export class ProgressWatch {
  #deliveredAtMs: number;
  #settled = -1;
  #readAtMs: number;
  #steps = -1;

  /** @param nowMs milliseconds of a clock that only goes forward */
  constructor(nowMs: number) {
    this.#deliveredAtMs = nowMs;
    this.#readAtMs = nowMs;
  }

  /** @param steps of the tail's loop so far; undefined if there is no tail */
  look(facts: Facts, steps: number | undefined, nowMs: number): { readonly isStuck: boolean; readonly what: string } {
    const { settled, read } = totals(facts);
    if (facts.queue.alerts === 0 || settled !== this.#settled || isInTrouble(facts)) this.#deliveredAtMs = nowMs;
    this.#settled = settled;
    // With alerts under way the tail may wait for room: then their outcomes are what counts.
    const moved = (steps ?? 0) + read;
    if (steps === undefined || facts.queue.alerts > 0 || moved !== this.#steps) this.#readAtMs = nowMs;
    this.#steps = moved;
    if (!facts.isReady) this.#deliveredAtMs = this.#readAtMs = nowMs; // Starting and stopping have bounds of their own.
    if (nowMs - this.#deliveredAtMs >= stuckMs) {
      return { isStuck: true, what: `${facts.queue.alerts} alerts wait, and none gets an outcome` };
    }
    if (nowMs - this.#readAtMs >= stuckMs) return { isStuck: true, what: "the tail of the log makes no progress" };
    return { isStuck: false, what: "" };
  }
}

function totals({ sources }: Facts): { readonly settled: number; readonly read: number } {
  let settled = 0;
  let read = 0;
  for (const counts of Object.values(sources)) {
    settled += counts.acknowledged + counts.deadLettered + counts.paired;
    read += counts.read;
  }
  return { settled, read };
}

function isInTrouble({ sink }: Facts): boolean {
  return sinkDefinition(sink).isHeldUp(sink);
}
