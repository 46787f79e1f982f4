import { copyDigest, digestAt, digestWords } from "../manifest/record-digest.ts";
import { bareLine, type Contribution, type CountedEntry, joined } from "./contribution.ts";

const firstSlots = 1024;

/** What hears of the lines that the position passes, in their order. */
export interface PassedLines {
  /** A line that is one record and nothing else. @param digests as `wordsOf` gives them; not kept */
  record(entry: CountedEntry, digests: Int32Array, index: number): void;
  line(contribution: Contribution): void;
}

/**
 * What lines beyond the position add, by their numbers: a ring from the position on, because numbers are dense and a map of
 * them costs several times as much. Nearly every line is one record, which the log brought: for these there is no object
 * but the entry that they share, because each would live for long enough to be collected late.
 */
export class PendingLines {
  /** As many as a power of two, in each column. A line is in one of the first two at most. */
  #entries: (CountedEntry | undefined)[] = empty(firstSlots);
  #others: (Contribution | undefined)[] = empty(firstSlots);
  /** Of the records of `#entries`. */
  #digests = new Int32Array(firstSlots * digestWords);
  #front = 0;

  /** Lines with a lower number are behind the position. */
  get front(): number {
    return this.#front;
  }

  /** What is known of a line; undefined for nothing. */
  of(line: number): Contribution | undefined {
    const isPending = line >= this.#front && line < this.#front + this.#others.length;
    return isPending ? this.#at(line & (this.#others.length - 1)) : undefined;
  }

  /** Something more is known of a line. @throws Error if the position has passed it */
  note(line: number, contribution: Contribution): void {
    const slot = this.#slotOf(line);
    this.#others[slot] = joined(this.#at(slot), contribution);
    this.#entries[slot] = undefined;
  }

  /** A record of a line is in its topic; the log brought it. @param digests as `wordsOf` gives them @throws Error as `note` */
  noteRecord(line: number, entry: CountedEntry, digests: Int32Array, index: number): void {
    const slot = this.#slotOf(line);
    if (this.#entries[slot] !== undefined || this.#others[slot] !== undefined)
      return this.note(line, oneRecord(entry, digestAt(digests, index)));
    this.#entries[slot] = entry;
    copyDigest(digests, index, this.#digests, slot);
  }

  /** The position passes lines. @param front the first that it does not pass */
  pass(front: number, to: PassedLines): void {
    for (; this.#front < front; this.#front += 1) {
      const slot = this.#front & (this.#others.length - 1);
      const entry = this.#entries[slot];
      const other = this.#others[slot];
      this.#entries[slot] = undefined;
      this.#others[slot] = undefined;
      if (entry === undefined) to.line(other ?? bareLine);
      else to.record(entry, this.#digests, slot);
    }
  }

  #at(slot: number): Contribution | undefined {
    const entry = this.#entries[slot];
    return entry === undefined ? this.#others[slot] : oneRecord(entry, digestAt(this.#digests, slot));
  }

  #slotOf(line: number): number {
    if (line < this.#front) throw new Error("a line that the position has passed cannot add anything");
    if (line >= this.#front + this.#others.length) this.#grow(line);
    return line & (this.#others.length - 1);
  }

  #grow(line: number): void {
    const [entries, others, digests] = [this.#entries, this.#others, this.#digests];
    const slots = 2 ** Math.ceil(Math.log2(line - this.#front + 1));
    this.#entries = empty(slots);
    this.#others = empty(slots);
    this.#digests = new Int32Array(slots * digestWords);
    for (let at = this.#front; at < this.#front + others.length; at++) {
      const [from, to] = [at & (others.length - 1), at & (slots - 1)];
      this.#entries[to] = entries[from];
      this.#others[to] = others[from];
      copyDigest(digests, from, this.#digests, to);
    }
  }
}

function oneRecord(entry: CountedEntry, digest: string): Contribution {
  return { ...bareLine, records: [{ entry, isFromSocket: false, digest }] };
}

function empty(slots: number): undefined[] {
  return Array.from({ length: slots }, () => undefined);
}
