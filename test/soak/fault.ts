import type { Environment } from "./environment.ts";

/** What a fault requires of the machine. */
export type Need = "root" | "firewall" | "clock" | "names";

/** How a promise is limited under a fault. */
export interface Allowances {
  /** Records that may be sent twice. */
  readonly copies?: boolean;
  /** Recovery is measured and not judged, with the reason. */
  readonly slowRecovery?: string;
}

/**
 * Something came too late: it missed a limit on time, which a machine that others use as well may miss once. Everything
 * else that a fault throws is a broken promise.
 */
export class TooSlow extends Error {}

/**
 * How long to wait for what must come; only then it counts as missing. The time it took is compared with the promise.
 */
export const missingAfterMs = 120_000;

/** @throws TooSlow when something took longer than it may */
export function inTime(what: string, tookMs: number, withinMs: number): number {
  if (tookMs > withinMs) throw new TooSlow(`${what} took ${Math.round(tookMs)} ms, and may take ${withinMs}`);
  return tookMs;
}

/** One way in which something breaks, and is repaired again: `run` breaks it, lets time pass, and fixes it. */
export interface Fault extends Allowances {
  readonly name: string;
  /** One sentence for the report. */
  readonly what: string;
  readonly needs?: readonly Need[];
  /** Not in mixtures: it takes too long there, or spoils what others need. */
  readonly isAlone?: boolean;
  /** The forwarder's process is not ended: what such faults leave in it piles up. */
  readonly keepsProcess?: boolean;
  /** Takes minutes: only run by name. */
  readonly isLong?: boolean;
  /**
   * Ends when the fault does; recovery counts from there. @throws Error if something unexpected happened, TooSlow if
   * what was expected came late
   */
  run(environment: Environment): Promise<void>;
}
