import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { DfnError } from "../../../errors.ts";
import type { LogFile } from "./archives.ts";
import type { DatedName } from "./dated-name.ts";
import { endsWith, contentHash, headBytes, type ContentHash, type Identity, type Seen } from "./content-hash.ts";
import { GzipReader } from "./gzip-reader.ts";
import { PlainReader, type ChunkBuffers } from "./plain-reader.ts";
import type { Read, LogReader } from "./reader.ts";
import { type FileStat, fileStatOf } from "../../../disk/file-stat.ts";

/** What is known of a log file's content, whether it is open or not. */
export interface FileOrigin {
  /** Path under which its lines are best found again. */
  file: string;
  /** `device:inode`. */
  readonly id: string;
  name: DatedName | undefined;
  /** First bytes, as far as they were seen. */
  head: Buffer;
  readonly isCompressed: boolean;
}

/** An origin as it is kept in the checkpoint. */
export function identityOfFile(origin: FileOrigin): Identity {
  return { id: origin.id, name: origin.name?.stem ?? null, head: contentHash(origin.head) };
}

/** An origin as it is compared with what is known. */
export function seen(origin: FileOrigin): Seen {
  const { id, name, head, isCompressed } = origin;
  return { id, name: name?.stem ?? null, head, isCompressed };
}

/** One physical file of the log, open: plain, or compressed and then read decompressed. */
export class OpenLogFile {
  /** Decompressed: up to where it was read before, if that is known; a damaged `.gz` may end before it. */
  doneTo = 0;
  /** What the file was when it was opened. */
  readonly stat: FileStat;
  readonly #reader: LogReader;
  readonly #beat: () => void;
  #origin: FileOrigin;

  private constructor(reader: LogReader, origin: FileOrigin, stat: FileStat, beat: () => void) {
    this.#reader = reader;
    this.#origin = origin;
    this.stat = stat;
    this.#beat = beat;
  }

  /**
   * Opens at the first byte. Throws a system error (ENOENT, EACCES, ...), or a DfnError for what is not a regular file.
   * @param beat called for each piece of the file that is read, also on the way to an offset
   */
  static async open(file: LogFile, buffers: ChunkBuffers, beat: () => void): Promise<OpenLogFile> {
    // Without O_NONBLOCK a pipe at that path would block the thread until somebody writes to it.
    const handle = await open(file.path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const found = await handle.stat({ bigint: true });
      if (!found.isFile()) {
        throw new DfnError(
          "IO",
          `${file.path} is not a regular file; sources.tail.path must name Wazuh's alerts.json.`,
        );
      }
      const reader = file.compressed ? new GzipReader(handle, beat) : new PlainReader(handle, buffers);
      const stat = fileStatOf(found);
      const head = await reader.head();
      const origin = { file: file.path, id: stat.id, name: file.name, head, isCompressed: file.compressed };
      return new OpenLogFile(reader, origin, stat, beat);
    } catch (reason) {
      await handle.close();
      throw reason;
    }
  }

  get origin(): FileOrigin {
    return this.#origin;
  }

  get isCompressed(): boolean {
    return this.#origin.isCompressed;
  }

  get offset(): number {
    return this.#reader.offset;
  }

  /** The bytes right before the offset, as they were read, at most `beforeBytes`. */
  get before(): Buffer {
    return this.#reader.before;
  }

  /** See `LogReader`. */
  get isCached(): boolean {
    return this.#reader.isCached;
  }

  size(): Promise<number | undefined> {
    return this.#reader.size();
  }

  /** The next bytes in order; see `Read`. */
  async read(): Promise<Read> {
    this.#beat();
    const from = this.#reader.offset;
    const found = await this.#reader.read();
    const head = this.#origin.head;
    if (found.kind === "bytes" && head.length < headBytes && from <= head.length) {
      const more = found.bytes.subarray(head.length - from, headBytes - from);
      if (more.length > 0) this.#origin.head = Buffer.concat([head, more]);
    }
    return found;
  }

  /**
   * Goes to an offset, before the first read.
   * @param before what must be right before it, if that is known
   * @returns false if it is not there, or the file is shorter, or the signal was aborted; close it then
   */
  async seek(offset: number, before: ContentHash | undefined, signal: AbortSignal): Promise<boolean> {
    const bytes = await this.seekTo(offset, signal);
    return bytes !== undefined && (before === undefined || endsWith(bytes, before));
  }

  /** As `seek`. @returns up to `beforeBytes` that precede the offset, or undefined when it cannot be gone to */
  seekTo(offset: number, signal: AbortSignal): Promise<Buffer | undefined> {
    return this.#reader.seek(offset, signal);
  }

  /** Begins again at the first byte as another origin, after a plain file was truncated or overwritten in place. */
  async restart(): Promise<void> {
    if (!(this.#reader instanceof PlainReader)) return;
    await this.#reader.restart();
    this.#origin = { ...this.#origin, head: await this.#reader.head() };
  }

  close(): Promise<void> {
    return this.#reader.close();
  }
}

/** Closes a descriptor that cannot be read: if it cannot be closed properly either, that is nothing new. */
export async function closeDead(logFile: OpenLogFile): Promise<void> {
  await logFile.close().catch(() => undefined);
}
