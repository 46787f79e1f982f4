/** Digests of records, and what is made of many: their sum and the digest of them all. */
import { hash } from "node:crypto";

/** Bytes of SHA-256. */
export const digestBytes = 32;
const limbs = 8;
/** The same in words of 32 bits. Digests are copied word by word, because a call for each takes longer. */
export const digestWords = digestBytes / 4;
const limbRange = 2 ** 32;
/** A sum of so many limbs is exact in a double. */
const addedAtOnce = 2 ** 20;
const escapes = /[\n\\]/g;

/** What a record's digest is made of; a header that it lacks is empty. */
export interface DigestedRecord {
  readonly topic: string;
  readonly handler: string;
  readonly node: string;
  readonly id: string;
  /** Null is the same as empty. */
  readonly value: Buffer | null;
}

/**
 * SHA-256, 32 bytes, over five lines joined by LF: topic, the headers handler, node and alert id, in which LF and backslash
 * are written `\n` and `\\`, and the lower-case hex of SHA-256 of the value. Text is UTF-8.
 */
export function recordDigest({ topic, handler, node, id, value }: DigestedRecord): Buffer {
  return Buffer.from(digestOfValueHash(topic, handler, node, id, hash("sha256", value ?? "", "hex")), "binary");
}

/**
 * The same for whoever has the lower-case hex of SHA-256 of the value.
 * @returns 32 characters of one byte each, which Node makes in a third of the time that a buffer takes
 */
export function digestOfValueHash(topic: string, handler: string, node: string, id: string, valueHash: string): string {
  return hash("sha256", `${topic}\n${escaped(handler)}\n${escaped(node)}\n${escaped(id)}\n${valueHash}`, "binary");
}

/** Digests of 32 bytes each as words in the machine's byte order. The memory is shared if it is aligned, else copied. */
export function wordsOf(digests: Buffer): Int32Array {
  const isAligned = digests.byteOffset % Int32Array.BYTES_PER_ELEMENT === 0;
  const { buffer, byteOffset } = isAligned ? digests : Uint8Array.from(digests);
  return new Int32Array(buffer, byteOffset, Math.floor(digests.length / digestBytes) * digestWords);
}

/** One of the digests that `wordsOf` gave: 32 characters of one byte each. @param index counted from 0 */
export function digestAt(words: Int32Array, index: number): string {
  const from = words.byteOffset + index * digestBytes;
  return Buffer.from(words.buffer, from, digestBytes).toString("latin1");
}

/** Copies one digest. Both as `wordsOf` gives them, each with the digest's index, counted from 0. */
export function copyDigest(from: Int32Array, index: number, to: Int32Array, target: number): void {
  for (let word = 0; word < digestWords; word++) to[target * digestWords + word] = from[index * digestWords + word]!;
}

function escaped(text: string): string {
  return text.includes("\n") || text.includes("\\")
    ? text.replaceAll(escapes, (unit) => (unit === "\n" ? "\\n" : "\\\\"))
    : text;
}

/** A sum of digests, which are numbers of 256 bits with the highest byte first, modulo 2^256. */
export class DigestSum {
  /** The lowest 32 bits first. */
  readonly #limbs = new Uint32Array(limbs);

  /** @param hex 64 hexadecimal digits; default 0 */
  constructor(hex?: string) {
    if (hex !== undefined) this.addBytes(Buffer.from(hex, "hex"), 0);
  }

  /** Adds the 32 bytes at a place. @throws RangeError if there are fewer */
  addBytes(bytes: Buffer, at: number): void {
    if (at < 0 || at + digestBytes > bytes.length) throw new RangeError(`no digest at ${at} of ${bytes.length} bytes`);
    let carry = 0;
    for (let limb = 0; limb < limbs; limb++) {
      const low = at + digestBytes - 4 * limb - 1;
      carry +=
        this.#limbs[limb]! +
        bytes[low - 3]! * 2 ** 24 +
        ((bytes[low - 2]! << 16) | (bytes[low - 1]! << 8) | bytes[low]!);
      this.#limbs[limb] = carry;
      carry = carry >= limbRange ? 1 : 0;
    }
  }

  /** Adds digests of 32 bytes each, one behind the other. */
  addAll(digests: Buffer): void {
    for (let at = 0; at < digests.length; at += addedAtOnce * digestBytes)
      this.#addSome(digests.subarray(at, at + addedAtOnce * digestBytes));
  }

  /** Each limb by itself, and what is carried at the end. */
  #addSome(digests: Buffer): void {
    const view = new DataView(digests.buffer, digests.byteOffset, digests.length);
    const sums = new Float64Array(limbs);
    for (let end = digestBytes; end <= digests.length; end += digestBytes)
      for (let limb = 0; limb < limbs; limb++) sums[limb]! += view.getUint32(end - 4 * limb - 4);
    let carry = 0;
    for (let limb = 0; limb < limbs; limb++) {
      const sum = carry + this.#limbs[limb]! + sums[limb]!;
      this.#limbs[limb] = sum % limbRange;
      carry = Math.floor(sum / limbRange);
    }
  }

  add(other: DigestSum): void {
    let carry = 0;
    for (let limb = 0; limb < limbs; limb++) {
      carry += this.#limbs[limb]! + other.#limbs[limb]!;
      this.#limbs[limb] = carry;
      carry = carry >= limbRange ? 1 : 0;
    }
  }

  subtract(other: DigestSum): void {
    let borrow = 0;
    for (let limb = 0; limb < limbs; limb++) {
      const difference = this.#limbs[limb]! - other.#limbs[limb]! - borrow;
      this.#limbs[limb] = difference;
      borrow = difference < 0 ? 1 : 0;
    }
  }

  equals(other: DigestSum): boolean {
    return this.#limbs.every((limb, at) => limb === other.#limbs[at]);
  }

  /** 64 hexadecimal digits. */
  get hex(): string {
    let text = "";
    for (const limb of this.#limbs) text = limb.toString(16).padStart(8, "0") + text;
    return text;
  }
}

/**
 * SHA-256 in hex over record digests, sorted by their bytes and put one behind the other. A sum can be met on purpose by
 * whoever chooses enough records; this cannot.
 * @param digests of 32 bytes each, one behind the other; they are not changed
 */
export function digestOfAll(digests: Buffer): string {
  return hash("sha256", inOrder(digests), "hex");
}

/** Nearly always only a few digests share their first bits; a group larger than this was made on purpose. */
const fewAlike = 16;
const maxRanges = 0x10000;

/** Where digests are sorted. It is used again, because new memory for each manifest costs as much as sorting. */
class SortingMemory {
  readonly ends = new Uint32Array(maxRanges + 1);
  readonly places: Uint32Array;
  readonly sorted: Int32Array;

  constructor(digests: number) {
    this.places = new Uint32Array(digests);
    this.sorted = new Int32Array(digests * digestWords);
  }
}

/** Of a full manifest, and of nearly every other one. */
const keptDigests = 2 ** 15;
let kept: SortingMemory | undefined;

/** The digests, the lowest first, until the next call. They are spread evenly: by its first bits nearly each has its place. */
function inOrder(digests: Buffer): Uint8Array {
  const count = Math.floor(digests.length / digestBytes);
  const memory = count > keptDigests ? new SortingMemory(count) : (kept ??= new SortingMemory(keptDigests));
  const places = memory.places.subarray(0, count);
  const shift = Math.max(0, Math.clz32(count) - 17);
  const ends = memory.ends.subarray(0, (maxRanges >>> shift) + 1).fill(0);
  const range = (place: number): number =>
    ((digests[place * digestBytes]! << 8) | digests[place * digestBytes + 1]!) >>> shift;
  for (let place = 0; place < count; place++) ends[range(place)]! += 1;
  for (let index = 1; index < ends.length; index++) ends[index]! += ends[index - 1]!;
  for (let place = count - 1; place >= 0; place--) {
    const end = (ends[range(place)]! -= 1);
    places[end] = place;
  }
  // Now `ends` has the beginnings.
  for (let index = 1, start = 0; index < ends.length; start = ends[index++]!) {
    const end = ends[index]!;
    if (end - start > fewAlike) places.subarray(start, end).sort((a, b) => compareAt(digests, a, b));
    else if (end - start > 1) sortFew(digests, places, start, end);
  }
  const words = wordsOf(digests);
  for (let index = 0; index < count; index++) copyDigest(words, places[index]!, memory.sorted, index);
  return new Uint8Array(memory.sorted.buffer, 0, count * digestBytes);
}

function sortFew(digests: Buffer, places: Uint32Array, start: number, end: number): void {
  for (let next = start + 1; next < end; next++) {
    const place = places[next]!;
    let at = next;
    for (; at > start && compareAt(digests, places[at - 1]!, place) > 0; at--) places[at] = places[at - 1]!;
    places[at] = place;
  }
}

/** Of the digests at two places. They mostly differ in their first bytes, so this is faster than a call. */
function compareAt(digests: Buffer, a: number, b: number): number {
  const [atA, atB] = [a * digestBytes, b * digestBytes];
  for (let byte = 0; byte < digestBytes; byte++) {
    const difference = digests[atA + byte]! - digests[atB + byte]!;
    if (difference !== 0) return difference;
  }
  return 0;
}
