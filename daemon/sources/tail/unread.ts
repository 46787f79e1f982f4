import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { twinOf, type Archive, type Archives, type LogFile } from "./log/archives.ts";
import { inodeOf } from "./log/content-hash.ts";
import type { OpenLogFile } from "./log/log-file.ts";
import type { ReadProgress } from "./position/read-progress.ts";
import { begins, wholly, type ReadFile } from "./position/read-files.ts";
import { statIfPresent, type FileStat } from "../../disk/file-stat.ts";

/** How many of the newest compressed archives are opened: one may have been overwritten after the clock went back. */
const maxOpened = 64;
/** How many beginnings of files are kept, so that a file that did not change is opened once. */
const maxHeads = 1024;

/** Finds the dated files that hold something that was not read, by their names and their content. */
export class Unread {
  readonly #archives: Archives;
  readonly #open: (file: LogFile) => Promise<OpenLogFile>;
  readonly #heads = new Map<string, { readonly stat: FileStat; readonly head: Buffer }>();

  constructor(archives: Archives, open: (file: LogFile) => Promise<OpenLogFile>) {
    this.#archives = archives;
    this.#open = open;
  }

  /**
   * Oldest first, by name; a `.gz` before the fresh plain file of its name.
   * @param liveId that of alerts.json, which is not given
   */
  async find(progress: ReadProgress, liveId: string | undefined): Promise<LogFile[]> {
    const found: LogFile[] = [];
    const archives = await this.#archives.all();
    let compressed = archives.filter((archive) => archive.compressed).length;
    for (const archive of archives) {
      if (archive.compressed) compressed--;
      const known = progress.knownOf(archive.name.rank);
      if (known === undefined) continue;
      const isDamaged = progress.damaged.has(archive.name.stem);
      if (archive.compressed) {
        if (!isDamaged && (await this.#isUnreadGzip(archive, known, compressed < maxOpened))) found.push(archive);
        continue;
      }
      const stat = await statIfPresent(archive.path);
      if (!stat) {
        // Compressed since the directory was read: if skipped, it would be read after newer files.
        const gzip = twinOf(archive);
        const isUnread =
          !isDamaged && (await statIfPresent(gzip.path)) && (await this.#isUnreadGzip(gzip, known, true));
        if (isUnread) found.push(gzip);
        continue;
      }
      if (archive.hasTwin && (await this.#isUnreadTwin(archive, stat, known))) found.push(twinOf(archive));
      if (stat.id !== liveId && (await this.#isUnreadPlain(archive, stat, known, isDamaged))) found.push(archive);
    }
    return found;
  }

  async #isUnreadPlain(
    file: LogFile,
    stat: FileStat,
    known: readonly ReadFile[],
    isDamaged: boolean,
  ): Promise<boolean> {
    const { id, size } = stat;
    if (size === 0) return false;
    if (known.length === 0) return true;
    if (known.some(({ inode, end }) => inode === inodeOf(id) && end === size)) return false;
    const head = await this.#head(file, stat);
    // One that cannot be opened is returned only if it has grown; whoever opens it reports what is wrong.
    const same = known.findLast((one) => head === undefined || begins(head, one));
    // A copy that replaces a damaged archive may still be in progress: that is handled elsewhere.
    return !same || (size > same.end && !isDamaged);
  }

  async #isUnreadGzip(file: LogFile, known: readonly ReadFile[], isOpened: boolean): Promise<boolean> {
    if (known.length === 0) return true;
    const stat = isOpened ? await statIfPresent(file.path) : undefined;
    const head = stat && (await this.#head(file, stat));
    if (!head || head.length === 0) return false;
    // If the plain file continued after it was compressed, the .gz may be shorter than the beginning that is known.
    const same = known.findLast((one) => head.length < one.length || begins(head, one));
    if (!same) return true;
    // Was it read itself, or does it hold just what was read of the plain file? Otherwise it is read once.
    if (head.length < same.length || same.end === wholly || same.inode === inodeOf(stat.id)) return false;
    return (await contentLength(file.path, stat.size)) !== same.end % 2 ** 32;
  }

  /**
   * A `.gz` next to a plain file is a copy of it that is still being made, or was cut off; or it is all of an older file,
   * when analysisd went back to a day that was compressed. A copy begins like its plain file.
   */
  async #isUnreadTwin(plain: Archive, stat: FileStat, known: readonly ReadFile[]): Promise<boolean> {
    const file = twinOf(plain);
    const found = await statIfPresent(file.path);
    const head = found && (await this.#head(file, found));
    const ofPlain = await this.#head(plain, stat);
    if (!head || !ofPlain || head.length === 0 || ofPlain.subarray(0, head.length).equals(head)) return false;
    return !known.some((one) => begins(head, one));
  }

  /** First bytes of a file; undefined if it cannot be read. */
  async #head(file: LogFile, stat: FileStat): Promise<Buffer | undefined> {
    const kept = this.#heads.get(file.path);
    if (kept && kept.stat.id === stat.id && kept.stat.size === stat.size && kept.stat.changedNs === stat.changedNs) {
      return kept.head;
    }
    this.#heads.delete(file.path);
    try {
      const logFile = await this.#open(file);
      await logFile.close();
      const { head } = logFile.origin;
      if (this.#heads.size >= maxHeads) this.#heads.clear();
      this.#heads.set(file.path, { stat, head });
      return head;
    } catch {
      // Gone or not readable: whoever opens it to read it reports that.
      return undefined;
    }
  }
}

/** Bytes of content, modulo 2^32, as the end of a `.gz` of one member says (RFC 1952, 2.3.1); undefined if unreadable. */
async function contentLength(path: string, size: number): Promise<number | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(4), 0, 4, Math.max(0, size - 4));
      return bytesRead === 4 ? buffer.readUInt32LE() : undefined;
    } finally {
      await file.close();
    }
  } catch {
    // Gone or not readable: whoever opens it to read it reports that.
    return undefined;
  }
}
