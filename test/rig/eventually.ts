import { setTimeout as delay } from "node:timers/promises";

/** Between two looks: short at first, then a twentieth of the time that was waited, for the processor's sake. */
const shortestPauseMs = 25;
const longestPauseMs = 100;
/** A look that itself takes long, such as the start of a program, is followed by as long a pause, up to this one. */
const longestLookMs = 250;

type Found<T> = T | false | undefined;

/**
 * Waits for a condition, and nothing else in the tests waits: polls until `condition` returns something other than
 * false or undefined, and returns that.
 * @param withinMs deadline; generous, because it only costs time when the condition never comes: by default many times
 * what a busy machine needs
 * @throws Error that says `what` did not come, with what the condition last threw
 */
export async function eventually<T>(
  what: string,
  condition: () => Found<T> | Promise<Found<T>>,
  { withinMs = 120_000 }: { withinMs?: number } = {},
): Promise<T> {
  const started = performance.now();
  for (;;) {
    const looked = performance.now();
    let cause: unknown;
    try {
      const found = await condition();
      if (found !== false && found !== undefined) return found;
    } catch (reason) {
      cause = reason;
    }
    const now = performance.now();
    if (now > started + withinMs) throw new Error(`did not come within ${withinMs} ms: ${what}`, { cause });
    const patience = Math.min(longestPauseMs, (now - started) / 20);
    await delay(Math.max(shortestPauseMs, patience, Math.min(longestLookMs, now - looked)));
  }
}
