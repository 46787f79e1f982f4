import type { Environment } from "./environment.ts";

/** What a fault needs of the machine. */
export type Need = "root" | "firewall" | "clock" | "names";

/** How far a promise reaches under a fault, where it is not whole. */
export interface Allowances {
  /** Records that may be sent twice. */
  readonly copies?: boolean;
  /** Recovery is measured and not judged, with the reason. */
  readonly slowRecovery?: string;
}

/**
 * What came came too late: a bound on time, which a machine that others use as well may miss once. Everything else that a
 * fault throws is a promise broken.
 */
export class TooSlow extends Error {}

/** How long is waited for what must come; only then it is missing. What is promised is held against how long it took. */
export const missingAfterMs = 120_000;

/** @throws TooSlow when something took longer than it may */
export function inTime(what: string, tookMs: number, withinMs: number): number {
  if (tookMs > withinMs) throw new TooSlow(`${what} took ${Math.round(tookMs)} ms, and may take ${withinMs}`);
  return tookMs;
}

/** One way in which something breaks, as it is when it is over: `run` breaks it, lets time pass, and mends it. */
export interface Fault extends Allowances {
  readonly name: string;
  /** One sentence for the report. */
  readonly what: string;
  readonly needs?: readonly Need[];
  /** Not in mixtures: it takes too long there, or spoils what others need. */
  readonly isAlone?: boolean;
  /** Takes minutes: by its name only. */
  readonly isLong?: boolean;
  /** Ends when the fault does; recovery counts from there. @throws Error when something else than was to be seen, TooSlow when it came late */
  run(environment: Environment): Promise<void>;
}
