/**
 * The grammar of RFC 8259 over bytes. Nothing is built: a scan says where a value ends, or where and why it is none.
 *
 * Two deliberate differences to a strict parser, both because of what Wazuh writes: bytes from 0x80 on are taken as they
 * come inside strings (cJSON does not check UTF-8, so alerts.json may hold anything), and nesting ends at 1000 levels
 * (cJSON's own limit, CJSON_NESTING_LIMIT).
 */

/** Deepest nesting that is accepted; the outermost object is level 1. */
export const maxDepth = 1000;

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** 1 for each byte that stands for itself in a string. */
const plain = new Uint8Array(256).fill(1, 0x20);
plain[quote] = 0;
plain[backslash] = 0;

/** 1 for each byte that may follow a backslash and ends the escape. */
const escapes = new Uint8Array(256);
for (const byte of Buffer.from('"\\/bfnrt')) escapes[byte] = 1;

/** 1 for each hexadecimal digit. */
const hexDigits = new Uint8Array(256);
for (const byte of Buffer.from("0123456789abcdefABCDEF")) hexDigits[byte] = 1;

const literals: ReadonlyMap<number, Buffer> = new Map(
  ["true", "false", "null"].map((text) => [text.charCodeAt(0), Buffer.from(text)]),
);

/** Where the containers that are open begin. Shared: a scan never pauses, so there is one at a time. */
const opened = new Int32Array(maxDepth);

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39;

/** The first index at or after `at` that is no JSON whitespace. */
export function skipSpace(bytes: Uint8Array, at: number, end: number): number {
  let i = at;
  for (; i < end; i++) {
    const byte = bytes[i]!;
    if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) break;
  }
  return i;
}

/** The index after a string that begins at `at`, or the complement (`~`) of the index of what does not fit. */
function readString(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end || bytes[at] !== quote) return ~at;
  let i = at + 1;
  for (;;) {
    while (i < end && plain[bytes[i]!] === 1) i++;
    if (i >= end) return ~end;
    const byte = bytes[i]!;
    if (byte === quote) return i + 1;
    if (byte !== backslash) return ~i;
    i++;
    if (i < end && escapes[bytes[i]!] === 1) {
      i++;
      continue;
    }
    if (i >= end || bytes[i] !== 0x75) return ~i;
    i++;
    for (const stop = i + 4; i < stop; i++) {
      if (i >= end || hexDigits[bytes[i]!] !== 1) return ~i;
    }
  }
}

/** One scan over `bytes` up to `end`. The methods return the index after what they read, or -1, having set `failedAt`. */
export class Scanner {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  /** A number in exponent form was met. */
  hasExponent = false;
  /** Index of the byte that does not fit, or the end where something is missing. */
  failedAt = -1;
  reason = "";
  /** Start and end of the nested object that was closed last: what a torn line may still hold whole. */
  closedStart = -1;
  closedEnd = -1;

  constructor(bytes: Uint8Array, end: number) {
    this.#bytes = bytes;
    this.#end = end;
  }

  /**
   * Reads an object. For each member `spans` gets four numbers: start and end of the key with its quotes, start and
   * end of the value.
   */
  object(at: number, spans: number[]): number {
    const bytes = this.#bytes;
    const end = this.#end;
    if (at >= end || bytes[at] !== openBrace) return this.#fail(at, "an object is expected");
    let i = skipSpace(bytes, at + 1, end);
    if (i < end && bytes[i] === closeBrace) return i + 1;
    for (;;) {
      const keyStart = i;
      const keyEnd = readString(bytes, keyStart, end);
      if (keyEnd < 0) return this.#inString(~keyEnd);
      const start = this.#colon(keyEnd);
      if (start < 0) return -1;
      const stop = this.#value(start);
      if (stop < 0) return -1;
      spans.push(keyStart, keyEnd, start, stop);
      i = skipSpace(bytes, stop, end);
      if (i < end && bytes[i] === closeBrace) return i + 1;
      if (i >= end || bytes[i] !== comma) return this.#fail(i, "a comma or the end of the object is expected");
      i = skipSpace(bytes, i + 1, end);
    }
  }

  /** Reads an array. For each element `spans` gets its start and end. */
  array(at: number, spans: number[]): number {
    const bytes = this.#bytes;
    const end = this.#end;
    if (at >= end || bytes[at] !== openBracket) return this.#fail(at, "an array is expected");
    let i = skipSpace(bytes, at + 1, end);
    if (i < end && bytes[i] === closeBracket) return i + 1;
    for (;;) {
      const stop = this.#value(i);
      if (stop < 0) return -1;
      spans.push(i, stop);
      i = skipSpace(bytes, stop, end);
      if (i < end && bytes[i] === closeBracket) return i + 1;
      if (i >= end || bytes[i] !== comma) return this.#fail(i, "a comma or the end of the array is expected");
      i = skipSpace(bytes, i + 1, end);
    }
  }

  #fail(at: number, reason: string): -1 {
    this.failedAt = Math.min(at, this.#end);
    this.reason = reason;
    return -1;
  }

  /** Reads one value inside the outermost container, nested ones without recursion. */
  #value(at: number): number {
    const bytes = this.#bytes;
    const end = this.#end;
    let i = at;
    let depth = 0;
    for (;;) {
      const first = i < end ? bytes[i]! : -1;
      if (first === quote) {
        i = readString(bytes, i, end);
        if (i < 0) return this.#inString(~i);
      } else if (first === openBrace || first === openBracket) {
        if (depth + 1 >= maxDepth) return this.#fail(i, `nested deeper than ${maxDepth} levels`);
        opened[depth++] = i;
        i = skipSpace(bytes, i + 1, end);
        if (i >= end || bytes[i] !== first + 2) {
          if (first === openBrace) i = this.#key(i);
          if (i < 0) return -1;
          continue;
        }
        // An empty container: its closing byte is met below.
      } else {
        i = this.#scalar(i, first);
      }
      if (i < 0) return -1;
      for (;;) {
        if (depth === 0) return i;
        i = skipSpace(bytes, i, end);
        const byte = i < end ? bytes[i]! : -1;
        const start = opened[depth - 1]!;
        const isObject = bytes[start] === openBrace;
        if (byte === comma) {
          i = skipSpace(bytes, i + 1, end);
          if (isObject) i = this.#key(i);
          if (i < 0) return -1;
          break;
        }
        if (byte !== (isObject ? closeBrace : closeBracket)) {
          return this.#fail(i, `a comma or the end of the ${isObject ? "object" : "array"} is expected`);
        }
        i++;
        depth--;
        if (isObject) {
          this.closedStart = start;
          this.closedEnd = i;
        }
      }
    }
  }

  /** Reads a key and its colon, up to the value. */
  #key(at: number): number {
    const i = readString(this.#bytes, at, this.#end);
    return i < 0 ? this.#inString(~i) : this.#colon(i);
  }

  #colon(at: number): number {
    const i = skipSpace(this.#bytes, at, this.#end);
    if (i >= this.#end || this.#bytes[i] !== colon) return this.#fail(i, "a colon is expected");
    return skipSpace(this.#bytes, i + 1, this.#end);
  }

  #inString(failedAt: number): -1 {
    const byte = failedAt < this.#end ? this.#bytes[failedAt]! : -1;
    if (byte < 0) return this.#fail(failedAt, "the string has no end");
    if (byte < 0x20) return this.#fail(failedAt, "a control character in a string");
    return this.#fail(failedAt, this.#bytes[failedAt - 1] === backslash ? "an unknown escape" : "a string is expected");
  }

  #scalar(at: number, first: number): number {
    if (first === 0x2d || isDigit(first)) return this.#number(at);
    const literal = literals.get(first);
    if (literal === undefined) return this.#fail(at, "a value is expected");
    for (let i = 0; i < literal.length; i++) {
      if (at + i >= this.#end || this.#bytes[at + i] !== literal[i]) return this.#fail(at + i, "a value is expected");
    }
    return at + literal.length;
  }

  #number(at: number): number {
    const bytes = this.#bytes;
    let i = bytes[at] === 0x2d ? at + 1 : at;
    const isZero = i < this.#end && bytes[i] === 0x30;
    i = isZero ? i + 1 : this.#digits(i);
    if (i > 0 && i < this.#end && bytes[i] === 0x2e) i = this.#digits(i + 1);
    if (i > 0 && i < this.#end && (bytes[i]! | 0x20) === 0x65) {
      this.hasExponent = true;
      const sign = i + 1 < this.#end ? bytes[i + 1] : 0;
      i = this.#digits(sign === 0x2b || sign === 0x2d ? i + 2 : i + 1);
    }
    return i;
  }

  #digits(at: number): number {
    let i = at;
    while (i < this.#end && isDigit(this.#bytes[i])) i++;
    return i > at ? i : this.#fail(at, "a digit is expected");
  }
}
