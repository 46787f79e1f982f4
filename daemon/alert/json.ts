/**
 * JSON as spans of bytes: what is not asked for is never decoded, and what is passed on is passed on as it was written
 * (64-bit numbers, escapes, duplicate keys). A document is validated whole, once; its members are found on demand.
 */
import { memberSize, readString, Scanner, skipSpace } from "./scanner.ts";

export class NotJson extends Error {
  override readonly name = "NotJson";
  /** Index of the byte that does not fit, or of the end where something is missing. */
  readonly offset: number;

  constructor(offset: number, reason: string) {
    super(`${reason} at byte ${offset}`);
    this.offset = offset;
  }
}

export type Kind = "string" | "number" | "object" | "array" | "true" | "false" | "null";

/** By the first byte of a value; every other one begins a number. */
const kinds = Array.from({ length: 128 }, (): Kind => "number");
kinds[0x22] = "string";
kinds[0x7b] = "object";
kinds[0x5b] = "array";
kinds[0x74] = "true";
kinds[0x66] = "false";
kinds[0x6e] = "null";

/** 1 for each byte that may follow an element of an array. */
const followers = new Uint8Array(256);
for (const byte of Buffer.from(",] \t\n\r")) followers[byte] = 1;

/** Enough for every ordinary alert. Takes memory only as far as it is written, which is by members, not by bytes. */
const keptTape = new Int32Array(1024 * 1024);
/**
 * Where the members of one document stand: of the one that was scanned last. A tape for each would double what an alert
 * weighs while it waits for its outcome, and by then hardly anything is asked of it; what is, costs another scan.
 */
let tape = keptTape;
/** The number of the scan that wrote the tape. */
let lastScan = 0;

/** A JSON object, with nothing but whitespace around it. */
export class Document {
  readonly bytes: Buffer;
  /** Some number in it, however deep, is written in exponent form. */
  readonly hasExponent: boolean;
  readonly members: Members;
  #scanned = 0;

  /** @throws NotJson when the bytes are no JSON, or JSON but no object */
  constructor(bytes: Buffer) {
    this.bytes = bytes;
    const { hasExponent, tapeLength } = this.#scan();
    this.hasExponent = hasExponent;
    this.members = new Members(this, 0, tapeLength);
  }

  /** Where all its members stand, as the scanner lays them out; valid until another document is asked. */
  tape(): Int32Array {
    if (this.#scanned !== lastScan) this.#scan();
    return tape;
  }

  #scan(): Scanner {
    const { bytes } = this;
    this.#scanned = ++lastScan;
    tape = bytes.length > keptTape.length ? new Int32Array(bytes.length) : keptTape;
    const scanner = new Scanner(bytes, tape);
    const end = scanner.object(skipSpace(bytes, 0, bytes.length));
    if (end < 0) throw new NotJson(scanner.failedAt, scanner.reason);
    const rest = skipSpace(bytes, end, bytes.length);
    if (rest < bytes.length) throw new NotJson(rest, "text after the object");
    return scanner;
  }
}

/** A value inside a document. */
export class Value {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }

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
    return decode(this.bytes, this.start, this.end);
  }

  /** The elements of an array in their order; none when this is no array. */
  elements(): Value[] {
    const elements: Value[] = [];
    if (this.kind !== "array") return elements;
    const { bytes, end } = this;
    for (let i = skipSpace(bytes, this.start + 1, end); i < end - 1;) {
      const stop = skipValue(bytes, i);
      elements.push(new Value(bytes, i, stop));
      // Over the comma, or, behind the last element, the bracket.
      i = skipSpace(bytes, skipSpace(bytes, stop, end) + 1, end);
    }
    return elements;
  }
}

/** A value with its key. */
export class Member extends Value {
  readonly #document: Document;
  /** Its place on the tape. */
  readonly #at: number;
  readonly keyStart: number;
  readonly keyEnd: number;

  constructor(document: Document, tape: Int32Array, at: number) {
    super(document.bytes, tape[at + 2]!, tape[at + 3]!);
    this.#document = document;
    this.#at = at;
    this.keyStart = tape[at]! < 0 ? ~tape[at]! : tape[at]!;
    this.keyEnd = tape[at + 1]!;
  }

  /** The key, decoded. */
  get key(): string {
    return decode(this.bytes, this.keyStart, this.keyEnd);
  }

  /** The members of an object in their order, duplicates included; none when this is no object. */
  members(): Members {
    const first = this.#at + memberSize;
    return new Members(this.#document, first, this.kind === "object" ? this.#document.tape()[this.#at + 4]! : first);
  }
}

/** The members of one object. Keys are never property names, so `__proto__` is a key like any other. */
export class Members implements Iterable<Member> {
  readonly #document: Document;
  /** The stretch of the tape where they stand, each followed by its own members. */
  readonly #from: number;
  readonly #to: number;

  constructor(document: Document, from: number, to: number) {
    this.#document = document;
    this.#from = from;
    this.#to = to;
  }

  get isEmpty(): boolean {
    return this.#from === this.#to;
  }

  /** The member with this key, the last one where the key repeats. */
  get(key: string): Member | undefined {
    const tape = this.#document.tape();
    let found = -1;
    for (let at = this.#from; at < this.#to; at = tape[at + 4]!) {
      if (this.#isKey(tape, at, key)) found = at;
    }
    return found < 0 ? undefined : new Member(this.#document, tape, found);
  }

  /** The same for each of several keys; fastest when they are in the order of the members. */
  named(keys: readonly string[]): (Member | undefined)[] {
    const tape = this.#document.tape();
    const found = keys.map((): Member | undefined => undefined);
    let next = 0;
    for (let at = this.#from; at < this.#to; at = tape[at + 4]!) {
      for (let tries = keys.length; tries > 0; tries--) {
        const index = next;
        next = next + 1 < keys.length ? next + 1 : 0;
        if (this.#isKey(tape, at, keys[index]!)) {
          found[index] = new Member(this.#document, tape, at);
          break;
        }
      }
    }
    return found;
  }

  *[Symbol.iterator](): Iterator<Member> {
    for (let at = this.#from; at < this.#to;) {
      const tape = this.#document.tape();
      yield new Member(this.#document, tape, at);
      at = this.#document.tape()[at + 4]!;
    }
  }

  #isKey(tape: Int32Array, at: number, key: string): boolean {
    const { bytes } = this.#document;
    const start = tape[at]!;
    const end = tape[at + 1]!;
    if (start < 0) return decode(bytes, ~start, end) === key;
    if (end - start - 2 !== key.length) return false;
    for (let i = 0; i < key.length; i++) {
      if (bytes[start + 1 + i] !== key.charCodeAt(i)) return false;
    }
    return true;
  }
}

/** The index after a value inside an array that is known to be valid. */
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

function decode(bytes: Buffer, start: number, end: number): string {
  if (bytes[start] !== 0x22) return bytes.toString("utf8", start, end);
  const text = bytes.toString("utf8", start, end);
  if (!text.includes("\\")) return text.slice(1, -1);
  const decoded: string = JSON.parse(text);
  return decoded;
}
