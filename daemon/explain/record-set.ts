/** How many different records are compared at most; as many take 170 MB. */
export const maxDifferentRecords = 5_000_000;

const firstSlots = 1024;
/** Words of 32 bits that are kept of a hash: two records of five million share 128 bits by no chance that matters. */
const hashWords = 4;

/**
 * A multiset of hashes: how often each is still expected. In flat arrays, 20 bytes a slot, at most two thirds of the slots
 * are taken, and doubled when that is reached.
 */
export class RecordSet {
  #hashes = new Uint32Array(firstSlots * hashWords);
  /** 0: the slot is free. Else the count plus 1, so that a hash that is no longer expected keeps its slot. */
  #counts = new Uint32Array(firstSlots);
  #size = 0;

  /** Different hashes, those that are no longer expected included. */
  get size(): number {
    return this.#size;
  }

  /** One more is expected. @param hash at least 16 bytes @returns false if there are too many different ones */
  add(hash: Buffer): boolean {
    if (this.#size >= maxDifferentRecords) return this.#countAt(this.#slotOf(hash)) > 0 && this.#change(hash, 1);
    return this.#change(hash, 1);
  }

  /** One has come. @returns false if none is expected any more */
  take(hash: Buffer): boolean {
    if (this.#countAt(this.#slotOf(hash)) <= 1) return false;
    return this.#change(hash, -1);
  }

  #change(hash: Buffer, by: number): true {
    let slot = this.#slotOf(hash);
    if (this.#countAt(slot) === 0) {
      if ((this.#size + 1) * 3 > this.#counts.length * 2) {
        this.#grow();
        slot = this.#slotOf(hash);
      }
      for (let word = 0; word < hashWords; word++) this.#hashes[slot * hashWords + word] = hash.readUInt32LE(word * 4);
      this.#counts[slot] = 1;
      this.#size += 1;
    }
    this.#counts[slot] = this.#countAt(slot) + by;
    return true;
  }

  #countAt(slot: number): number {
    return this.#counts[slot] ?? 0;
  }

  /** The slot that has the hash, or the free one where it belongs. */
  #slotOf(hash: Buffer): number {
    const mask = this.#counts.length - 1;
    let slot = hash.readUInt32LE(0) & mask;
    while (this.#countAt(slot) > 0 && !this.#isAt(slot, hash)) slot = (slot + 1) & mask;
    return slot;
  }

  #isAt(slot: number, hash: Buffer): boolean {
    for (let word = 0; word < hashWords; word++) {
      if (this.#hashes[slot * hashWords + word] !== hash.readUInt32LE(word * 4)) return false;
    }
    return true;
  }

  #grow(): void {
    const [hashes, counts] = [this.#hashes, this.#counts];
    this.#hashes = new Uint32Array(hashes.length * 2);
    this.#counts = new Uint32Array(counts.length * 2);
    const bytes = Buffer.from(hashes.buffer);
    for (let slot = 0; slot < counts.length; slot++) {
      if (counts[slot] === 0) continue;
      const from = slot * hashWords * 4;
      const to = this.#slotOf(bytes.subarray(from, from + hashWords * 4));
      this.#hashes.set(hashes.subarray(slot * hashWords, (slot + 1) * hashWords), to * hashWords);
      this.#counts[to] = counts[slot] ?? 0;
    }
  }
}
