/**
 * An alert as Wazuh's cJSON prints it again. integratord parses each line of alerts.json and prints it again for the
 * program that it runs, so the copy that comes by the socket is written in this form: no blanks between tokens, escapes
 * only for what needs one, a string cut at a NUL, a number as a double holds it (seen with the real integratord 4.14.7:
 * order and duplicates of keys and bytes that are not UTF-8 stay). Two copies that say the same have the same re-print,
 * and doing it twice changes nothing.
 */
import { isUtf8 } from "node:buffer";
import { createHash, hash } from "node:crypto";
import { lastScan, NotJson, scanDocument } from "./json.ts";

const quote = 0x22;
const backslash = 0x5c;
const space = 0x20;

/** By character: the letter of its short escape. */
const shortEscapes = new Map([
  [quote, '"'],
  [backslash, "\\"],
  [0x08, "b"],
  [0x0c, "f"],
  [0x0a, "n"],
  [0x0d, "r"],
  [0x09, "t"],
]);
/** By the letter of a short escape: its character. */
const escaped = new Map([...shortEscapes].map(([code, letter]) => [letter.charCodeAt(0), code]));
escaped.set(0x2f, 0x2f);

/** cJSON keeps a number as a double and prints 15 digits of it (print_number). */
const printedDigits = 15;

/** Where a re-print goes, piece by piece: nothing of it is kept, however many pieces there are. */
class Printer {
  readonly #write: (piece: Buffer) => void;
  #length = 0;

  /** @param write takes a piece, which is valid only during the call */
  constructor(write: (piece: Buffer) => void) {
    this.#write = write;
  }

  /** Bytes as they are. */
  copy(bytes: Buffer, from: number, to: number): void {
    if (to - from >= sheet.length) {
      this.end();
      this.#write(bytes.subarray(from, to));
      return;
    }
    if (to - from > sheet.length - this.#length) this.end();
    if (to - from < shortBytes) for (let at = from; at < to; at++) sheet[this.#length++] = bytes[at]!;
    else this.#length += bytes.copy(sheet, this.#length, from, to);
  }

  /** A text of a few characters. */
  text(text: string): void {
    if (sheet.length - this.#length < longestTextBytes) this.end();
    this.#length += sheet.write(text, this.#length);
  }

  /** Hands on what is left. */
  end(): void {
    if (this.#length > 0) this.#write(sheet.subarray(0, this.#length));
    this.#length = 0;
  }
}

/** One is enough: a re-print is made without a pause. */
const sheet = Buffer.alloc(64 * 1024);
/** Up to that, bytes are copied faster one by one. */
const shortBytes = 16;
const longestTextBytes = 64;

/**
 * The re-print of a JSON text.
 * @param bytes valid JSON; bytes from 0x80 on may be anything
 */
export function reprint(bytes: Buffer): Buffer {
  const pieces: Buffer[] = [];
  print(bytes, (piece) => pieces.push(Buffer.from(piece)));
  return Buffer.concat(pieces);
}

function print(bytes: Buffer, write: (piece: Buffer) => void): void {
  const printer = new Printer(write);
  let at = 0;
  while (at < bytes.length) {
    const byte = bytes[at]!;
    if (byte <= space) at++;
    else if (byte === quote) at = printString(bytes, at, printer);
    else if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) at = printNumber(bytes, at, printer);
    else {
      const from = at++;
      while (at < bytes.length && isVerbatim(bytes[at]!)) at++;
      printer.copy(bytes, from, at);
    }
  }
  printer.end();
}

/** Represents itself outside of strings and numbers. */
function isVerbatim(byte: number): boolean {
  return byte > space && byte !== quote && byte !== 0x2d && !(byte >= 0x30 && byte <= 0x39);
}

/** @returns the index behind the string */
function printString(bytes: Buffer, start: number, printer: Printer): number {
  let from = start;
  let isCut = false;
  let at = start + 1;
  for (; bytes[at] !== quote;) {
    if (bytes[at] !== backslash) {
      at++;
      continue;
    }
    if (!isCut) printer.copy(bytes, from, at);
    const [code, end] = escapeAt(bytes, at);
    if (code === 0) isCut = true;
    else if (!isCut) printer.text(printedCharacter(code));
    at = from = end;
  }
  printer.copy(bytes, isCut ? at : from, at + 1);
  return at + 1;
}

/** The character of the escape that begins there, and the index behind it; two escapes that are a pair are one. */
function escapeAt(bytes: Buffer, at: number): [code: number, end: number] {
  const letter = bytes[at + 1]!;
  if (letter !== 0x75) return [escaped.get(letter) ?? letter, at + 2];
  const high = hexAt(bytes, at + 2);
  if (high >= 0xd800 && high < 0xdc00 && bytes[at + 6] === backslash && bytes[at + 7] === 0x75) {
    const low = hexAt(bytes, at + 8);
    if (low >= 0xdc00 && low < 0xe000) return [0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00), at + 12];
  }
  return [high, at + 6];
}

function hexAt(bytes: Buffer, at: number): number {
  let value = 0;
  for (let i = at; i < at + 4; i++) {
    const byte = bytes[i]!;
    value = value * 16 + (byte <= 0x39 ? byte - 0x30 : (byte | 0x20) - 0x57);
  }
  return value;
}

function printedCharacter(code: number): string {
  const letter = shortEscapes.get(code);
  if (letter !== undefined) return `\\${letter}`;
  if (code < space) return `\\u${code.toString(16).padStart(4, "0")}`;
  // cJSON refuses half of a pair, and with it the whole line: any form that is always the same will do.
  if (code >= 0xd800 && code < 0xe000) return `\\u${code.toString(16)}`;
  return String.fromCodePoint(code);
}

/** @returns the index behind the number */
function printNumber(bytes: Buffer, start: number, printer: Printer): number {
  let end = start;
  let isWhole = true;
  for (; end < bytes.length && isNumeric(bytes[end]!); end++) {
    const byte = bytes[end]!;
    if (byte < 0x30 && end > start) isWhole = false;
    if (byte > 0x39) isWhole = false;
  }
  // What a double holds to the digit; but for -0, which has no sign in print.
  if (isWhole && end - start <= printedDigits && bytes[start] !== 0x2d) printer.copy(bytes, start, end);
  else printer.text(printedNumber(bytes.toString("latin1", start, end)));
  return end;
}

function isNumeric(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || byte === 0x2b || byte === 0x2d || byte === 0x2e || (byte | 0x20) === 0x65;
}

/** Not always to the letter what cJSON prints, but the same for a number and for what cJSON prints of it. */
function printedNumber(text: string): string {
  const value = Number(text);
  if (!Number.isFinite(value)) return "null";
  return String(Number(value.toPrecision(printedDigits)) + 0);
}

/** Characters of a content digest, each one byte. */
const digestLength = 8;

/**
 * What an alert, or a record's value, says, in 64 bits: the same for two copies of which one is a re-print of the other.
 * Taken from SHA-256, so nobody can make another text with the digest of somebody else's. Nothing as safe is faster in
 * Node 20 (2 KB: 2.6 us, of which 1.2 are the call itself; BLAKE2b 4.6, SHA-512/256 6, BLAKE2s 7).
 * @param isReprinted whether the bytes are in the form that `reprint` gives, as a scan reports; it is then not called
 * @returns 8 characters of one byte each
 */
export function contentDigest(bytes: Buffer, isReprinted: boolean): string {
  if (isReprinted) return hash("sha256", bytes, "binary").slice(0, digestLength);
  const digest = createHash("sha256");
  print(bytes, (piece) => digest.update(piece));
  return digest.digest("binary").slice(0, digestLength);
}

/**
 * The content digest of a record's value, whether it is JSON or not. Bytes that are not UTF-8 count as U+FFFD: a file of
 * records holds values as text.
 */
export function valueDigest(value: Buffer | null): string {
  if (value === null) return hash("sha256", "", "binary").slice(0, digestLength);
  const text = isUtf8(value) ? value : Buffer.from(value.toString());
  return contentDigest(text, !isForeignJson(text));
}

function isForeignJson(text: Buffer): boolean {
  try {
    scanDocument(text);
    return lastScan.hasForeignForm;
  } catch (reason) {
    if (reason instanceof NotJson) return false; // Not ours to print again.
    throw reason;
  }
}
