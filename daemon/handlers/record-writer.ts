import type { Member } from "../alert/json.ts";
import type { Value } from "../alert/value.ts";
import { validUtf8 } from "./json-value.ts";
import { capitalise, escapeAttribute, escapeText } from "./xml.ts";

const quote = 0x22;
const backslash = 0x5c;
const smallA = 0x61;
const smallZ = 0x7a;
const capitalsBefore = 0x20;

/** 1 for each byte that means itself in JSON, in XML's text and in its attributes alike. */
const plain = new Uint8Array(256).fill(1, 0x20, 0x80);
for (const byte of Buffer.from('"\\&<>')) plain[byte] = 0;

/** Room that is kept from one record to the next. */
const keptBytes = 64 * 1024;
/** From here on copying by a call is faster than byte by byte. */
const shortBytes = 24;

const nullText = Buffer.from("null");

/** What is written in XML, as JSON has it, in place of other bytes of a JSON string. A byte that is in neither is a rare one. */
interface Replacements {
  readonly bytes: readonly (Buffer | undefined)[];
  /** By the byte behind a backslash. */
  readonly escapes: readonly (Buffer | undefined)[];
}

function replacements(escape: (text: string) => string): Replacements {
  const table = (pairs: Readonly<Record<string, string>>): (Buffer | undefined)[] => {
    const found = Array.from({ length: 256 }, (): Buffer | undefined => undefined);
    for (const [byte, text] of Object.entries(pairs)) found[byte.charCodeAt(0)] = ready(escape(text));
    return found;
  };
  return {
    bytes: table({ "&": "&", "<": "<", ">": ">" }),
    escapes: table({ '"': '"', "\\": "\\", "/": "/", n: "\n", r: "\r", t: "\t" }),
  };
}

/** Of the memory that values are cut from. */
const pieceBytes = 64 * 1024;

const inText = replacements(escapeText);
const inAttribute = replacements(escapeAttribute);

/** Text to be written as it is inside a JSON string, once for all records. */
export function ready(text: string): Buffer {
  return Buffer.from(JSON.stringify(text).slice(1, -1));
}

/**
 * Memory for values, cut from pieces that hold nothing else. A value is encoded into a batch at once, and the alert is kept
 * until its outcome: in one piece with it, as Node would cut both, the value's memory would be kept as well.
 */
class ValueMemory {
  #piece = Buffer.alloc(0);
  /** How much of the piece was given away. */
  #used = 0;

  take(bytes: number): Buffer {
    if (bytes > pieceBytes / 8) return Buffer.allocUnsafeSlow(bytes);
    if (bytes > this.#piece.length - this.#used) {
      this.#piece = Buffer.allocUnsafeSlow(pieceBytes);
      this.#used = 0;
    }
    this.#used += bytes;
    return this.#piece.subarray(this.#used - bytes, this.#used);
  }
}

/**
 * Writes the value of a record: JSON, with XML in its strings. The values of an alert are JSON already, and nearly all
 * of their bytes are the same there, in XML, and in JSON again: those are copied. Any other value goes the long way: it
 * is decoded, escaped for XML and escaped for JSON. The result is valid UTF-8, as JSON demands: where a value is not,
 * its bad bytes are replaced.
 */
export class RecordWriter {
  #target = Buffer.allocUnsafe(keptBytes);
  /** How much is written. */
  #at = 0;
  readonly #values = new ValueMemory();

  get length(): number {
    return this.#at;
  }

  begin(): void {
    this.#at = 0;
  }

  /** What was written since `begin`, in a buffer of its own. */
  end(): Buffer {
    const value = this.#values.take(this.#at);
    this.#target.copy(value, 0, 0, this.#at);
    if (this.#target.length > keptBytes) this.#target = Buffer.allocUnsafe(keptBytes);
    return value;
  }

  /** Bytes that are JSON, or part of it, as they are. */
  markup(bytes: Buffer): void {
    const target = this.#room(bytes.length);
    if (bytes.length > shortBytes) target.set(bytes, this.#at);
    else for (let i = 0; i < bytes.length; i++) target[this.#at + i] = bytes[i]!;
    this.#at += bytes.length;
  }

  /** Once more what was written from `start` up to `end`. */
  repeat(start: number, end: number): void {
    this.#room(end - start).copyWithin(this.#at, start, end);
    this.#at += end - start;
  }

  /** A value as it was written: numbers of any size, duplicate keys and escapes stay. A missing one is null. */
  json(value: Value | undefined): void {
    this.markup(value === undefined ? nullText : validUtf8(value.raw));
  }

  /** A value as text in an element: a string decoded, anything else as it was written. */
  text(value: Value): void {
    if (!this.#value(value, inText)) this.markup(ready(escapeText(value.text)));
  }

  /** The same between the quotes of an attribute. */
  attribute(value: Value): void {
    if (!this.#value(value, inAttribute)) this.markup(ready(escapeAttribute(value.text)));
  }

  /** The key of a member, with its first character in upper case, between the quotes of an attribute. */
  capitalKey(member: Member): void {
    const from = this.#at;
    const { bytes, keyStart, keyEnd } = member;
    if (!this.#copy(bytes, keyStart + 1, keyEnd - 1, inAttribute)) {
      return this.markup(ready(escapeAttribute(capitalise(member.key))));
    }
    const first = this.#at > from ? this.#target[from]! : 0;
    if (first >= smallA && first <= smallZ) this.#target[from] = first - capitalsBefore;
  }

  #value({ bytes, start, end }: Value, replaced: Replacements): boolean {
    const inner = bytes[start] === quote ? 1 : 0;
    return this.#copy(bytes, start + inner, end - inner, replaced);
  }

  /**
   * Copies what is between the quotes of a string, or an unquoted value up to its first quote. Writes nothing and
   * returns false when a byte has no replacement.
   */
  #copy(bytes: Buffer, start: number, end: number, replaced: Replacements): boolean {
    const begin = this.#at;
    let target = this.#room(end - start);
    let to = begin;
    for (let from = start; from < end; from++) {
      const byte = bytes[from]!;
      if (plain[byte] === 1) {
        target[to++] = byte;
        continue;
      }
      const mark = byte === backslash ? replaced.escapes[bytes[++from]!] : replaced.bytes[byte];
      if (mark === undefined) {
        this.#at = begin;
        return false;
      }
      this.#at = to;
      target = this.#room(mark.length + end - from);
      for (let i = 0; i < mark.length; i++) target[to++] = mark[i]!;
    }
    this.#at = to;
    return true;
  }

  #room(bytes: number): Buffer {
    const wanted = this.#at + bytes;
    if (wanted > this.#target.length) {
      const larger = Buffer.allocUnsafe(Math.max(wanted, this.#target.length * 2));
      larger.set(this.#target.subarray(0, this.#at));
      this.#target = larger;
    }
    return this.#target;
  }
}
