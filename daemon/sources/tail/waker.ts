import { setTimeout as delay } from "node:timers/promises";

/** When to look again. Time is handed in, so that tests decide when it passes. */
export interface Waker {
  /** Resolves when it is time to look again, or when the signal is aborted; never rejects. */
  wait(signal: AbortSignal): Promise<void>;
}

/** Looks again after a fixed time, in milliseconds. */
export function every(periodMs: number): Waker {
  return {
    async wait(signal) {
      try {
        await delay(periodMs, undefined, { signal });
      } catch (reason) {
        if (!signal.aborted) throw reason;
      }
    },
  };
}

/** Waits for a promise, but not past the abort. Leaves no listener behind, however long the signal lives. */
export async function unlessAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const raced = new AbortController();
  try {
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve(), { once: true, signal: raced.signal });
    });
    await Promise.race([promise, aborted]);
  } finally {
    raced.abort();
  }
}
