/** A 64-bit fingerprint as two unsigned 32-bit halves. */
export interface Fingerprint {
  readonly high: number;
  readonly low: number;
}

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
  return (Math.min(socket, maxCopies) << socketShift) | Math.min(tail, maxCopies);
}

/** What `packed` gave; any number will do. */
export function unpacked(counts: number): Copies {
  return { tail: counts & maxCopies, socket: (counts >>> socketShift) & maxCopies };
}

/**
 * Counts of copies per fingerprint, and a digest of their content, in flat arrays: 20 bytes per entry, while a Map of
 * strings needs about 170. Open addressing with linear probing; deletion moves later entries up, so there are no
 * tombstones and look-ups stay short whatever the history. Never more than half full.
 */
export class CopyCounts {
  readonly capacity: number;
  readonly #mask: number;
  readonly #high: Uint32Array;
  readonly #low: Uint32Array;
  /** As `packed` makes them; 0 means that the slot is free. */
  readonly #counts: Uint32Array;
  readonly #contentHigh: Uint32Array;
  readonly #contentLow: Uint32Array;
  #size = 0;

  /** @param capacity maximum entries; rounded up to a power of two */
  constructor(capacity: number) {
    this.capacity = capacity;
    const slots = 2 ** Math.ceil(Math.log2(capacity * 2));
    this.#mask = slots - 1;
    this.#high = new Uint32Array(slots);
    this.#low = new Uint32Array(slots);
    this.#counts = new Uint32Array(slots);
    this.#contentHigh = new Uint32Array(slots);
    this.#contentLow = new Uint32Array(slots);
  }

  get size(): number {
    return this.#size;
  }

  get(fingerprint: Fingerprint): Copies {
    return unpacked(this.#counts[this.#find(fingerprint)] ?? empty);
  }

  /** What was set for a fingerprint that has counts. */
  content(fingerprint: Fingerprint): Content {
    const slot = this.#find(fingerprint);
    return { high: this.#contentHigh[slot] ?? 0, low: this.#contentLow[slot] ?? 0 };
  }

  /** Sets what the copies of a fingerprint that has counts say. */
  setContent(fingerprint: Fingerprint, { high, low }: Content): void {
    const slot = this.#find(fingerprint);
    if (this.#counts[slot] === empty) return;
    this.#contentHigh[slot] = high;
    this.#contentLow[slot] = low;
  }

  /** Sets the counts of a fingerprint; with both 0 the entry is removed. Counts stop at `maxCopies`. */
  set(fingerprint: Fingerprint, copies: Copies): void {
    const slot = this.#find(fingerprint);
    const was = this.#counts[slot] ?? empty;
    const counts = packed(copies);
    if (counts === empty) {
      if (was !== empty) this.#remove(slot);
      return;
    }
    if (was === empty) {
      if (this.#size >= this.capacity) throw new RangeError("fingerprint table is full");
      this.#size += 1;
      this.#high[slot] = fingerprint.high;
      this.#low[slot] = fingerprint.low;
      this.#contentHigh[slot] = this.#contentLow[slot] = 0;
    }
    this.#counts[slot] = counts;
  }

  #find(fingerprint: Fingerprint): number {
    let slot = fingerprint.low & this.#mask;
    while (
      this.#counts[slot] !== empty &&
      (this.#low[slot] !== fingerprint.low || this.#high[slot] !== fingerprint.high)
    ) {
      slot = (slot + 1) & this.#mask;
    }
    return slot;
  }

  #remove(slot: number): void {
    this.#size -= 1;
    let hole = slot;
    let at = slot;
    for (;;) {
      at = (at + 1) & this.#mask;
      if (this.#counts[at] === empty) break;
      const home = (this.#low[at] ?? 0) & this.#mask;
      // The entry may fill the hole when its home does not lie between the hole and itself (cyclically).
      if (((at - home) & this.#mask) >= ((at - hole) & this.#mask)) {
        this.#high[hole] = this.#high[at] ?? 0;
        this.#low[hole] = this.#low[at] ?? 0;
        this.#counts[hole] = this.#counts[at] ?? 0;
        this.#contentHigh[hole] = this.#contentHigh[at] ?? 0;
        this.#contentLow[hole] = this.#contentLow[at] ?? 0;
        hole = at;
      }
    }
    this.#counts[hole] = empty;
  }
}

/** Two independent 32-bit hashes over the parts, each ended by a separator that no part holds. */
export function fingerprintOf(parts: readonly string[], seed: number): Fingerprint {
  let a = 0x9e3779b9 ^ seed;
  let b = 0x41c6ce57 ^ Math.imul(seed, 0x85ebca6b);
  for (const part of parts) {
    for (let i = 0; i < part.length; i++) {
      const code = part.charCodeAt(i);
      a = Math.imul(a ^ code, 0x9e3779b1);
      b = Math.imul(b ^ code, 0x5f356495);
    }
    a = Math.imul(a ^ 0x1ffff, 0x85ebca6b);
    b = Math.imul(b ^ 0x1ffff, 0xc2b2ae35);
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
  b = Math.imul(b ^ (b >>> 16), 0x85ebca6b) ^ Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  return { high: a >>> 0, low: b >>> 0 };
}
