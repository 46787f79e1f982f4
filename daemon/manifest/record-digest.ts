/** Digests of records, and what is made of many: their sum and the digest of them all. */
import { hash } from "node:crypto";

/** Bytes of SHA-256. */
export const digestBytes = 32;
const limbs = 8;
const limbRange = 2 ** 32;
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
  return digestOfValueHash(topic, handler, node, id, hash("sha256", value ?? "", "hex"));
}

/** The same for whoever has the lower-case hex of SHA-256 of the value. */
export function digestOfValueHash(topic: string, handler: string, node: string, id: string, valueHash: string): Buffer {
  return hash("sha256", `${topic}\n${escaped(handler)}\n${escaped(node)}\n${escaped(id)}\n${valueHash}`, "buffer");
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
    let carry = 0;
    for (let limb = 0; limb < limbs; limb++) {
      carry += this.#limbs[limb]! + bytes.readUInt32BE(at + digestBytes - 4 * (limb + 1));
      this.#limbs[limb] = carry;
      carry = carry >= limbRange ? 1 : 0;
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
 * @param digests of 32 bytes each; they are not changed
 */
export function digestOfAll(digests: readonly Buffer[]): string {
  return hash("sha256", Buffer.concat(digests.toSorted((a, b) => a.compare(b))), "hex");
}

/** The records of one entry of a manifest, while they are counted. */
export class RecordTally {
  count = 0;
  /** Those that the socket brought first. */
  socket = 0;
  readonly #sum = new DigestSum();
  readonly #digests: Buffer[] = [];

  /** @param digest of the record; it is kept */
  add(digest: Buffer, isFromSocket: boolean): void {
    this.count += 1;
    if (isFromSocket) this.socket += 1;
    this.#sum.addBytes(digest, 0);
    this.#digests.push(digest);
  }

  /** All digests, in the order in which they were added. */
  get digests(): readonly Buffer[] {
    return this.#digests;
  }

  /** The figures of the entry. */
  get figures(): { readonly count: number; readonly socket: number; readonly sum: string; readonly digest: string } {
    return { count: this.count, socket: this.socket, sum: this.#sum.hex, digest: digestOfAll(this.#digests) };
  }
}
