import type { Owner } from "../../../contract.ts";

/** A place in what was read. */
export interface Place<Reading> {
  readonly reading: Reading;
  readonly offset: number;
}

/** From this line on, lines belong to this reading. */
interface Stretch<Reading> {
  readonly from: number;
  readonly reading: Reading;
}

/** The states of a line, each in one byte. */
const handing = 0;
const open = 1;
/** It has its outcome, but the intake has not returned. */
const settledEarly = 2;
const done = 3;

/** Lines for which there is room at first; a power of two. */
const firstCapacity = 4096;

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
 * A line that is taken gets the next number, from 0 on. Numbers tell which line comes first: everything before `front` is
 * behind the position for good. What is kept of a line is 17 bytes in columns, a ring of a power of two, and `room` bounds
 * how many there are; of ignored lines only the number is kept.
 */
export class Ledger<Reading> implements Owner {
  readonly #max: number;
  readonly #maxBeyond: number;
  /** Called with `front` whenever that has grown; all that it covers is done by then. */
  onFront: (front: number) => void = () => undefined;
  /** Called with how many lines of no interest are behind the position from now on, if there are any. */
  onIgnored: (lines: number) => void = () => undefined;
  #front = 0;
  #next = 0;
  /** Of the lines from `#front` on. */
  #done = 0;
  /** Lines of no interest behind the line at `#front`. */
  #ignored = 0;
  #mask = firstCapacity - 1;
  #states = new Uint8Array(firstCapacity);
  #offsets = new Float64Array(firstCapacity);
  /** Of each line: lines of no interest behind it, up to the next one. */
  #ignoredBehind = new Float64Array(firstCapacity);
  /** Oldest first; the first one holds the line at `#front`. */
  #stretches: Stretch<Reading>[] = [];
  #waiting: (() => void)[] = [];

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
    if (this.#done < this.#maxBeyond) return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The number of the oldest line without an outcome; if every line has one, that of the next line. */
  get front(): number {
    return this.#front;
  }

  /** Where the oldest line without an outcome is; undefined if every line has one. */
  get oldest(): Place<Reading> | undefined {
    const [stretch] = this.#stretches;
    if (this.#front === this.#next || stretch === undefined) return undefined;
    return { reading: stretch.reading, offset: this.#offsets[this.#front & this.#mask]! };
  }

  /** Lines kept: those without outcome, and those done behind one of them. */
  get size(): number {
    return this.#next - this.#front;
  }

  /** What of the lines beyond the position is not among `doneBeyond`, but has its outcome. */
  get readAgain(): ReadAgain {
    return { ignored: this.#ignored, done: Math.max(0, this.#done - this.#max) };
  }

  /**
   * Enters a line that is about to be handed to the intake; `handed` follows, before the next line.
   * @returns its number
   */
  take(reading: Reading, offset: number): number {
    return this.#add(reading, offset, handing);
  }

  /** The intake has returned. @param isIgnored the line is of no interest after all: its number is given to the next */
  handed(line: number, isIgnored: boolean): void {
    const slot = line & this.#mask;
    if (isIgnored) {
      this.#next = line;
      this.ignored(1);
    } else if (this.#states[slot] === settledEarly) this.#close(line);
    else this.#states[slot] = open;
  }

  /**
   * A line has its outcome: acknowledged, ignored, or durably dead-lettered. Safe twice.
   * @param line as `take` gave it
   */
  settled(_outcome: unknown, line: number): void {
    if (line < this.#front || line >= this.#next) return;
    const slot = line & this.#mask;
    if (this.#states[slot] === handing) this.#states[slot] = settledEarly;
    else if (this.#states[slot] === open) this.#close(line);
  }

  /** Counts lines of no interest. */
  ignored(lines: number): void {
    if (this.#next === this.#front) return this.onIgnored(lines);
    this.#ignored += lines;
    this.#ignoredBehind[(this.#next - 1) & this.#mask]! += lines;
  }

  /**
   * Notes a line that got its outcome before the last stop.
   * @returns its number; -1 if it is behind the position at once
   */
  note(reading: Reading, offset: number): number {
    if (this.#next === this.#front) return -1;
    this.#done += 1;
    return this.#add(reading, offset, done);
  }

  /** Lines with an outcome beyond `oldest`, in their order: the first `max` of them. */
  *doneBeyond(): Generator<Place<Reading> & { readonly line: number }> {
    let left = Math.min(this.#max, this.#done);
    let at = 0;
    for (let line = this.#front; left > 0; line++) {
      while ((this.#stretches[at + 1]?.from ?? Number.POSITIVE_INFINITY) <= line) at++;
      if (this.#states[line & this.#mask] !== done) continue;
      left -= 1;
      yield { reading: this.#stretches[at]!.reading, offset: this.#offsets[line & this.#mask]!, line };
    }
  }

  #add(reading: Reading, offset: number, state: number): number {
    if (this.#next - this.#front > this.#mask) this.#resize(2 * (this.#mask + 1));
    const line = this.#next++;
    const slot = line & this.#mask;
    this.#states[slot] = state;
    this.#offsets[slot] = offset;
    this.#ignoredBehind[slot] = 0;
    const last = this.#stretches.at(-1);
    if (last === undefined || last.reading !== reading) {
      // A line that was ignored may have left one without lines.
      if (last?.from === line) this.#stretches.pop();
      this.#stretches.push({ from: line, reading });
      this.#trim();
    }
    return line;
  }

  #close(line: number): void {
    this.#states[line & this.#mask] = done;
    this.#done += 1;
    if (line !== this.#front) return;
    let front = line;
    let ignored = 0;
    for (; front < this.#next && this.#states[front & this.#mask] === done; front++) {
      ignored += this.#ignoredBehind[front & this.#mask]!;
      this.#done -= 1;
    }
    this.#ignored -= ignored;
    this.#front = front;
    this.#trim();
    if (front === this.#next && this.#mask >= firstCapacity) this.#resize(firstCapacity);
    for (const resolve of this.#waiting.splice(0)) resolve();
    this.onFront(front);
    if (ignored > 0) this.onIgnored(ignored);
  }

  #trim(): void {
    while ((this.#stretches[1]?.from ?? Number.POSITIVE_INFINITY) <= this.#front) this.#stretches.shift();
  }

  /** Moves the lines from `#front` on into a ring of another size. */
  #resize(capacity: number): void {
    const mask = capacity - 1;
    const states = new Uint8Array(capacity);
    const offsets = new Float64Array(capacity);
    const ignoredBehind = new Float64Array(capacity);
    for (let line = this.#front; line < this.#next; line++) {
      states[line & mask] = this.#states[line & this.#mask]!;
      offsets[line & mask] = this.#offsets[line & this.#mask]!;
      ignoredBehind[line & mask] = this.#ignoredBehind[line & this.#mask]!;
    }
    this.#mask = mask;
    this.#states = states;
    this.#offsets = offsets;
    this.#ignoredBehind = ignoredBehind;
  }
}
