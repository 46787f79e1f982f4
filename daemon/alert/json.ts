/**
 * JSON as spans of bytes: what is not asked for is never decoded, and what is passed on is passed on as it was written
 * (64-bit numbers, escapes, duplicate keys). A document is validated whole, once; its members are found on demand.
 */
import { Scanner, skipSpace } from "./scanner.ts";

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
const kinds: ReadonlyMap<number, Kind> = new Map<number, Kind>([
  [0x22, "string"],
  [0x7b, "object"],
  [0x5b, "array"],
  [0x74, "true"],
  [0x66, "false"],
  [0x6e, "null"],
]);

/** A value inside a validated document. */
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
    return kinds.get(this.bytes[this.start]!) ?? "number";
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

  /** The members of an object in their order, duplicates included; none when this is no object. */
  members(): Members {
    return this.kind === "object" ? nested(this) : noMembers;
  }

  /** The elements of an array in their order; none when this is no array. */
  elements(): Value[] {
    if (this.kind !== "array") return [];
    const spans: number[] = [];
    new Scanner(this.bytes, this.end).array(this.start, spans);
    const elements: Value[] = [];
    for (let i = 0; i < spans.length; i += 2) {
      elements.push(new Value(this.bytes, spans[i]!, spans[i + 1]!));
    }
    return elements;
  }
}

/** A value with its key. */
export class Member extends Value {
  readonly keyStart: number;
  readonly keyEnd: number;

  constructor(bytes: Buffer, keyStart: number, keyEnd: number, start: number, end: number) {
    super(bytes, start, end);
    this.keyStart = keyStart;
    this.keyEnd = keyEnd;
  }

  /** The key, decoded. */
  get key(): string {
    return decode(this.bytes, this.keyStart, this.keyEnd);
  }
}

/** The members of one object. Keys are never property names, so `__proto__` is a key like any other. */
export class Members implements Iterable<Member> {
  readonly #bytes: Buffer;
  readonly #spans: readonly number[];

  /** @param spans as `Scanner.object` fills them */
  constructor(bytes: Buffer, spans: readonly number[]) {
    this.#bytes = bytes;
    this.#spans = spans;
  }

  get size(): number {
    return this.#spans.length / 4;
  }

  /** The member with this key, the last one where the key repeats. */
  get(key: string): Member | undefined {
    for (let i = this.#spans.length - 4; i >= 0; i -= 4) {
      if (this.#hasKey(i, key)) return this.#at(i);
    }
    return undefined;
  }

  *[Symbol.iterator](): Iterator<Member> {
    for (let i = 0; i < this.#spans.length; i += 4) yield this.#at(i);
  }

  #at(i: number): Member {
    const spans = this.#spans;
    return new Member(this.#bytes, spans[i]!, spans[i + 1]!, spans[i + 2]!, spans[i + 3]!);
  }

  /** Compares byte by byte as long as both are plain ASCII; only a key that is not gets decoded. */
  #hasKey(i: number, key: string): boolean {
    const start = this.#spans[i]! + 1;
    const end = this.#spans[i + 1]! - 1;
    for (let j = 0; j < end - start; j++) {
      const byte = this.#bytes[start + j]!;
      if (byte === 0x5c || byte >= 0x80) return decode(this.#bytes, start - 1, end + 1) === key;
      if (byte !== key.charCodeAt(j)) return false;
    }
    return end - start === key.length;
  }
}

const noMembers = new Members(Buffer.alloc(0), []);

export interface Document {
  readonly members: Members;
  /** Some number in it, however deep, is written in exponent form. */
  readonly hasExponent: boolean;
}

/**
 * Validates an object, with nothing but whitespace around it.
 * @throws NotJson when it is no JSON, or JSON but no object
 */
export function parseObject(bytes: Buffer): Document {
  const scanner = new Scanner(bytes, bytes.length);
  const spans: number[] = [];
  const end = scanner.object(skipSpace(bytes, 0, bytes.length), spans);
  if (end < 0) throw new NotJson(scanner.failedAt, scanner.reason);
  const rest = skipSpace(bytes, end, bytes.length);
  if (rest < bytes.length) throw new NotJson(rest, "text after the object");
  return { members: new Members(bytes, spans), hasExponent: scanner.hasExponent };
}

function nested(value: Value): Members {
  const spans: number[] = [];
  new Scanner(value.bytes, value.end).object(value.start, spans);
  return new Members(value.bytes, spans);
}

function decode(bytes: Buffer, start: number, end: number): string {
  if (bytes[start] !== 0x22) return bytes.toString("utf8", start, end);
  const text = bytes.toString("utf8", start, end);
  if (!text.includes("\\")) return text.slice(1, -1);
  const decoded: string = JSON.parse(text);
  return decoded;
}
