import type { OpenLine, Passing } from "./intake.ts";

/** A line that has no outcome yet, or whose outcome cannot be told yet because an older line has none. */
class Entry<Spot> implements OpenLine {
  readonly spot: Spot;
  done = false;
  /** Whether the intake's `deliver` has returned; before that whom to tell is not known. */
  handed = false;
  passing: Passing | undefined;
  readonly #release: () => void;

  /** @param release called when it has its outcome; the same function for all entries */
  constructor(spot: Spot, release: () => void) {
    this.spot = spot;
    this.#release = release;
  }

  settled(): void {
    this.done = true;
    this.#release();
  }
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
   * @param hand gives the line away, which may be settled at once, and returns whom to tell when the position has
   *             passed it
   */
  take(spot: Spot, hand: (line: OpenLine) => Passing | undefined): void {
    const entry = new Entry(spot, this.#release);
    this.#entries.push(entry);
    entry.passing = hand(entry);
    entry.handed = true;
    this.#release();
  }

  /** Notes a line that got its outcome before the last stop. */
  note(spot: Spot): void {
    if (this.size === 0) return;
    const entry = new Entry(spot, this.#release);
    entry.done = true;
    entry.handed = true;
    this.#entries.push(entry);
  }

  /** Lines with an outcome beyond `oldest`, in their order. */
  *doneBeyond(): Generator<Spot> {
    for (let at = this.#front; at < this.#entries.length; at++) {
      const entry = this.#entries[at];
      if (entry?.done === true) yield entry.spot;
    }
  }

  readonly #release = (): void => {
    for (let entry = this.#entries[this.#front]; entry?.done === true && entry.handed;) {
      this.#front++;
      // May settle further lines and come back here; the front has moved already.
      entry.passing?.passed();
      entry = this.#entries[this.#front];
    }
    if (this.#front >= packAt && this.#front * 2 >= this.#entries.length) {
      this.#entries = this.#entries.slice(this.#front);
      this.#front = 0;
    }
  };
}
