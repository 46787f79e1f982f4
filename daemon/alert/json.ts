/**
 * JSON as spans of bytes: what is not asked for is never decoded, and what is passed on is passed on as it was written
 * (64-bit numbers, escapes, duplicate keys). A document is validated whole, once; its members are found on demand.
 */
import { longestText, memberSize, kernelText, kernelTape } from "../kernel/memory.ts";
import { notAnObject } from "../kernel/plain.ts";
import { scannedForeignForm, scannedInexactNumber, scanText } from "../kernel/scan.ts";
import { Scanner, skipSpace } from "./scanner.ts";
import { decodeValue, Value } from "./value.ts";

const openBrace = 0x7b;

export class NotJson extends Error {
  override readonly name = "NotJson";
  /** Index of the byte that does not fit, or of the end if something is missing. */
  readonly offset: number;

  constructor(offset: number, reason: string) {
    super(`${reason} at byte ${offset}`);
    this.offset = offset;
  }
}

/**
 * What a scan finds of a text. There is one for all: a tape for each would double what an alert weighs while it waits
 * for its outcome, and by then hardly anything is asked of it; what is, costs another scan.
 */
class LastScan {
  /** How many scans there were: names the text that was scanned last. */
  number = 0;
  tape = kernelTape;
  tapeLength = 0;
  hasInexactNumber = false;
  hasForeignForm = false;
  /** Whether the kernel made it, so that the text is in the kernel's memory. */
  isKernels = false;
}

/** What was found of the text that was scanned last. */
export const lastScan: Readonly<LastScan> = new LastScan();
const found: LastScan = lastScan;

/**
 * Scans a text.
 * @returns the number of the scan
 * @throws NotJson if the bytes are not JSON, or are JSON but not an object
 */
export function scanDocument(bytes: Uint8Array): number {
  found.number += 1;
  found.isKernels = false;
  if (bytes.length <= longestText) {
    kernelText.set(bytes);
    const length = scanText(0, bytes.length);
    if (length !== notAnObject) {
      found.isKernels = true;
      found.tape = kernelTape;
      found.tapeLength = length;
      found.hasInexactNumber = scannedInexactNumber();
      found.hasForeignForm = scannedForeignForm();
      return found.number;
    }
  }
  scanThoroughly(bytes);
  return found.number;
}

/** The same for a text of any length, and with the place and the reason if it does not fit. */
function scanThoroughly(bytes: Uint8Array): void {
  found.tape = bytes.length > kernelTape.length ? new Int32Array(bytes.length) : kernelTape;
  const scanner = new Scanner(bytes, found.tape);
  const start = skipSpace(bytes, 0, bytes.length);
  const end = scanner.object(start);
  if (end < 0) throw new NotJson(scanner.failedAt, scanner.reason);
  const rest = skipSpace(bytes, end, bytes.length);
  if (rest < bytes.length) throw new NotJson(rest, "text after the object");
  found.tapeLength = scanner.tapeLength;
  found.hasInexactNumber = scanner.hasInexactNumber;
  found.hasForeignForm = scanner.hasForeignForm || start > 0 || end < bytes.length;
}

/** A JSON object, with nothing but whitespace around it. */
export class Document {
  readonly bytes: Buffer;
  /** Some number in it, however deep, is in exponent form or has more than 15 digits. */
  readonly hasInexactNumber: boolean;
  /** Whether it is written differently from how cJSON would print it; see `reprint`. */
  readonly hasForeignForm: boolean;
  readonly #tapeLength: number;
  #scan: number;

  /**
   * @param scan the number of a scan of these bytes, if there was one
   * @throws NotJson if the bytes are not JSON, or are JSON but not an object
   */
  constructor(bytes: Buffer, scan: number = scanDocument(bytes)) {
    this.bytes = bytes;
    this.#scan = scan === lastScan.number ? scan : scanDocument(bytes);
    this.#tapeLength = lastScan.tapeLength;
    this.hasInexactNumber = lastScan.hasInexactNumber;
    this.hasForeignForm = lastScan.hasForeignForm;
  }

  get members(): Members {
    return new Members(this, 0, this.#tapeLength);
  }

  /** The member at a path of keys, the last one where a key repeats; undefined if the path ends early. */
  member(path: readonly string[]): Member | undefined {
    const tape = this.tape();
    let at = -1;
    let from = 0;
    let to = this.#tapeLength;
    for (const key of path) {
      at = lastOf(this.bytes, tape, from, to, key);
      if (at < 0) return undefined;
      from = at + memberSize;
      to = this.bytes[tape[at + 2]!] === openBrace ? tape[at + 4]! : from;
    }
    return at < 0 ? undefined : new Member(this, at);
  }

  /** Where all its members are, as the scanner lays them out; valid until another document is asked. */
  tape(): Int32Array {
    if (this.#scan !== lastScan.number) this.#scan = scanDocument(this.bytes);
    return lastScan.tape;
  }
}

/** A value with its key. Holds no more than its place on the tape: there are dozens for each alert. */
export class Member extends Value {
  readonly #document: Document;
  readonly #at: number;

  constructor(document: Document, at: number) {
    super();
    this.#document = document;
    this.#at = at;
  }

  get bytes(): Buffer {
    return this.#document.bytes;
  }

  get start(): number {
    return this.#document.tape()[this.#at + 2]!;
  }

  get end(): number {
    return this.#document.tape()[this.#at + 3]!;
  }

  get keyStart(): number {
    const start = this.#document.tape()[this.#at]!;
    return start < 0 ? ~start : start;
  }

  get keyEnd(): number {
    return this.#document.tape()[this.#at + 1]!;
  }

  /** The key, decoded. */
  get key(): string {
    return decodeValue(this.bytes, this.keyStart, this.keyEnd);
  }

  /** The members of an object in their order, duplicates included; none if this is not an object. */
  members(): Members {
    const first = this.#at + memberSize;
    return new Members(this.#document, first, this.kind === "object" ? this.#document.tape()[this.#at + 4]! : first);
  }
}

/** The members of one object. Keys are never property names, so `__proto__` is a key like any other. */
export class Members implements Iterable<Member> {
  readonly #document: Document;
  /** The stretch of the tape where they are, each followed by its own members. */
  readonly from: number;
  readonly to: number;

  constructor(document: Document, from: number, to: number) {
    this.#document = document;
    this.from = from;
    this.to = to;
  }

  get isEmpty(): boolean {
    return this.from === this.to;
  }

  /** Brings the document's tape in place. @returns whether it is the kernel's, and the text is in its memory */
  areInKernel(): boolean {
    this.#document.tape();
    return lastScan.isKernels;
  }

  /** The member with this key, the last one if the key repeats. */
  get(key: string): Member | undefined {
    const at = lastOf(this.#document.bytes, this.#document.tape(), this.from, this.to, key);
    return at < 0 ? undefined : new Member(this.#document, at);
  }

  /** The same for each of several keys; fastest when they are in the order of the members. */
  named(keys: readonly string[]): (Member | undefined)[] {
    const { bytes } = this.#document;
    const tape = this.#document.tape();
    const found = keys.map((): Member | undefined => undefined);
    let next = 0;
    for (let at = this.from; at < this.to; at = tape[at + 4]!) {
      for (let tries = keys.length; tries > 0; tries--) {
        const index = next;
        next = next + 1 < keys.length ? next + 1 : 0;
        if (isKey(bytes, tape, at, keys[index]!)) {
          found[index] = new Member(this.#document, at);
          break;
        }
      }
    }
    return found;
  }

  *[Symbol.iterator](): Iterator<Member> {
    for (let at = this.from; at < this.to; at = this.#document.tape()[at + 4]!) {
      yield new Member(this.#document, at);
    }
  }
}

/** The place on the tape of the last member with this key, from one place up to another; -1 if there is none. */
function lastOf(bytes: Buffer, tape: Int32Array, from: number, to: number, key: string): number {
  let found = -1;
  for (let at = from; at < to; at = tape[at + 4]!) if (isKey(bytes, tape, at, key)) found = at;
  return found;
}

function isKey(bytes: Buffer, tape: Int32Array, at: number, key: string): boolean {
  const start = tape[at]!;
  const end = tape[at + 1]!;
  if (start < 0) return decodeValue(bytes, ~start, end) === key;
  if (end - start - 2 !== key.length) return false;
  for (let i = 0; i < key.length; i++) {
    if (bytes[start + 1 + i] !== key.charCodeAt(i)) return false;
  }
  return true;
}
