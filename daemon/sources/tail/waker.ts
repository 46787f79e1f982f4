import { watch, type FSWatcher } from "node:fs";
import { basename, dirname } from "node:path";
import { untilNext } from "../../clock.ts";

/** When to check again. Time is passed in, so that tests decide when it passes. */
export interface Waker {
  /**
   * Resolves when it is time to check again, or when the signal is aborted; never rejects.
   * @param isStill called each time before that: while it returns true there is nothing to check
   * @param hasGrown whether something was read since the last wait
   */
  wait(signal: AbortSignal, isStill?: () => boolean, hasGrown?: boolean): Promise<void>;
}

/** Checks again about once a period, in milliseconds: together with what else is due then, see `untilNext`. */
export function every(periodMs: number): Waker {
  return {
    wait: (signal, isStill = () => false) =>
      new Promise((resolve) => {
        const end = (): void => {
          signal.removeEventListener("abort", end);
          wait.end();
        };
        const wait = new Wait(resolve);
        signal.addEventListener("abort", end);
        const look = (): void => {
          if (isStill()) wait.lookAfter(untilNext(periodMs), look);
          else end();
        };
        if (signal.aborted) end();
        else wait.lookAfter(untilNext(periodMs), look);
      }),
  };
}

/** When a file is watched, and how. */
export interface WatchedFile {
  /** It need not be there. Its directory is watched. */
  readonly path: string;
  /** While changes follow each other more closely than this, in milliseconds, there is no watch. */
  readonly closeMs: number;
  /** Milliseconds between checks while it is watched: not every file system reports changes. */
  readonly watchedMs: number;
  /** Checks without a change until a file is watched again whose changes were not reported. */
  readonly afterLooks: number;
}

/**
 * A file that did not change is watched (inotify), and a change is checked at once. When the next one follows within
 * `closeMs` the watch ends, because it would report each write by itself, and the file is checked every period until
 * a check finds it unchanged.
 *
 * Where changes are not reported, because the file is on another machine or there are no watches left, this is as
 * `every`, and a file that stays unchanged for long is checked every `watchedMs`.
 */
export function watching(periodMs: number, file: WatchedFile): Waker {
  return new WatchingWaker(periodMs, file);
}

/** A change that a look meets may be reported in the same moment; two in a row were not reported. */
const mostUnreported = 2;

class WatchingWaker implements Waker {
  readonly #periodMs: number;
  readonly #file: WatchedFile;
  #watch: Watch | undefined;
  #wait: Wait | undefined;
  /** Ends wait and watch. One listener for all waits. */
  #signal: AbortSignal | undefined;
  /** Whether the last wait ended without a report, while the file was watched. */
  #isUnreported = false;
  /** Changes in a row that were not reported; as many as count when the file cannot be watched. */
  #unreported = 0;
  /** When a report last ended a wait. */
  #followedAt = Number.NEGATIVE_INFINITY;

  constructor(periodMs: number, file: WatchedFile) {
    this.#periodMs = periodMs;
    this.#file = file;
  }

  wait(signal: AbortSignal, isStill = (): boolean => false, hasGrown = false): Promise<void> {
    if (this.#isUnreported && hasGrown) this.#unreported += 1;
    this.#isUnreported = false;
    this.#listen(signal);
    return new Promise((resolve) => {
      if (signal.aborted) {
        resolve();
        return;
      }
      this.#wait = new Wait(resolve);
      // What keeps the file from being read to its end need not change the file: it is looked for, not waited for.
      const isHeldUp = this.#watch !== undefined && !hasGrown && !isStill();
      if (this.#isDeaf || isHeldUp) this.#unwatch();
      if (this.#watch === undefined) this.#poll(this.#wait, isStill);
      else this.#sleep(this.#wait, this.#watch, isStill);
    });
  }

  get #isDeaf(): boolean {
    return this.#unreported >= mostUnreported;
  }

  #listen(signal: AbortSignal): void {
    if (this.#signal === signal) return;
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#signal = signal;
    signal.addEventListener("abort", this.#abort);
  }

  readonly #abort = (): void => {
    this.#unwatch();
    this.#wait?.end();
  };

  #poll(wait: Wait, isStill: () => boolean): void {
    const afterLooks = this.#isDeaf ? this.#file.afterLooks : 1;
    let looks = 0;
    wait.lookEvery(this.#periodMs, () => {
      if (!isStill()) return wait.end();
      looks += 1;
      if (looks !== afterLooks) return;
      this.#begin();
      if (this.#watch === undefined) return wait.lookEvery(this.#periodMs, () => void (isStill() || wait.end()));
      wait.stopLooking();
      this.#sleep(wait, this.#watch, isStill);
      if (!isStill()) wait.end(); // What changed before the watch was there.
    });
  }

  /** Until a change is reported. */
  #sleep(wait: Wait, watched: Watch, isStill: () => boolean): void {
    watched.listen({
      isOver: () => wait.isOver,
      changed: () => this.#follow(wait),
      unchanged: () => {
        if (isStill()) return;
        this.#isUnreported = true;
        wait.end();
      },
      failed: () => {
        this.#unreported = mostUnreported;
        wait.end();
      },
    });
  }

  #follow(wait: Wait): void {
    this.#unreported = 0;
    const now = performance.now();
    const sinceMs = now - this.#followedAt;
    if (sinceMs >= this.#file.closeMs) {
      this.#followedAt = now;
      wait.end();
      return;
    }
    this.#unwatch();
    wait.lookEvery(Math.max(0, this.#periodMs - sinceMs), () => wait.end());
  }

  /** Does nothing if it cannot be watched. */
  #begin(): void {
    const { path, watchedMs } = this.#file;
    if (watchedMs <= this.#periodMs) return;
    try {
      this.#watch = new Watch(path, watchedMs);
    } catch {
      // It is gone, or the user's watches are used up: checks continue, and report what is wrong.
      this.#unreported = mostUnreported;
    }
  }

  #unwatch(): void {
    this.#watch?.close();
    this.#watch = undefined;
  }
}

interface WatchListener {
  /** Whether it wants to know no more; what is reported then is kept for the next one. */
  isOver(): boolean;
  changed(): void;
  /** Called each period in which nothing was reported. */
  unchanged(): void;
  /** The watch reports nothing any more. */
  failed(): void;
}

/** Changes of one file in a directory, as the system reports them: several of one moment together. */
class Watch {
  readonly #watcher: FSWatcher;
  #timer: NodeJS.Timeout;
  #isReported = false;
  #hasFailed = false;
  #immediate: NodeJS.Immediate | undefined;
  #listener: WatchListener | undefined;

  /** @throws what the system says when the directory cannot be watched */
  constructor(path: string, periodMs: number) {
    const directory = dirname(path);
    // What happens to the directory itself is reported under its own name.
    const names: readonly (string | null)[] = [basename(path), basename(directory), null];
    this.#watcher = watch(directory, (_event, name) => {
      if (!names.includes(name)) return;
      this.#isReported = true;
      this.#announce();
    });
    this.#watcher.on("error", () => {
      this.#hasFailed = true;
      this.#announce();
    });
    const look = (): void => {
      this.#timer = setTimeout(look, untilNext(periodMs));
      this.#announce();
    };
    this.#timer = setTimeout(look, untilNext(periodMs));
  }

  listen(listener: WatchListener): void {
    this.#listener = listener;
    if (this.#isReported || this.#hasFailed) this.#announce();
  }

  close(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#watcher.close();
  }

  /** When all that the system has to report by now is reported. */
  #announce(): void {
    this.#immediate ??= setImmediate(() => {
      this.#immediate = undefined;
      const listener = this.#listener;
      if (listener === undefined || listener.isOver()) return;
      if (this.#hasFailed) return listener.failed();
      const isReported = this.#isReported;
      this.#isReported = false;
      if (isReported) listener.changed();
      else listener.unchanged();
    });
  }
}

/** One wait, from its first timer to its end. */
class Wait {
  isOver = false;
  readonly #resolve: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(resolve: () => void) {
    this.#resolve = resolve;
  }

  /** Safe twice. */
  end(): void {
    this.isOver = true;
    clearInterval(this.#timer);
    this.#resolve();
  }

  /** As `lookEvery`, and once. */
  lookAfter(delayMs: number, look: () => void): void {
    clearTimeout(this.#timer);
    if (!this.isOver) this.#timer = setTimeout(look, delayMs);
  }

  /** In place of the timer before. Does nothing when it is over. */
  lookEvery(periodMs: number, look: () => void): void {
    clearInterval(this.#timer);
    if (!this.isOver) this.#timer = setInterval(look, periodMs);
  }

  stopLooking(): void {
    clearInterval(this.#timer);
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
