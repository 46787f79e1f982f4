/** Finds alerts by their id in the manager's log. */
import { hash } from "node:crypto";
import { Alert } from "../alert/alert.ts";
import { mayBeTorn, salvage } from "../alert/salvage.ts";
import { alertOrFault } from "../delivery/judge.ts";
import { Relevance } from "../delivery/relevance.ts";
import { idOf } from "../delivery/shipment.ts";
import type { LogFile } from "../sources/tail/log/archives.ts";
import type { LineFilter } from "../sources/tail/log/line-splitter.ts";
import type { FileOrigin } from "../sources/tail/log/log-file.ts";
import { LogWalk, type FileTrouble } from "./log-walk.ts";

/** A line of a file, or a piece of a broken one. */
export interface FoundLine {
  /** Path of the file. */
  readonly file: string;
  /** Of its first byte in the content of the file, decompressed. */
  readonly offset: number;
  /** All its bytes. */
  readonly length: number;
  /** Of an over-long line only the beginning. Valid until the call returns. */
  readonly bytes: Buffer;
  readonly isOverLong: boolean;
  /** It was taken out of a line that is not JSON as a whole. */
  readonly isSalvaged: boolean;
  readonly isCompressed: boolean;
  /** What the log file is; undefined for a file that is not of the log. */
  readonly origin: FileOrigin | undefined;
}

/** The id that an alert without one travels under (`idOf`). */
export const hashedId = /^sha256:[0-9a-f]{16}$/;

/** Searches log files for the alerts of one id, one file after the other, in memory of constant size. */
export class LogSearch {
  readonly #id: string;
  readonly #walk: LogWalk;
  readonly #needle: Relevance;

  /**
   * @param maxLineBytes of a longer line only the beginning is looked at
   * @param collect called now and then, to give back what was decompressed
   */
  constructor(id: string, maxLineBytes: number, collect: () => void) {
    this.#id = id;
    this.#walk = new LogWalk(maxLineBytes, collect);
    this.#needle = new Relevance([{ kind: "text", bytes: Buffer.from(JSON.stringify(id).slice(1, -1)) }]);
  }

  get troubles(): readonly FileTrouble[] {
    return this.#walk.troubles;
  }

  /** Searched so far; decompressed. */
  get bytes(): number {
    return this.#walk.bytes;
  }

  get files(): number {
    return this.#walk.files;
  }

  /** Searches a file unless it was searched before. What is wrong with it is in `troubles`, and everything before that counts. */
  file(file: LogFile, found: (line: FoundLine) => void): Promise<void> {
    return this.#walk.file(file, this.#filter(), ({ origin, offset, length, bytes, isOverLong }) => {
      const line = { file: file.path, offset, length, isCompressed: file.compressed, origin };
      for (const one of this.#matches(bytes, isOverLong)) found({ ...line, ...one, offset: offset + one.start });
    });
  }

  /** Names the lines that may have the id. */
  #filter(): LineFilter {
    const isHashed = hashedId.test(this.#id);
    return {
      next: (bytes, from, end) => (isHashed ? (from < end ? from : -1) : this.#needle.next(bytes, from, end)),
      ignored: () => undefined,
    };
  }

  /** The alerts in a line that have the id. */
  *#matches(line: Buffer, isOverLong: boolean): Generator<MatchedPiece> {
    const whole = { start: 0, bytes: line, isOverLong, isSalvaged: false };
    if (isOverLong) {
      if (line.includes(`"id":${JSON.stringify(this.#id)}`)) yield whole;
      return;
    }
    // Hashing is cheaper than parsing.
    if (hashedId.test(this.#id) && !this.#hasHash(line) && !mayBeTorn(line)) return;
    const alert = alertOrFault(line);
    if (alert instanceof Alert) {
      if (idOf(alert) === this.#id) yield whole;
      return;
    }
    for (const { start, end } of salvage(line).alerts) {
      const bytes = line.subarray(start, end);
      if (idOf(Alert.parse(bytes)) === this.#id)
        yield { start, bytes, length: bytes.length, isOverLong, isSalvaged: true };
    }
  }

  #hasHash(line: Buffer): boolean {
    return this.#id === `sha256:${hash("sha256", line, "hex").slice(0, 16)}`;
  }
}

/** The alerts in a line, and what is left of a broken one; the whole line if it is an alert, or has none in it. */
export function piecesOf(line: Buffer): (MatchedPiece & { readonly length: number })[] {
  const { alerts, rest } = alertOrFault(line) instanceof Alert ? { alerts: [], rest: [] } : salvage(line);
  if (alerts.length === 0)
    return [{ start: 0, bytes: line, length: line.length, isOverLong: false, isSalvaged: false }];
  return [...alerts, ...rest]
    .toSorted((one, other) => one.start - other.start)
    .map(({ start, end }) => {
      return { start, bytes: line.subarray(start, end), length: end - start, isOverLong: false, isSalvaged: true };
    });
}

/** Part of `FoundLine`, and where it begins in its line. */
interface MatchedPiece extends Pick<FoundLine, "bytes" | "isOverLong" | "isSalvaged"> {
  readonly start: number;
  /** If it is not the line's. */
  readonly length?: number;
}
