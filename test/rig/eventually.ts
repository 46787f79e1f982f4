import { setTimeout as delay } from "node:timers/promises";

const pollMs = 25;

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
  const deadline = performance.now() + withinMs;
  for (;;) {
    let cause: unknown;
    try {
      const found = await condition();
      if (found !== false && found !== undefined) return found;
    } catch (reason) {
      cause = reason;
    }
    if (performance.now() > deadline) throw new Error(`did not come within ${withinMs} ms: ${what}`, { cause });
    await delay(pollMs);
  }
}
