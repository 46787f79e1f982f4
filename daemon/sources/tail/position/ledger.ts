/** A line that the intake was given, and that has no outcome yet. */
export interface OpenLine {
  /** The line has its outcome (acknowledged, ignored, or durably dead-lettered). To be called once. */
  settled(): void;
}

/** Wants to know when the position has passed a line for good. */
export interface Passing {
  passed(): void;
  /**
   * This line and a later one are done, while an older one is not: from now on this one is notified for both, and the later
   * one never. However many are joined, what is kept of them must not grow.
   */
  join(later: this): void;
}

/** A line that has no outcome yet, and what is done between it and the next such line. */
class Entry<Where> implements OpenLine {
  readonly position: Where;
  isDone = false;
  /** Whether the intake's `deliver` has returned; before that it is not known what to call. */
  isHanded = false;
  /** Notified when the position has passed this line. */
  passing: Passing | undefined;
  /** Notified when the position has passed the done lines behind this one: one for all of them. */
  behind: Passing | undefined;
  /** Lines behind this one, up to the next open one: of no interest, and done. */
  ignoredBehind = 0;
  doneBehind = 0;
  older: Entry<Where> | undefined;
  newer: Entry<Where> | undefined;
  readonly #close: (entry: Entry<Where>) => void;

  /** @param close called once, when it has its outcome and was handed over; the same function for all entries */
  constructor(position: Where, close: (entry: Entry<Where>) => void) {
    this.position = position;
    this.#close = close;
  }

  settled(): void {
    if (this.isDone) return;
    this.isDone = true;
    if (this.isHanded) this.#close(this);
  }
}

/** The list of positions is packed when this many at its front are released, and they are at least half of it. */
const packAt = 1024;

/** How many lines done beyond the oldest open one can be named; further ones are read again after a restart. */
const maxNamed = 50_000;

/**
 * How many lines may be done beyond the oldest open one: with the records of several handlers they are still few enough
 * for a look-up after a crash to find them all, so that none is sent twice.
 */
const maxBeyond = 400_000;

/** Lines beyond the position that a restart hands on again although they are done with. */
export interface ReadAgain {
  readonly ignored: number;
  readonly done: number;
}

/**
 * Which lines have their outcome. The position of the tail moves over a contiguous prefix of done lines only:
 *
 *     lines taken         100   250   400   610        reading at 900
 *     done                 -     x     x     -         position 100, done beyond it: 250, 400
 *     100 gets done        x     x     x     -         100, 250, 400 are released; position 610
 *     610 gets done                          x         nothing open: the position is where the tail reads, 900
 *
 * What it keeps grows only with the open lines: a run of done lines is one `Passing`, a run of ignored ones a number,
 * and no more than `max` (twice that for a while) of the done lines have their positions kept. Each operation takes
 * constant time, averaged over many.
 */
export class Ledger<Where> {
  readonly #max: number;
  readonly #maxBeyond: number;
  #beyond = 0;
  #waiting: (() => void)[] = [];
  #oldest: Entry<Where> | undefined;
  #newest: Entry<Where> | undefined;
  #open = 0;
  /** The open lines and the named done ones, in their order, from `#front` on. */
  #positions: Where[] = [];
  #front = 0;

  /**
   * @param max    done lines beyond the oldest open one that `doneBeyond` names, the oldest ones
   * @param beyond done lines beyond the oldest open one at which `room` waits
   */
  constructor(max = maxNamed, beyond = maxBeyond) {
    this.#max = max;
    this.#maxBeyond = beyond;
  }

  /** Undefined while further lines may be taken; else a promise that resolves when the oldest open one has its outcome. */
  room(): Promise<void> | undefined {
    if (this.#beyond < this.#maxBeyond) return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Where the oldest line without an outcome is; undefined if every line has one. */
  get oldest(): Where | undefined {
    return this.#oldest?.position;
  }

  /** Positions held: of lines without outcome, and of those done behind one of them. */
  get size(): number {
    return this.#positions.length - this.#front;
  }

  /** What of the lines beyond the position is not among `doneBeyond`, but has its outcome. */
  get readAgain(): ReadAgain {
    let ignored = 0;
    let done = 0;
    for (let entry = this.#oldest; entry !== undefined; entry = entry.newer) {
      ignored += entry.ignoredBehind;
      done += entry.doneBehind;
    }
    return { ignored, done: done - (this.size - this.#open) };
  }

  /**
   * Opens an entry for a line and hands the line over. One that is settled at once and has nothing to be called is
   * taken for ignored.
   * @param hand gives the line away, which may be settled at once, and returns what to call when the position has
   *             passed it
   */
  take(position: Where, hand: (line: OpenLine) => Passing | undefined): void {
    const entry = new Entry(position, this.#close);
    entry.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
    this.#open += 1;
    this.#positions.push(position);
    entry.passing = hand(entry);
    entry.isHanded = true;
    if (!entry.isDone) return;
    if (entry.passing === undefined) {
      this.#unlink(entry);
      if (this.#positions.at(-1) === position) this.#positions.pop();
      if (this.#oldest === undefined) this.#forgetSpots();
      this.ignored(1);
    } else this.#close(entry);
  }

  /** Counts lines of no interest. */
  ignored(lines: number): void {
    if (this.#newest !== undefined) this.#newest.ignoredBehind += lines;
  }

  /** Notes a line that got its outcome before the last stop. */
  note(position: Where): void {
    if (this.#newest === undefined) return;
    this.#newest.doneBehind += 1;
    this.#beyond += 1;
    this.#positions.push(position);
    this.#boundSpots();
  }

  /** Lines with an outcome beyond `oldest`, in their order; at least the first `max` of them. */
  *doneBeyond(): Generator<Where> {
    let open = this.#oldest;
    for (let at = this.#front; at < this.#positions.length; at++) {
      const position = this.#positions[at]!;
      if (open?.position === position) open = open.newer;
      else yield position;
    }
  }

  readonly #close = (entry: Entry<Where>): void => {
    const { older, passing, behind } = entry;
    this.#unlink(entry);
    if (older !== undefined) {
      older.behind = joined(joined(older.behind, passing), behind);
      older.ignoredBehind += entry.ignoredBehind;
      older.doneBehind += entry.doneBehind + 1;
      this.#beyond += 1;
      this.#boundSpots();
      return;
    }
    this.#beyond -= entry.doneBehind;
    this.#forgetSpots();
    for (const resolve of this.#waiting.splice(0)) resolve();
    // May settle further lines and come back here; the front has moved already.
    passing?.passed();
    behind?.passed();
  };

  #unlink({ older, newer }: Entry<Where>): void {
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    this.#open -= 1;
  }

  /** Forgets what is before the oldest open line. */
  #forgetSpots(): void {
    const oldest = this.#oldest?.position;
    if (oldest === undefined) {
      this.#positions = [];
      this.#front = 0;
      return;
    }
    while (this.#front < this.#positions.length && this.#positions[this.#front] !== oldest) this.#front++;
    if (this.#front >= packAt && this.#front * 2 >= this.#positions.length) {
      this.#positions = this.#positions.slice(this.#front);
      this.#front = 0;
    }
  }

  /** Drops the positions of the newest done lines if there are too many. */
  #boundSpots(): void {
    if (this.size - this.#open <= this.#max * 2) return;
    const kept: Where[] = [];
    let done = 0;
    let open = this.#oldest;
    for (let at = this.#front; at < this.#positions.length; at++) {
      const position = this.#positions[at]!;
      const isOpen = open?.position === position;
      if (isOpen) open = open?.newer;
      if (isOpen || ++done <= this.#max) kept.push(position);
    }
    this.#positions = kept;
    this.#front = 0;
  }
}

function joined(earlier: Passing | undefined, later: Passing | undefined): Passing | undefined {
  if (earlier === undefined || later === undefined) return earlier ?? later;
  earlier.join(later);
  return earlier;
}
