/** What the splitter asks of the intake. */
export interface LineFilter {
  next(bytes: Buffer, from: number, end: number): number;
  ignored(lines: number): void;
  /** Whether a line that `next` passed by must still be delivered, because it may be torn; default: no line. */
  mayBeTorn?(line: Buffer): boolean;
}

/** A line that the tail must hand on. */
export interface LogLine {
  readonly kind: "line" | "over-long";
  /** Offset of its first byte in the log file. */
  readonly offset: number;
  /** All its bytes, without the newline. */
  readonly length: number;
  /** The line, or its beginning when it is over-long; valid until the next piece is asked for, unless `isOwn`. */
  readonly bytes: Buffer;
  /** The bytes belong to whoever takes the piece: a long line is not copied again. */
  readonly isOwn: boolean;
}

const newline = 0x0a;
const opening = 0x7b;
const closing = 0x7d;
const smallBytes = 64 * 1024;
/** A longer line is rare, and gets a buffer of its own, of the largest size. */
const longBytes = 1024 * 1024;

/**
 * Makes lines out of chunks. A line is complete at its newline and never before. Irrelevant lines are only counted:
 * the filter names the next relevant byte, and everything before its line is passed by. Of what is passed by, lines that
 * begin like JSON and do not end like it are shown to the filter, and so is each line that did not come in one chunk: when
 * analysisd is killed in mid-line, that line is met at the end of the file before it goes on. The rest costs nothing.
 *
 * Between chunks only the beginning of the unfinished line is kept, at most `maxLineBytes` of it.
 */
export class LineSplitter {
  readonly #filter: LineFilter;
  readonly #maxLineBytes: number;
  /** Holds the unfinished line; given away with a long one. */
  #carry = Buffer.allocUnsafe(smallBytes);
  /** Length of the unfinished line so far; more than the carry holds when it is over-long. */
  #carried = 0;
  #lineStart = 0;

  constructor(filter: LineFilter, maxLineBytes: number) {
    this.#filter = filter;
    this.#maxLineBytes = maxLineBytes;
  }

  /** Offset at which the unfinished line begins, or the next one when there is none. */
  get lineStart(): number {
    return this.#lineStart;
  }

  /** Restarts at an offset where a line begins; an unfinished line is forgotten. */
  reset(offset: number): void {
    this.#lineStart = offset;
    this.#shrink();
  }

  /** Takes the next chunk; the caller must ask for all its pieces before the next one. */
  *push(chunk: Buffer): Generator<LogLine> {
    let at = 0;
    if (this.#carried > 0) {
      const end = chunk.indexOf(newline);
      if (end < 0) {
        this.#absorb(chunk);
        return;
      }
      this.#absorb(chunk.subarray(0, end));
      const piece = this.rest();
      if (piece.kind === "over-long" || this.#isRelevant(piece.bytes) || this.#mayBeTorn(piece.bytes)) yield piece;
      else this.#filter.ignored(1);
      this.#lineStart += piece.length + 1;
      this.#shrink();
      at = end + 1;
    }
    const base = this.#lineStart - at;
    const end = chunk.lastIndexOf(newline) + 1;
    while (at < end) {
      const hit = this.#filter.next(chunk, at, end);
      const start = hit < 0 ? end : hit === at ? at : Math.max(at, chunk.lastIndexOf(newline, hit - 1) + 1);
      if (start > at) yield* this.#passBy(chunk, at, start, base);
      if (hit < 0) break;
      const stop = chunk.indexOf(newline, hit);
      yield this.#piece(chunk, start, stop, base);
      at = stop + 1;
    }
    this.#lineStart = base + end;
    this.#absorb(chunk.subarray(end));
  }

  /** The unfinished line so far; empty if there is none. */
  rest(): LogLine {
    const length = this.#carried;
    const kept = Math.min(length, this.#maxLineBytes);
    const kind = length > this.#maxLineBytes ? "over-long" : "line";
    const isOwn = this.#carry.length > longBytes;
    return { kind, offset: this.#lineStart, length, bytes: this.#carry.subarray(0, kept), isOwn };
  }

  /** Counts whole lines of no interest; only an over-long or a torn one among them is a piece. */
  *#passBy(chunk: Buffer, from: number, to: number, base: number): Generator<LogLine> {
    let lines = 0;
    for (let at = from; at < to;) {
      const stop = chunk.indexOf(newline, at);
      const isOpen = chunk[at] === opening && stop > at && chunk[stop - 1] !== closing;
      const isPiece = stop - at > this.#maxLineBytes || (isOpen && this.#mayBeTorn(chunk.subarray(at, stop)));
      if (isPiece) {
        // What is before the piece is counted before the position moves up to it.
        if (lines > 0) this.#filter.ignored(lines);
        lines = 0;
        yield this.#piece(chunk, at, stop, base);
      } else lines++;
      at = stop + 1;
    }
    if (lines > 0) this.#filter.ignored(lines);
  }

  #piece(chunk: Buffer, start: number, stop: number, base: number): LogLine {
    const length = stop - start;
    const isOverLong = length > this.#maxLineBytes;
    const bytes = chunk.subarray(start, isOverLong ? start + this.#maxLineBytes : stop);
    return { kind: isOverLong ? "over-long" : "line", offset: base + start, length, bytes, isOwn: false };
  }

  #isRelevant(line: Buffer): boolean {
    return line.length > 0 && this.#filter.next(line, 0, line.length) >= 0;
  }

  #mayBeTorn(line: Buffer): boolean {
    return this.#filter.mayBeTorn?.(line) === true;
  }

  #absorb(bytes: Buffer): void {
    const kept = Math.min(this.#carried, this.#maxLineBytes);
    const wanted = Math.min(kept + bytes.length, this.#maxLineBytes);
    if (wanted > this.#carry.length) {
      // Doubling on and on would leave as much garbage as the line is long; memory that is not written to costs nothing.
      const bytes =
        wanted > longBytes ? this.#maxLineBytes : Math.min(Math.max(wanted, this.#carry.length * 2), longBytes);
      const larger = Buffer.allocUnsafe(bytes);
      this.#carry.copy(larger, 0, 0, kept);
      this.#carry = larger;
    }
    bytes.copy(this.#carry, kept, 0, wanted - kept);
    this.#carried += bytes.length;
  }

  #shrink(): void {
    this.#carried = 0;
    if (this.#carry.length > longBytes) this.#carry = Buffer.allocUnsafe(smallBytes);
  }
}
