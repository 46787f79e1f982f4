/**
 * The grammar of RFC 8259 over bytes. Nothing is built: a scan says where an object ends and where its members are,
 * or where and why it is not one.
 *
 * Two deliberate differences to a strict parser, both because of what Wazuh writes: bytes from 0x80 on are taken as they
 * come inside strings (cJSON does not check UTF-8, so alerts.json may hold anything), and nesting ends at 1000 levels
 * (cJSON's own limit, CJSON_NESTING_LIMIT).
 *
 * `scanText` of the kernel finds the same of an ordinary text, faster; this one says where and why a text does not fit.
 */
import { maxDepth, memberSize } from "../kernel/memory.ts";

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const backslash = 0x5c;
const slash = 0x2f;
const space = 0x20;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** 1 for each byte that represents itself in a string. */
const plain = new Uint8Array(256).fill(1, 0x20);
plain[quote] = 0;
plain[backslash] = 0;

/** 1 for each of those that is also a character of its own. */
const ascii = plain.slice().fill(0, 0x80);

/** 1 for each byte that may follow a backslash and ends the escape. */
const escapes = new Uint8Array(256);
for (const byte of Buffer.from('"\\/bfnrt')) escapes[byte] = 1;

/** 1 for each hexadecimal digit. */
const hexDigits = new Uint8Array(256);
for (const byte of Buffer.from("0123456789abcdefABCDEF")) hexDigits[byte] = 1;

const literals: ReadonlyMap<number, Buffer> = new Map(
  ["true", "false", "null"].map((text) => [text.charCodeAt(0), Buffer.from(text)]),
);

/** Of the containers that are open: where each begins. Shared, as a scan never pauses: there is one at a time. */
const opened = new Int32Array(maxDepth);
/** The same for the place on the tape of the member whose value it is; the outermost object and elements have none. */
const owners = new Int32Array(maxDepth);
const none = -1;

/** Every decimal number of up to this many digits survives in a double (DBL_DIG). */
const maxExactDigits = 15;

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39;

/** The first index at or after `at` that is not JSON whitespace. */
export function skipSpace(bytes: Uint8Array, at: number, end: number): number {
  let i = at;
  for (; i < end; i++) {
    const byte = bytes[i]!;
    if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) break;
  }
  return i;
}

/** The index after a string of plain ASCII that begins at `at`; negative when there is none. */
function readAscii(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end || bytes[at] !== quote) return -1;
  let i = at + 1;
  while (i < end && ascii[bytes[i]!] === 1) i++;
  return i < end && bytes[i] === quote ? i + 1 : -1;
}

/** Escapes met so far that cJSON never prints: `\\/`, and `\\u` for characters that do not need it. */
let foreignEscapes = 0;

/** The index after a string that begins at `at`, or the complement (`~`) of the index of what does not fit. */
export function readString(bytes: Uint8Array, at: number, end: number): number {
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
      if (bytes[i] === slash) foreignEscapes++;
      i++;
      continue;
    }
    if (i >= end || bytes[i] !== 0x75) return ~i;
    foreignEscapes++;
    i++;
    for (const stop = i + 4; i < stop; i++) {
      if (i >= end || hexDigits[bytes[i]!] !== 1) return ~i;
    }
  }
}

/** Scans of one text. What a scan finds besides its result stays here until the next. */
export class Scanner {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #tape: Int32Array;
  /** How much of the tape is written. */
  tapeLength = 0;
  /** A number was met that a double does not hold to the digit: in exponent form, or with more than 15 digits. */
  hasInexactNumber = false;
  /** Something was met that cJSON prints in another way: blanks between tokens, an escape, a number (`reprint`). */
  hasForeignForm = false;
  /** Index of the byte that does not fit, or the end if something is missing. */
  failedAt = -1;
  reason = "";
  /** Start and end of the object that was closed last: what a torn line may still hold whole. */
  closedStart = -1;
  closedEnd = -1;

  /** @param tape as long as the text, at least */
  constructor(bytes: Uint8Array, tape: Int32Array) {
    this.#bytes = bytes;
    this.#end = bytes.length;
    this.#tape = tape;
  }

  /**
   * Reads an object and writes its members on the tape, from the tape's beginning. No recursion.
   * @returns the index after the object, or -1, having set `failedAt` and `reason`
   */
  object(at: number): number {
    const bytes = this.#bytes;
    const end = this.#end;
    const tape = this.#tape;
    if (at >= end || bytes[at] !== openBrace) return this.#fail(at, "an object is expected");
    let length = 0;
    let depth = 0;
    let isObject = false;
    let i = at;
    const escapesBefore = foreignEscapes;
    for (;;) {
      // Here begins the outermost object, a member of an object or an element of an array.
      let member = none;
      if (isObject) {
        member = length;
        length += memberSize;
        tape[member] = i;
        let keyEnd = readAscii(bytes, i, end);
        if (keyEnd < 0) {
          tape[member] = ~i;
          keyEnd = this.#string(i);
          if (keyEnd < 0) return -1;
        }
        tape[member + 1] = keyEnd;
        i = keyEnd < end && bytes[keyEnd]! > space ? keyEnd : this.#skip(keyEnd);
        if (i >= end || bytes[i] !== colon) return this.#fail(i, "a colon is expected");
        i++;
        if (i >= end || bytes[i]! <= space) i = this.#skip(i);
        tape[member + 2] = i;
      }
      const first = i < end ? bytes[i]! : -1;
      if (first === openBrace || first === openBracket) {
        if (depth >= maxDepth) return this.#fail(i, `nested deeper than ${maxDepth} levels`);
        isObject = first === openBrace;
        opened[depth] = i;
        owners[depth++] = member;
        i++;
        if (i >= end || bytes[i]! <= space) i = this.#skip(i);
        if (i >= end || bytes[i] !== first + 2) continue;
        // An empty container: its closing byte is met below.
      } else {
        i = first === quote ? this.#string(i) : this.#scalar(i, first);
        if (i < 0) return -1;
        if (member !== none) {
          tape[member + 3] = i;
          tape[member + 4] = length;
        }
      }
      for (;;) {
        if (i >= end || bytes[i]! <= space) i = this.#skip(i);
        const byte = i < end ? bytes[i]! : -1;
        if (byte === comma) break;
        if (byte !== (isObject ? closeBrace : closeBracket)) {
          return this.#fail(i, `a comma or the end of the ${isObject ? "object" : "array"} is expected`);
        }
        i++;
        depth--;
        if (isObject) {
          this.closedStart = opened[depth]!;
          this.closedEnd = i;
        }
        if (depth === 0) {
          this.tapeLength = length;
          if (foreignEscapes !== escapesBefore) this.hasForeignForm = true;
          return i;
        }
        const owner = owners[depth]!;
        if (owner !== none) {
          tape[owner + 3] = i;
          tape[owner + 4] = length;
        }
        isObject = bytes[opened[depth - 1]!] === openBrace;
      }
      i++;
      if (i >= end || bytes[i]! <= space) i = this.#skip(i);
    }
  }

  /** Blanks between two tokens: rare, because what writes alerts.json prints none. */
  #skip(at: number): number {
    const i = skipSpace(this.#bytes, at, this.#end);
    if (i > at) this.hasForeignForm = true;
    return i;
  }

  #fail(at: number, reason: string): -1 {
    this.failedAt = Math.min(at, this.#end);
    this.reason = reason;
    return -1;
  }

  #string(at: number): number {
    const i = readString(this.#bytes, at, this.#end);
    return i < 0 ? this.#inString(~i) : i;
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
    const first = bytes[at] === 0x2d ? at + 1 : at;
    const isZero = first < this.#end && bytes[first] === 0x30;
    let i = isZero ? first + 1 : this.#digits(first);
    if (i > first + maxExactDigits) this.hasInexactNumber = this.hasForeignForm = true;
    // `-0` is printed as `0`.
    if (isZero && first > at) this.hasForeignForm = true;
    if (i > 0 && i < this.#end && bytes[i] === 0x2e) {
      i = this.#digits(i + 1);
      this.hasForeignForm = true;
      if (i > first + 1 + maxExactDigits) this.hasInexactNumber = true;
    }
    if (i > 0 && i < this.#end && (bytes[i]! | 0x20) === 0x65) {
      this.hasInexactNumber = this.hasForeignForm = true;
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
