/** When to look again. Time is handed in, so that tests decide when it passes. */
export interface Waker {
  /**
   * Resolves when it is time to look again, or when the signal is aborted; never rejects.
   * @param isStill asked each time before that: while it says yes there is nothing to look at
   */
  wait(signal: AbortSignal, isStill?: () => boolean): Promise<void>;
}

/**
 * Looks again after a fixed time, in milliseconds. One timer lasts as long as nothing happens: a promise and a listener
 * for each look would cost as much as the look.
 */
export function every(periodMs: number): Waker {
  return {
    wait(signal, isStill = () => false) {
      return new Promise((resolve) => {
        if (signal.aborted) {
          resolve();
          return;
        }
        const over = (): void => {
          clearInterval(timer);
          signal.removeEventListener("abort", over);
          resolve();
        };
        const timer = setInterval(() => {
          if (!isStill()) over();
        }, periodMs);
        signal.addEventListener("abort", over);
      });
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
