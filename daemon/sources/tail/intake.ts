import type { Owner, SourceLocation } from "../../contract.ts";

/**
 * Where the tail puts what it reads. One intake serves one tail; the tail never calls it from two places at once.
 */
export interface TailIntake {
  /**
   * Index of a byte inside the first relevant line at or after `from`, or -1 when there is none before `end`.
   * `bytes[from]` begins a line and the last line ends at `end`. Nothing may be kept between calls: the tail fills its
   * buffers again and again.
   */
  next(bytes: Buffer, from: number, end: number): number;
  /** Whether a line without a relevant byte must still be delivered: an alert in it may be torn. Default: no. */
  mayBeTorn?(line: Buffer): boolean;
  /** Counts complete lines that are of no interest: read and ignored. */
  ignored(lines: number): void;
  /**
   * Takes one relevant line.
   * @param bytes the line without its newline
   * @param owner settles the line in any order among lines, during this call or any time later. Until then the position
   *              stays before it.
   * @param line  its number; see `passed`
   * @param isLent the bytes are the intake's only until it returns; otherwise they are its own
   * @returns false if the line is of no interest: it is then not settled
   */
  deliver(bytes: Buffer, place: SourceLocation, owner: Owner, line: number, isLent: boolean): boolean;
  /**
   * A relevant line comes by that got its outcome before the last stop.
   * @returns false if it must still be delivered; default: true
   */
  wasDone?(bytes: Buffer): boolean;
  /**
   * Takes a line that cannot be taken as an alert.
   * - over-long: more than the largest line taken; `head` is its beginning, `place.length` all of it.
   * - torn: the end of a finished log file, without newline and not a JSON object; `head` is all of it.
   * Settled as in `deliver`.
   */
  damaged(reason: "over-long" | "torn", place: SourceLocation, head: Buffer, owner: Owner, line: number): void;
  /** The position has passed all lines with a lower number for good. */
  passed?(front: number): void;
  /** Undefined while there is room for another line; else a promise that resolves when it is worth asking again. */
  room(): Promise<void> | undefined;
}
