interface Waiter {
  readonly share: number;
  readonly resolve: () => void;
}

/** A source that waits is woken well below its mark, so that it reads in strides and not one alert at a time. */
const wokenBelow = 0.75;

/**
 * The bytes that may be between read and outcome. Everything that waits for Kafka is counted here, so memory has one
 * bound. Sources that can wait (the tail, replay) stop at a share of it, so that live alerts of the socket still find
 * room while a backlog is worked through.
 *
 * What waits for the disk of the dead letters is set aside: it is part of the whole, and of no share. A full disk must
 * not stop the tail as long as there is memory for both.
 */
export class Budget {
  readonly limitBytes: number;
  #usedBytes = 0;
  #asideBytes = 0;
  #waiting: Waiter[] = [];

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Whether less than `share` (0 to 1) of the budget is taken. One more alert may then be added, whatever its size. */
  hasRoom(share = 1): boolean {
    return this.#usedBytes < this.limitBytes && this.#usedBytes - this.#asideBytes < this.limitBytes * share;
  }

  take(bytes: number): void {
    this.#usedBytes += bytes;
  }

  release(bytes: number): void {
    this.#usedBytes -= bytes;
    this.#wake();
  }

  /** From now on this many of the taken bytes wait for the disk, until they are brought back. */
  setAside(bytes: number): void {
    this.#asideBytes += bytes;
    this.#wake();
  }

  bringBack(bytes: number): void {
    this.#asideBytes -= bytes;
  }

  /** Undefined when there is room now; else a promise that resolves when there is. */
  room(share = 1): Promise<void> | undefined {
    if (this.hasRoom(share)) return undefined;
    return new Promise((resolve) => this.#waiting.push({ share, resolve }));
  }

  #wake(): void {
    if (this.#waiting.length === 0) return;
    const still: Waiter[] = [];
    for (const waiter of this.#waiting) {
      if (this.hasRoom(waiter.share * wokenBelow)) waiter.resolve();
      else still.push(waiter);
    }
    this.#waiting = still;
  }
}
