/**
 * Reads a segment of the dead-letter store line by line, in bounded memory whatever it contains: root reads a
 * store that the forwarder's account may have filled with anything.
 *
 * A line as we write it is a short head and base64: `{"version":1,...,"raw":"..."}`. Of a long line only the head is
 * parsed and held; the rest is checked as it passes. Any other long line is not ours.
 */
import type { FileHandle } from "node:fs/promises";
import { openForReading } from "../disk/open-file.ts";
import { DfnError } from "../errors.ts";
import { isDeadLetter, type DeadLetter } from "./line.ts";

/** A line of up to this is parsed whole; in it JSON needs no form. */
const wholeBytes = 1024 * 1024;
/** More than any head has: its longest part is the path of a file. */
const headBytes = 256 * 1024;
/** Our segments have 4 MiB and one line, and the longest line comes from `max_line`, at most 256 MiB. */
export const maxSegmentBytes = 512 * 1024 * 1024;
/** Twenty times what a segment of ours can hold. */
const maxLines = 1_000_000;
/** Lines that cannot be read; a process leaves one when it is killed. */
const maxUnreadable = 10_000;
const chunkBytes = 1024 * 1024;
const newline = 0x0a;
const rawBegins = Buffer.from(',"raw":"');
const lineEnds = Buffer.from('"}');
const padding = 0x3d;

/** The characters of base64, by byte. */
const isBase64 = new Uint8Array(256);
for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") {
  isBase64[character.charCodeAt(0)] = 1;
}

/** Where the base64 of the alert's bytes is in the file. */
interface RawRange {
  readonly from: number;
  readonly length: number;
  /** What it holds when it is decoded. */
  readonly bytes: number;
}

export interface ScannedLine {
  /** From 1. */
  readonly number: number;
  /** Of its first byte in the file. */
  readonly from: number;
  /** Bytes, without the newline; at least 1. */
  readonly length: number;
  /** The entry without its raw bytes; undefined when the line cannot be read. */
  readonly letter: DeadLetter | undefined;
  /** Its raw bytes, when they are short: they were parsed with the rest. */
  readonly raw: string | undefined;
  /** Where they are in the file if they are long. */
  readonly rawRange: RawRange | undefined;
  /** Whether its newline is there. */
  readonly isEnded: boolean;
}

/** A place between two lines. */
interface ScanStart {
  /** Bytes before it. */
  readonly from: number;
  /** Of the line behind it. */
  readonly number: number;
}

/**
 * Opens a segment. @throws DfnError IO when it is not a regular file, is a link, or is larger than any that we write;
 * else the system's error
 */
export async function openSegment(path: string): Promise<FileHandle> {
  const file = await openForReading(path);
  try {
    const { size } = await file.stat();
    if (size <= maxSegmentBytes) return file;
    throw new DfnError("IO", `${path} is larger than any file of the dead-letter store: it is not one of ours`);
  } catch (reason) {
    await file.close();
    throw reason;
  }
}

/**
 * The lines of a segment that were not emptied, including a last one without a newline: half written, so it is
 * unreadable, or never reported to anyone as stored.
 * @param start where to begin; by default at the first line
 * @throws DfnError IO when it has more lines, or more that cannot be read, than any that we write
 */
export async function* scanLines(
  path: string,
  file: FileHandle,
  start: ScanStart = { from: 0, number: 1 },
): AsyncGenerator<ScannedLine> {
  const chunk = Buffer.allocUnsafe(chunkBytes);
  const line = new OpenLine(start);
  let unreadable = 0;
  for (let read = start.from; read <= maxSegmentBytes;) {
    const { bytesRead } = await file.read(chunk, 0, chunkBytes, read);
    if (bytesRead === 0) break;
    const bytes = chunk.subarray(0, bytesRead);
    for (let from = 0; from < bytesRead;) {
      if (line.number > maxLines || unreadable > maxUnreadable) {
        throw new DfnError("IO", `${path} has lines that no file of the dead-letter store has: it is not one of ours`);
      }
      if (line.length === 0 && bytes[from] === newline) {
        line.skip();
        from++;
        continue;
      }
      const found = bytes.indexOf(newline, from);
      const to = found < 0 ? bytesRead : found;
      line.take(bytes.subarray(from, to));
      from = to + 1;
      if (found < 0) break;
      const ended = { ...line.end(), isEnded: true };
      if (ended.letter === undefined) unreadable += 1;
      yield ended;
    }
    read += bytesRead;
  }
  if (line.length > 0) yield { ...line.end(), isEnded: false };
}

/** A line that is being read. */
class OpenLine {
  number: number;
  length = 0;
  #from: number;
  /** Its first bytes, up to `wholeBytes`. */
  #parts: Buffer[] = [];
  /** Once it is longer than that: what was seen of its raw bytes; undefined when it is not ours. */
  #long: { readonly letter: DeadLetter; readonly rawAt: number; check: RawCheck } | "foreign" | undefined;

  constructor({ from, number }: ScanStart) {
    this.number = number;
    this.#from = from;
  }

  take(bytes: Buffer): void {
    const before = this.length;
    this.length += bytes.length;
    if (this.length <= wholeBytes) {
      this.#parts.push(Buffer.from(bytes));
      return;
    }
    if (this.#long === undefined) {
      const start = Buffer.concat([...this.#parts, bytes.subarray(0, Math.max(0, wholeBytes - before))]);
      this.#parts = [];
      this.#long = begun(start);
      if (this.#long !== "foreign") this.#long.check.take(start.subarray(this.#long.rawAt));
      bytes = bytes.subarray(Math.max(0, wholeBytes - before));
    }
    if (this.#long !== "foreign") this.#long.check.take(bytes);
  }

  /** An empty line. */
  skip(): void {
    this.#from += 1;
    this.number += 1;
  }

  end(): Omit<ScannedLine, "isEnded"> {
    const place = { number: this.number, from: this.#from, length: this.length };
    const content = this.#content();
    this.#from += this.length + 1;
    this.number += 1;
    this.length = 0;
    this.#parts = [];
    this.#long = undefined;
    return { ...place, ...content };
  }

  #content(): Pick<ScannedLine, "letter" | "raw" | "rawRange"> {
    const nothing = { letter: undefined, raw: undefined, rawRange: undefined };
    if (this.#long === undefined) {
      const whole = letterOf(Buffer.concat(this.#parts).toString());
      if (whole === undefined) return nothing;
      const { raw, ...letter } = whole;
      return { letter, raw, rawRange: undefined };
    }
    if (this.#long === "foreign") return nothing;
    const { letter, rawAt, check } = this.#long;
    if (!check.isDone) return nothing;
    const range = { from: this.#from + rawAt, length: check.length, bytes: check.bytes };
    return { letter, raw: undefined, rawRange: range };
  }
}

/** The head of a long line, and where its raw bytes begin. */
function begun(start: Buffer): { letter: DeadLetter; rawAt: number; check: RawCheck } | "foreign" {
  const at = start.subarray(0, headBytes).indexOf(rawBegins);
  if (at < 0) return "foreign";
  const parsed = letterOf(`${start.toString("utf8", 0, at)}}`);
  if (parsed === undefined) return "foreign";
  const { raw: _former, ...letter } = parsed;
  return { letter, rawAt: at + rawBegins.length, check: new RawCheck() };
}

/** Sees base64 and the end of the line pass. */
class RawCheck {
  /** Of the base64. */
  length = 0;
  #padding = 0;
  #isGood = true;
  /** Bytes of `lineEnds` that were seen. */
  #ended = 0;

  take(bytes: Buffer): void {
    let at = 0;
    if (this.#ended === 0) {
      while (at < bytes.length && isBase64[bytes[at] ?? 0] === 1) {
        this.#padding = bytes[at] === padding ? this.#padding + 1 : 0;
        at++;
      }
      this.length += at;
    }
    for (; at < bytes.length; at++) {
      if (bytes[at] !== lineEnds[this.#ended]) this.#isGood = false;
      this.#ended += 1;
    }
  }

  get isDone(): boolean {
    return this.#isGood && this.#ended === lineEnds.length;
  }

  /** When it is decoded. */
  get bytes(): number {
    return Math.max(0, Math.floor((this.length * 3) / 4) - Math.min(2, this.#padding));
  }
}

function letterOf(line: string): DeadLetter | undefined {
  try {
    const letter: unknown = JSON.parse(line);
    return isDeadLetter(letter) ? letter : undefined;
  } catch {
    return undefined; // Half written when a process was killed; the caller is notified.
  }
}
