import type { Fingerprint } from "./fingerprint.ts";

/** How many copies of an alert each way has brought. */
export interface Copies {
  tail: number;
  socket: number;
}

/** A 64-bit digest of what a copy says; both halves 0 if it is not known, which matches any content. */
export type Content = Fingerprint;

export const unknownContent: Content = { high: 0, low: 0 };

const empty = 0;
const socketShift = 15;
/** Maximum copies that are counted for one fingerprint and way. */
export const maxCopies = 0x7fff;

/** Both counts in one number: bits 0-14 copies by the tail, 15-29 copies by the socket; each stops at `maxCopies`. */
export function packed({ tail, socket }: Copies): number {
  return packedCounts(tail, socket);
}

/** What `packed` gave; any number will do. */
export function unpacked(counts: number): Copies {
  return { tail: counts & maxCopies, socket: (counts >>> socketShift) & maxCopies };
}

function packedCounts(tail: number, socket: number): number {
  return (Math.min(socket, maxCopies) << socketShift) | Math.min(tail, maxCopies);
}

/** What `CopyCounts.find` gives for a fingerprint that is not in the table. */
export const nowhere = -1;

/** Numbers of an entry: the fingerprint's halves, counts, the content's halves, handle. */
const entrySize = 6;
const at = { high: 0, low: 1, counts: 2, contentHigh: 3, contentLow: 4, handle: 5 } as const;

/**
 * Counts of copies per fingerprint, a digest of their content and a handle of its user's, in one flat array: 24 bytes
 * per entry, while a Map of strings needs about 170. The numbers of an entry are next to each other, so that a look-up
 * mostly costs one cache line. Open addressing with linear probing; deletion moves later entries up, so there are no
 * tombstones and look-ups stay short whatever the history. Never more than half full.
 *
 * An entry's place is where `find` or `insert` says, and is valid until the next `insert` or `remove`.
 */
export class CopyCounts {
  readonly capacity: number;
  readonly #mask: number;
  /** A slot whose counts are 0 is free. Signed, because V8 keeps signed numbers without allocating. */
  readonly #entries: Int32Array;
  /** The place that was found last: most alerts are asked for several times in a row. */
  #last = 0;
  #size = 0;

  /** @param capacity maximum entries; rounded up to a power of two */
  constructor(capacity: number) {
    this.capacity = capacity;
    const slots = 2 ** Math.ceil(Math.log2(capacity * 2));
    this.#mask = slots - 1;
    this.#entries = new Int32Array(slots * entrySize);
  }

  get size(): number {
    return this.#size;
  }

  /** The place of a fingerprint's entry; `nowhere` if it has none. */
  find({ high, low }: Fingerprint): number {
    const entries = this.#entries;
    if (!this.#isAt(this.#last, high | 0, low | 0)) this.#last = this.#probe(high | 0, low | 0);
    return entries[this.#last + at.counts] === empty ? nowhere : this.#last;
  }

  /** Copies by the tail. */
  tailAt(place: number): number {
    return this.#entries[place + at.counts]! & maxCopies;
  }

  /** Copies by the socket. */
  socketAt(place: number): number {
    return (this.#entries[place + at.counts]! >>> socketShift) & maxCopies;
  }

  /** Both counts, as `packed` makes them. */
  countsAt(place: number): number {
    return this.#entries[place + at.counts]!;
  }

  /** Sets the counts, of which one is above 0. They stop at `maxCopies`. */
  setCopies(place: number, tail: number, socket: number): void {
    this.#entries[place + at.counts] = packedCounts(tail, socket);
  }

  contentHighAt(place: number): number {
    return this.#entries[place + at.contentHigh]!;
  }

  contentLowAt(place: number): number {
    return this.#entries[place + at.contentLow]!;
  }

  setContent(place: number, { high, low }: Content): void {
    this.#entries[place + at.contentHigh] = high;
    this.#entries[place + at.contentLow] = low;
  }

  /** What was set last, or 0. */
  handleAt(place: number): number {
    return this.#entries[place + at.handle]!;
  }

  /** @param handle any number of 32 bits; it goes where the entry goes */
  setHandle(place: number, handle: number): void {
    this.#entries[place + at.handle] = handle;
  }

  /**
   * Makes an entry for a fingerprint that has none, of unknown content and without a handle. One of the counts is above 0.
   * @returns its place
   * @throws RangeError if the table is full
   */
  insert({ high, low }: Fingerprint, tail: number, socket: number): number {
    if (this.#size >= this.capacity) throw new RangeError("fingerprint table is full");
    this.#size += 1;
    const place = this.#probe(high | 0, low | 0);
    const entries = this.#entries;
    entries[place + at.high] = high;
    entries[place + at.low] = low;
    entries[place + at.counts] = packedCounts(tail, socket);
    entries[place + at.contentHigh] = entries[place + at.contentLow] = 0;
    entries[place + at.handle] = 0;
    this.#last = place;
    return place;
  }

  /** Removes an entry. */
  remove(place: number): void {
    const entries = this.#entries;
    const mask = this.#mask;
    this.#size -= 1;
    let hole = place / entrySize;
    let slot = hole;
    for (;;) {
      slot = (slot + 1) & mask;
      const from = slot * entrySize;
      if (entries[from + at.counts] === empty) break;
      const home = entries[from + at.low]! & mask;
      // The entry may fill the hole when its home does not lie between the hole and itself (cyclically).
      if (((slot - home) & mask) >= ((slot - hole) & mask)) {
        const to = hole * entrySize;
        for (let i = 0; i < entrySize; i++) entries[to + i] = entries[from + i]!;
        hole = slot;
      }
    }
    entries[hole * entrySize + at.counts] = empty;
  }

  #isAt(place: number, high: number, low: number): boolean {
    const entries = this.#entries;
    return entries[place + at.low] === low && entries[place + at.high] === high && entries[place + at.counts] !== empty;
  }

  /** The place of the fingerprint's entry, or the free one where it would be. */
  #probe(high: number, low: number): number {
    const entries = this.#entries;
    let slot = low & this.#mask;
    let place = slot * entrySize;
    while (
      entries[place + at.counts] !== empty &&
      (entries[place + at.low] !== low || entries[place + at.high] !== high)
    ) {
      slot = (slot + 1) & this.#mask;
      place = slot * entrySize;
    }
    return place;
  }
}
