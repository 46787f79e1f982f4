/** Work towards an outcome: how much is open, and who waits for its end. */
export class OpenWork {
  #open = 0;
  #count = 0;
  #idle: (() => void)[] = [];
  /** Waits for what was begun up to a number and is open. */
  #awaited: { readonly number: number; open: number; readonly resolve: () => void }[] = [];

  get open(): number {
    return this.#open;
  }

  /** Pieces that `begin` has numbered so far. */
  get count(): number {
    return this.#count;
  }

  /** @returns the number of a piece that begins */
  begin(): number {
    this.#open += 1;
    this.#count += 1;
    return this.#count;
  }

  /** @returns the number of a piece that has none of its own: that of the last one */
  add(): number {
    this.#open += 1;
    return this.#count;
  }

  /** A piece has its outcome. @param number as `begin` or `add` gave it */
  closed(number: number): void {
    this.#open -= 1;
    for (const awaited of this.#awaited) {
      if (number <= awaited.number && --awaited.open === 0) awaited.resolve();
    }
    if (this.#awaited.length > 0) this.#awaited = this.#awaited.filter(({ open }) => open > 0);
    if (this.#open === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Resolves when everything that is open now has its outcome, whatever is begun meanwhile. */
  soFar(): Promise<void> {
    if (this.#open === 0) return Promise.resolve();
    return new Promise((resolve) => this.#awaited.push({ number: this.#count, open: this.#open, resolve }));
  }

  /** Resolves when nothing is open. */
  idle(): Promise<void> {
    if (this.#open === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }
}
