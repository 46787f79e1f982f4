/**
 * Reads Kafka's binary answers from a buffer. Every method throws RangeError when the bytes end too early, or when a
 * length or count cannot be true; so a broken answer never costs more memory than its own size.
 */
export class ByteReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get position(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  #advance(count: number): number {
    if (count < 0 || count > this.remaining) throw new RangeError("the bytes end too early");
    const at = this.#at;
    this.#at += count;
    return at;
  }

  skip(count: number): void {
    this.#advance(count);
  }

  int8(): number {
    return this.#bytes.readInt8(this.#advance(1));
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#advance(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#advance(4));
  }

  /** A 64-bit integer that is an offset or a time: at most 2^53 - 1. */
  int64(): number {
    const value = Number(this.#bytes.readBigInt64BE(this.#advance(8)));
    if (!Number.isSafeInteger(value)) throw new RangeError("a number beyond 2^53");
    return value;
  }

  /** A 64-bit integer that anybody may have written; only about right beyond 2^53. */
  anyInt64(): number {
    return Number(this.#bytes.readBigInt64BE(this.#advance(8)));
  }

  varint(): number {
    let result = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes.readUInt8(this.#advance(1));
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (result >>> 1) ^ -(result & 1);
    }
    throw new RangeError("a number of more than five bytes");
  }

  /** A 64-bit varint; only about right beyond 2^53. */
  varlong(): number {
    let zigzag = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes.readUInt8(this.#advance(1));
      zigzag += (byte & 0x7f) * scale;
      if (byte < 0x80) return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
    }
  }

  /** A view of the next bytes; nothing is copied. */
  bytes(count: number): Buffer {
    const at = this.#advance(count);
    return this.#bytes.subarray(at, at + count);
  }

  /** Bytes behind their length as a varint; null if the length is negative. */
  varintBytes(): Buffer | null {
    const length = this.varint();
    return length < 0 ? null : this.bytes(length);
  }

  string(): string {
    return this.bytes(Math.max(this.int16(), 0)).toString("utf8");
  }

  /** The elements behind a 32-bit count, each of at least `elementBytes` bytes. */
  array<T>(elementBytes: number, read: () => T): T[] {
    const count = Math.max(this.int32(), 0);
    if (count * elementBytes > this.remaining) throw new RangeError("a count that the bytes cannot hold");
    return Array.from({ length: count }, read);
  }
}
