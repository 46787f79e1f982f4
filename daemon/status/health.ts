import { healthReasons } from "./health-reasons.ts";
import type { Facts, Health, Reason } from "./facts.ts";

/**
 * Judges by progress: alerts that wait while none gets an outcome are a fault, whatever its cause. A condition counts
 * once it has lasted for the time that its kind requires, so a rotation or a change of leader is not reported.
 *
 * Has to check every half second to know how long something lasts.
 */
export class HealthWatch {
  /** Per subject: since when, on the monotonic clock and in milliseconds since 1970. */
  #since = new Map<string, { readonly atMs: number; readonly wallMs: number }>();
  #settled = 0;
  #progressAtMs: number;

  /** @param nowMs milliseconds of a monotonic clock */
  constructor(nowMs: number) {
    this.#progressAtMs = nowMs;
  }

  look(facts: Facts, nowMs: number, wallMs: number): Health {
    const settled = settledOf(facts);
    if (facts.queue.alerts === 0 || settled !== this.#settled) this.#progressAtMs = nowMs;
    this.#settled = settled;
    const seen = new Map<string, { atMs: number; wallMs: number }>();
    const reasons: Reason[] = [];
    for (const { code, subject, text, remedy, patienceMs, since: known } of healthReasons(
      facts,
      nowMs - this.#progressAtMs,
    )) {
      const since = this.#since.get(subject) ?? { atMs: nowMs, wallMs };
      seen.set(subject, since);
      if (nowMs - since.atMs < patienceMs) continue;
      reasons.push({ code, subject, text, remedy, since: known ?? new Date(since.wallMs).toISOString() });
    }
    this.#since = seen;
    return { state: reasons.length === 0 ? "ok" : "degraded", reasons };
  }
}

/** A socket copy that is left to the tail counts as paired, which is not progress. */
function settledOf({ sources }: Facts): number {
  return Object.values(sources).reduce((sum, { acknowledged, deadLettered }) => sum + acknowledged + deadLettered, 0);
}
