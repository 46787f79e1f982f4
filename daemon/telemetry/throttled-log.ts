const minuteMs = 60_000;

/**
 * Says something at most once a minute, however often it happens: the first time at once, then once more at the end of
 * each minute in which it happened again. Who causes it must not fill the log.
 */
export class ThrottledLog implements Disposable {
  #timer: NodeJS.Timeout | undefined;
  #count = 0;
  #say: ((count: number) => void) | undefined;

  /** @param say called now or at the end of the minute, with how often it happened since it was last called */
  report(say: (count: number) => void): void {
    this.#count += 1;
    this.#say = say;
    if (this.#timer === undefined) this.#flush();
  }

  /** Says what has not been said yet. */
  [Symbol.dispose](): void {
    this.#flush();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #flush(): void {
    const [count, say] = [this.#count, this.#say];
    this.#count = 0;
    this.#say = undefined;
    this.#timer = undefined;
    if (count === 0) return;
    say?.(count);
    this.#timer = setTimeout(() => this.#flush(), minuteMs).unref();
  }
}
