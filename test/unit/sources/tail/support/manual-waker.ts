import type { Waker } from "../../../../../daemon/sources/tail/waker.ts";

/** A waker that wakes when the test says so; the test can wait until the sleeper sleeps again. */
export class ManualWaker implements Waker {
  #wake: (() => void) | undefined;
  #isStill = (): boolean => false;
  #arrivals: (() => void)[] = [];
  #isOver = false;

  wait(signal: AbortSignal, isStill: () => boolean = () => false): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    this.#isStill = isStill;
    return new Promise((resolve) => {
      const wake = (): void => {
        signal.removeEventListener("abort", wake);
        this.#wake = undefined;
        resolve();
      };
      signal.addEventListener("abort", wake);
      this.#wake = wake;
      for (const arrived of this.#arrivals.splice(0)) arrived();
    });
  }

  /** Resolves when the sleeper waits, or is gone. */
  async asleep(): Promise<void> {
    if (this.isAsleep) return;
    await new Promise<void>((resolve) => this.#arrivals.push(resolve));
  }

  get isAsleep(): boolean {
    return this.#wake !== undefined || this.#isOver;
  }

  /** @returns whether the sleeper was woken; not if there is nothing to look at */
  wake(): boolean {
    if (this.#isStill()) return false;
    this.#wake?.();
    return true;
  }

  /** One more turn: wakes the sleeper and waits until it sleeps again. */
  async turn(): Promise<void> {
    await this.asleep();
    this.wake();
    await this.asleep();
  }

  /** The sleeper will not come back: nobody waits for it any more. */
  over(): void {
    this.#isOver = true;
    for (const arrived of this.#arrivals.splice(0)) arrived();
  }
}
