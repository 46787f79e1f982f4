import { readString, skipSpace } from "./scanner.ts";

export type Kind = "string" | "number" | "object" | "array" | "true" | "false" | "null";

/** By the first byte of a value; every other one begins a number. */
const kinds = Array.from({ length: 128 }, (): Kind => "number");
kinds[0x22] = "string";
kinds[0x7b] = "object";
kinds[0x5b] = "array";
kinds[0x74] = "true";
kinds[0x66] = "false";
kinds[0x6e] = "null";

/** 1 for each byte that may follow a value. */
const followers = new Uint8Array(256);
for (const byte of Buffer.from(",]} \t\n\r")) followers[byte] = 1;

/** A value inside a document. */
export abstract class Value {
  abstract readonly bytes: Buffer;
  abstract readonly start: number;
  abstract readonly end: number;

  get kind(): Kind {
    return kinds[this.bytes[this.start]!]!;
  }

  /** The value as it was written, as JSON text in bytes; shares memory with the document. */
  get raw(): Buffer {
    return this.bytes.subarray(this.start, this.end);
  }

  /**
   * The value as text: a string decoded (a lone surrogate escape stays one, invalid UTF-8 becomes U+FFFD), anything
   * else as it was written, so that a number of any size keeps its digits.
   */
  get text(): string {
    return decodeValue(this.bytes, this.start, this.end);
  }

  /** The elements of an array in their order; none if this is not an array. A line can hold millions of them. */
  *elements(): Generator<Value> {
    if (this.kind !== "array") return;
    const { bytes, end } = this;
    for (let i = skipSpace(bytes, this.start + 1, end); i < end - 1;) {
      const stop = skipValue(bytes, i);
      yield new Span(bytes, i, stop);
      // Over the comma, or, behind the last element, the bracket.
      i = skipSpace(bytes, skipSpace(bytes, stop, end) + 1, end);
    }
  }
}

class Span extends Value {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;

  constructor(bytes: Buffer, start: number, end: number) {
    super();
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }
}

/** The value that begins at `start`, inside an object or an array that is known to be valid. */
export function valueAt(bytes: Buffer, start: number): Value {
  return new Span(bytes, start, skipValue(bytes, start));
}

/** The index after that value. */
function skipValue(bytes: Buffer, at: number): number {
  let depth = 0;
  let i = at;
  do {
    const byte = bytes[i]!;
    if (byte === 0x22) i = readString(bytes, i, bytes.length) - 1;
    else if (byte === 0x7b || byte === 0x5b) depth++;
    else if (byte === 0x7d || byte === 0x5d) depth--;
    i++;
  } while (depth > 0 || followers[bytes[i]!] !== 1);
  return i;
}

/** Bytes of a valid document as text; see `Value.text`. */
export function decodeValue(bytes: Buffer, start: number, end: number): string {
  if (bytes[start] !== 0x22) return bytes.toString("utf8", start, end);
  for (let i = start + 1; i < end - 1; i++) {
    if (bytes[i] !== 0x5c) continue;
    const decoded: string = JSON.parse(bytes.toString("utf8", start, end));
    return decoded;
  }
  // Without the quotes from the beginning: a text that is cut keeps the one that it was cut from.
  return bytes.toString("utf8", start + 1, end - 1);
}
