/** Finds alerts by their id in the manager's log. */
import { constants } from "node:fs";
import { hash } from "node:crypto";
import { open, type FileHandle } from "node:fs/promises";
import { Alert } from "../alert/alert.ts";
import { mayBeTorn, salvage } from "../alert/salvage.ts";
import { alertOrFault } from "../delivery/judge.ts";
import { Relevance } from "../delivery/relevance.ts";
import { idOf } from "../delivery/shipment.ts";
import { fileStatOf } from "../disk/file-stat.ts";
import { behindOwnLink, openForReading } from "../disk/open-file.ts";
import { walk } from "../disk/walk-path.ts";
import { describe, DfnError } from "../errors.ts";
import type { LogFile } from "../sources/tail/log/archives.ts";
import { GzipReader } from "../sources/tail/log/gzip-reader.ts";
import { LineSplitter, type LineFilter } from "../sources/tail/log/line-splitter.ts";
import type { FileOrigin } from "../sources/tail/log/log-file.ts";
import { chunkBuffers, PlainReader } from "../sources/tail/log/plain-reader.ts";

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

/** Something about a file that may have kept an alert from being found. */
export interface FileTrouble {
  readonly file: string;
  /** Up to where its content was searched, decompressed. */
  readonly offset: number;
  readonly text: string;
}

const collectEveryBytes = 4 * 1024 * 1024;

/** The id that an alert without one travels under (`idOf`). */
export const hashedId = /^sha256:[0-9a-f]{16}$/;

/** Searches log files for the alerts of one id, one file after the other, in memory of constant size. */
export class LogSearch {
  readonly #id: string;
  readonly #maxLineBytes: number;
  readonly #buffers = chunkBuffers();
  readonly #collect: () => void;
  /** Decompressed since `collect` was last called. */
  #uncollected = 0;
  readonly #needle: Relevance;
  /** `device:inode` of the files that were searched: alerts.json is a second name of the newest archive. */
  readonly #searched = new Set<string>();
  readonly troubles: FileTrouble[] = [];
  /** Searched so far; decompressed. */
  bytes = 0;
  files = 0;

  /**
   * @param maxLineBytes of a longer line only the beginning is looked at
   * @param collect called now and then, to give back what was decompressed
   */
  constructor(id: string, maxLineBytes: number, collect: () => void) {
    this.#collect = collect;
    this.#id = id;
    this.#maxLineBytes = maxLineBytes;
    this.#needle = new Relevance([{ kind: "text", bytes: Buffer.from(JSON.stringify(id).slice(1, -1)) }]);
  }

  /** Searches a file unless it was searched before. What is wrong with it is in `troubles`, and everything before that counts. */
  async file(file: LogFile, found: (line: FoundLine) => void): Promise<void> {
    let offset = 0;
    try {
      await using handle = await openUnled(file.path);
      const { id } = fileStatOf(await handle.stat({ bigint: true }));
      if (this.#searched.has(id)) return;
      this.#searched.add(id);
      this.files += 1;
      const reader = file.compressed ? new GzipReader(handle, () => undefined) : new PlainReader(handle, this.#buffers);
      const head = await reader.head();
      const origin = { file: file.path, id, name: file.name, head, isCompressed: file.compressed };
      const splitter = new LineSplitter(this.#filter(), this.#maxLineBytes);
      const take = (lines: Iterable<Pick<FoundLine, "bytes" | "offset" | "length"> & { kind: string }>): void => {
        for (const { kind, bytes, offset, length } of lines) {
          const line = { file: file.path, offset, length, isCompressed: file.compressed, origin };
          for (const one of this.#matches(bytes, kind === "over-long"))
            found({ ...line, ...one, offset: offset + one.start });
        }
      };
      for (;;) {
        const read = await reader.read();
        if (read.kind !== "bytes") {
          if (read.kind === "broken") this.#trouble(file.path, splitter.lineStart, damage(read.reason));
          if (read.kind === "replaced")
            this.#trouble(file.path, splitter.lineStart, "it was replaced while it was read");
          if (read.kind === "end" && (read.ignoredBytes ?? 0) > 0)
            this.#trouble(
              file.path,
              splitter.lineStart,
              `${read.ignoredBytes} bytes behind the compressed data are not gzip`,
            );
          // A last line without its newline: the log is written just now, or was cut.
          if (splitter.rest().length > 0) take(splitter.push(Buffer.from("\n")));
          break;
        }
        this.#passed(file, read.bytes.length);
        take(splitter.push(read.bytes));
        offset = splitter.lineStart;
      }
    } catch (reason) {
      if (!(reason instanceof Error && "code" in reason)) throw reason;
      this.#trouble(file.path, offset, `it cannot be read: ${describe(reason)}`);
    }
  }

  #passed({ compressed }: LogFile, bytes: number): void {
    this.bytes += bytes;
    if (compressed) this.#uncollected += bytes;
    if (this.#uncollected < collectEveryBytes) return;
    this.#uncollected = 0;
    this.#collect();
  }

  #trouble(file: string, offset: number, text: string): void {
    this.troubles.push({ file, offset, text });
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

/** What a log file is; undefined if it cannot be read. */
export async function logOriginAt(file: LogFile): Promise<FileOrigin | undefined> {
  try {
    await using handle = await openUnled(file.path);
    const { id } = fileStatOf(await handle.stat({ bigint: true }));
    const head = file.compressed
      ? await new GzipReader(handle, () => undefined).head()
      : await new PlainReader(handle, chunkBuffers()).head();
    return { file: file.path, id, name: file.name, head, isCompressed: file.compressed };
  } catch {
    return undefined; // Whoever reads the file says why it cannot be read.
  }
}

/**
 * Opens a file in a directory of others for reading: no link of theirs is followed, and nothing but a regular file is opened.
 * @throws DfnError IO, or the system's error
 */
async function openUnled(path: string): Promise<FileHandle> {
  if (process.geteuid?.() !== 0) return openForReading(await behindOwnLink(path));
  using found = walk(path);
  const { O_NOCTTY, O_NONBLOCK, O_RDONLY } = constants;
  const isThere = found.absent.length === 0;
  const handle = await open(isThere ? found.own : path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new DfnError("IO", `${path} is not a regular file`);
}

function damage(reason: unknown): string {
  return `it is damaged: ${describe(reason)}`;
}
