/** Reads whole files of the manager's log, for whoever looks for something in them. */
import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { fileStatOf } from "../disk/file-stat.ts";
import { behindOwnLink, openForReading } from "../disk/open-file.ts";
import { walk } from "../disk/walk-path.ts";
import { describe, DfnError } from "../errors.ts";
import type { LogFile } from "../sources/tail/log/archives.ts";
import { GzipReader } from "../sources/tail/log/gzip-reader.ts";
import { LineSplitter, type LineFilter } from "../sources/tail/log/line-splitter.ts";
import type { FileOrigin } from "../sources/tail/log/log-file.ts";
import { chunkBuffers, PlainReader } from "../sources/tail/log/plain-reader.ts";

/** A line of a file of the log. */
export interface WalkedLine {
  /** Of its first byte in the content of the file, decompressed. */
  readonly offset: number;
  /** All its bytes. */
  readonly length: number;
  /** Of an over-long line only the beginning. Valid until whoever takes it is done with it. */
  readonly bytes: Buffer;
  readonly isOverLong: boolean;
  readonly origin: FileOrigin;
}

/** Something about a file that may have kept an alert from being found. */
export interface FileTrouble {
  readonly file: string;
  /** Up to where its content was searched, decompressed. */
  readonly offset: number;
  readonly text: string;
}

const collectEveryBytes = 4 * 1024 * 1024;

/** Who takes the lines: what goes wrong there is not the file's fault. */
class Taker {
  hasFailed = false;
  readonly #take: (line: WalkedLine) => Promise<void> | void;

  constructor(take: (line: WalkedLine) => Promise<void> | void) {
    this.#take = take;
  }

  take(line: WalkedLine): Promise<void> | undefined {
    try {
      return this.#take(line)?.catch((reason: unknown) => this.#fail(reason));
    } catch (reason) {
      return this.#fail(reason);
    }
  }

  #fail(reason: unknown): never {
    this.hasFailed = true;
    throw reason;
  }
}

/** Walks through log files, one after the other, in memory of constant size. A file that has two names is read once. */
export class LogWalk {
  readonly #maxLineBytes: number;
  readonly #collect: () => void;
  readonly #buffers = chunkBuffers();
  /** Decompressed since `collect` was last called. */
  #uncollected = 0;
  /** `device:inode` of the files that were read: alerts.json is a second name of the newest archive. */
  readonly #read = new Set<string>();
  readonly troubles: FileTrouble[] = [];
  /** Read so far; decompressed. */
  bytes = 0;
  files = 0;

  /**
   * @param maxLineBytes of a longer line only the beginning is shown
   * @param collect called now and then, to give back what was decompressed
   */
  constructor(maxLineBytes: number, collect: () => void) {
    this.#maxLineBytes = maxLineBytes;
    this.#collect = collect;
  }

  /**
   * Shows the lines of a file that the filter names, unless it was read before. What is wrong with the file is in
   * `troubles`, and everything before that was shown.
   * @param take the next line comes when it is done
   * @throws what `take` throws, and nothing that is the file's fault
   */
  async file(file: LogFile, filter: LineFilter, take: (line: WalkedLine) => Promise<void> | void): Promise<void> {
    let offset = 0;
    const taker = new Taker(take);
    try {
      await using handle = await openUnled(file.path);
      const { id } = fileStatOf(await handle.stat({ bigint: true }));
      if (this.#read.has(id)) return;
      this.#read.add(id);
      this.files += 1;
      const reader = file.compressed ? new GzipReader(handle, () => undefined) : new PlainReader(handle, this.#buffers);
      const head = await reader.head();
      const origin = { file: file.path, id, name: file.name, head, isCompressed: file.compressed };
      const splitter = new LineSplitter(filter, this.#maxLineBytes);
      const show = async (chunk: Buffer): Promise<void> => {
        for (const { kind, bytes, offset, length } of splitter.push(chunk)) {
          const taken = taker.take({ offset, length, bytes, isOverLong: kind === "over-long", origin });
          if (taken !== undefined) await taken;
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
          if (splitter.rest().length > 0) await show(Buffer.from("\n"));
          break;
        }
        this.#passed(file, read.bytes.length);
        await show(read.bytes);
        offset = splitter.lineStart;
      }
    } catch (reason) {
      if (taker.hasFailed || !(reason instanceof Error && "code" in reason)) throw reason;
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
