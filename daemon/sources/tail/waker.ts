import { watch, type FSWatcher } from "node:fs";

/** When to check again. Time is passed in, so that tests decide when it passes. */
export interface Waker {
  /**
   * Resolves when it is time to check again, or when the signal is aborted; never rejects.
   * @param isStill called each time before that: while it returns true there is nothing to check
   */
  wait(signal: AbortSignal, isStill?: () => boolean): Promise<void>;
}

/**
 * Checks again after a fixed time, in milliseconds. One timer lasts as long as nothing happens: a promise and a listener
 * for each look would cost as much as the look.
 */
export function every(periodMs: number): Waker {
  return {
    wait: (signal, isStill = () => false) =>
      new Promise((resolve) => void new Wait(periodMs, signal, isStill, resolve)),
  };
}

/** When a directory is watched, and how. */
export interface WatchedFile {
  readonly directory: string;
  /** Checks without a change until it is watched. A watch reports each write by itself, so a busy log is not watched. */
  readonly afterLooks: number;
  /** Milliseconds between checks while it is watched: not every file system reports changes. */
  readonly periodMs: number;
}

/**
 * As `every`, and while nothing happens a watch on a directory (inotify) reports changes in it at once, so that looks
 * may be rare. A directory that cannot be watched is checked as often as before.
 */
export function watching(periodMs: number, watched: WatchedFile): Waker {
  return {
    wait: (signal, isStill = () => false) =>
      new Promise((resolve) => void new Wait(periodMs, signal, isStill, resolve, watched)),
  };
}

/** One wait, from its first timer to its end. */
class Wait {
  readonly #periodMs: number;
  readonly #signal: AbortSignal;
  readonly #isStill: () => boolean;
  readonly #resolve: () => void;
  readonly #watched: WatchedFile | undefined;
  #timer: NodeJS.Timeout | undefined;
  #watcher: FSWatcher | undefined;
  #looks = 0;

  constructor(
    periodMs: number,
    signal: AbortSignal,
    isStill: () => boolean,
    resolve: () => void,
    watched?: WatchedFile,
  ) {
    this.#periodMs = periodMs;
    this.#signal = signal;
    this.#isStill = isStill;
    this.#resolve = resolve;
    this.#watched = watched;
    if (signal.aborted) {
      resolve();
      return;
    }
    signal.addEventListener("abort", this.#end);
    this.#lookEvery(periodMs);
  }

  readonly #end = (): void => {
    clearInterval(this.#timer);
    this.#unwatch();
    this.#signal.removeEventListener("abort", this.#end);
    this.#resolve();
  };

  readonly #look = (): void => {
    if (!this.#isStill()) {
      this.#end();
      return;
    }
    this.#looks += 1;
    if (this.#looks === this.#watched?.afterLooks) this.#watch(this.#watched);
  };

  #lookEvery(periodMs: number): void {
    clearInterval(this.#timer);
    this.#timer = setInterval(this.#look, periodMs);
  }

  /** Whether there was a watch. */
  #unwatch(): boolean {
    const watcher = this.#watcher;
    this.#watcher = undefined;
    watcher?.close();
    return watcher !== undefined;
  }

  #watch({ directory, periodMs }: WatchedFile): void {
    if (periodMs <= this.#periodMs) return;
    try {
      this.#watcher = watch(directory, this.#look);
    } catch {
      return; // It is gone, or the user's watches are used up: checks continue as before, and report what is wrong.
    }
    this.#watcher.on("error", () => {
      if (this.#unwatch()) this.#lookEvery(this.#periodMs);
    });
    this.#lookEvery(periodMs);
    this.#look(); // at what changed before the watch was there
  }
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
