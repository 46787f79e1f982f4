interface Waiter {
  readonly belowBytes: number;
  readonly resolve: () => void;
}

/**
 * The bytes that may be between read and outcome. Everything that waits for Kafka is counted here, so memory has one
 * bound. Sources that can wait (the tail, replay) stop at a share of it, so that live alerts of the socket still find
 * room while a backlog is worked through.
 */
export class Budget {
  readonly limitBytes: number;
  #usedBytes = 0;
  #waiting: Waiter[] = [];

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Whether less than `share` (0 to 1) of the budget is taken. One more alert may then be added, whatever its size. */
  hasRoom(share = 1): boolean {
    return this.#usedBytes < this.limitBytes * share;
  }

  take(bytes: number): void {
    this.#usedBytes += bytes;
  }

  release(bytes: number): void {
    this.#usedBytes -= bytes;
    if (this.#waiting.length === 0) return;
    const still: Waiter[] = [];
    for (const waiter of this.#waiting) {
      if (this.#usedBytes < waiter.belowBytes) waiter.resolve();
      else still.push(waiter);
    }
    this.#waiting = still;
  }

  /** Undefined when there is room now; else a promise that resolves when there is. */
  room(share = 1): Promise<void> | undefined {
    if (this.hasRoom(share)) return undefined;
    // Woken well below the mark, so that a source reads in strides and not one alert at a time.
    const belowBytes = this.limitBytes * share * 0.75;
    return new Promise((resolve) => this.#waiting.push({ belowBytes, resolve }));
  }
}
