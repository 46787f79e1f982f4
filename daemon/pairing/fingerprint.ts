import type { TextSink } from "../alert/alert.ts";

/** A 64-bit fingerprint as two 32-bit halves, signed or unsigned: only their bits count. */
export interface Fingerprint {
  readonly high: number;
  readonly low: number;
}

/** What ends a part: more than any UTF-16 code unit. */
const separator = 0x1ffff;

/**
 * Two 32-bit hashes over the parts of a name, each ended by a separator that no part holds. One is used again and
 * again: between `end` and the next `begin` it is the fingerprint itself, so that none has to be made for each alert.
 * The halves are signed, which V8 keeps without allocating.
 */
export class FingerprintHash implements Fingerprint, TextSink {
  high = 0;
  low = 0;

  begin(seed: number): void {
    this.high = 0x9e3779b9 ^ seed;
    this.low = 0x41c6ce57 ^ Math.imul(seed, 0x85ebca6b);
  }

  /** The next part. */
  text(part: string): void {
    let a = this.high;
    let b = this.low;
    for (let i = 0; i < part.length; i++) {
      const code = part.charCodeAt(i);
      a = Math.imul(a ^ code, 0x9e3779b1);
      b = Math.imul(b ^ code, 0x5f356495);
    }
    this.high = Math.imul(a ^ separator, 0x85ebca6b);
    this.low = Math.imul(b ^ separator, 0xc2b2ae35);
  }

  /** The next part, as bytes of ASCII: the same as `text` of it. */
  ascii(bytes: Uint8Array, from: number, to: number): void {
    let a = this.high;
    let b = this.low;
    for (let i = from; i < to; i++) {
      const code = bytes[i]!;
      a = Math.imul(a ^ code, 0x9e3779b1);
      b = Math.imul(b ^ code, 0x5f356495);
    }
    this.high = Math.imul(a ^ separator, 0x85ebca6b);
    this.low = Math.imul(b ^ separator, 0xc2b2ae35);
  }

  /** From now on `high` and `low` are the fingerprint, until the next `begin`. */
  end(): void {
    const a = this.high;
    const b = this.low;
    const high = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
    this.high = high;
    this.low = Math.imul(b ^ (b >>> 16), 0x85ebca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2ae35);
  }
}

/** The fingerprint of a name's parts, with unsigned halves; for where few are made. */
export function fingerprintOf(parts: readonly string[], seed: number): Fingerprint {
  const hash = new FingerprintHash();
  hash.begin(seed);
  for (const part of parts) hash.text(part);
  hash.end();
  return { high: hash.high >>> 0, low: hash.low >>> 0 };
}
