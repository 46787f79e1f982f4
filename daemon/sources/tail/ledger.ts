/** A line that has no outcome yet, or whose outcome cannot be told yet because an older line has none. */
interface Entry<Spot> {
  readonly spot: Spot;
  done: boolean;
  /** Whether the intake's `deliver` has returned; before that its `passed` is not known. */
  handed: boolean;
  passed: (() => void) | undefined;
}

/** The list is packed when so many entries at its front are released, and they are at least half of it. */
const packAt = 1024;

/**
 * Which lines have their outcome. The position of the tail moves over a contiguous prefix of done lines only:
 *
 *     lines taken         100   250   400   610        reading at 900
 *     done                 -     x     x     -         position 100, done beyond it: 250, 400
 *     100 gets done        x     x     x     -         100, 250, 400 are released; position 610
 *     610 gets done                          x         nothing open: the position is where the tail reads, 900
 *
 * Irrelevant lines need no entry. Each operation takes constant time, averaged over many.
 */
export class Ledger<Spot> {
  #entries: Entry<Spot>[] = [];
  #front = 0;

  /** Where the oldest line without an outcome stands; undefined when every line has one. */
  get oldest(): Spot | undefined {
    return this.#entries[this.#front]?.spot;
  }

  /** Lines held: those without outcome, and those done behind one of them. */
  get size(): number {
    return this.#entries.length - this.#front;
  }

  /**
   * Opens an entry for a line and hands the line over.
   * @param hand gives the line away with the function that settles it (which may be called at once), and returns what
   *             to call when the position has passed it
   */
  take(spot: Spot, hand: (settled: () => void) => (() => void) | undefined): void {
    const entry: Entry<Spot> = { spot, done: false, handed: false, passed: undefined };
    this.#entries.push(entry);
    entry.passed = hand(() => {
      entry.done = true;
      this.#release();
    });
    entry.handed = true;
    this.#release();
  }

  /** Notes a line that got its outcome before the last stop. */
  note(spot: Spot): void {
    if (this.size > 0) this.#entries.push({ spot, done: true, handed: true, passed: undefined });
  }

  /** Lines with an outcome beyond `oldest`, in their order. */
  *doneBeyond(): Generator<Spot> {
    for (let at = this.#front; at < this.#entries.length; at++) {
      const entry = this.#entries[at];
      if (entry?.done === true) yield entry.spot;
    }
  }

  #release(): void {
    for (let entry = this.#entries[this.#front]; entry?.done === true && entry.handed;) {
      this.#front++;
      // May settle further lines and come back here; the front has moved already.
      entry.passed?.();
      entry = this.#entries[this.#front];
    }
    if (this.#front >= packAt && this.#front * 2 >= this.#entries.length) {
      this.#entries = this.#entries.slice(this.#front);
      this.#front = 0;
    }
  }
}
