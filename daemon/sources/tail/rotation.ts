import type { Log } from "../../telemetry/log.ts";
import type { LogFile } from "./log/archives.ts";
import { lineStart } from "./log/line-start.ts";
import type { OpenLogFile } from "./log/log-file.ts";
import type { LogFiles } from "./log/log-files.ts";
import { proveDone } from "./position/prove-done.ts";
import { wholly } from "./position/read-files.ts";
import type { KnownEnd, ReadProgress } from "./position/read-progress.ts";
import { Unread } from "./unread.ts";
import { isAbsent } from "../../errors.ts";
import { statIfPresent } from "../../disk/file-stat.ts";

/** alerts.json hardly changes more often during one search; if it does, the search is repeated later. */
const maxLooks = 100;

/** Knows which log file comes next: the order in which analysisd began them, whatever monitord has made of them since. */
export class Rotation {
  readonly #files: LogFiles;
  readonly #log: Log;
  readonly #unread: Unread;
  /** Unread files that were found and not opened yet, oldest first. */
  #queue: LogFile[] = [];

  constructor(files: LogFiles, log: Log) {
    this.#files = files;
    this.#log = log;
    this.#unread = new Unread(files.archives, (file) => files.open(file));
  }

  /**
   * Opens what is to be read after the log files that the progress knows: the oldest dated file that holds something
   * unread, by its name, or else alerts.json; at the offset where it was left if it was read before.
   * @returns undefined when there is nothing, or when it went away just now: then ask again later
   */
  async next(progress: ReadProgress, signal: AbortSignal): Promise<OpenLogFile | undefined> {
    let opened: OpenLogFile | undefined;
    try {
      opened = await this.#openNext(progress);
      if (!opened) return undefined;
      await proveDone(opened.origin, progress, this.#files, this.#log, signal);
      const known = progress.endOf(opened.origin);
      // If it does not reach that far it was truncated, and stays at its first byte; a `.gz` stays at its end.
      if (known && known.end !== wholly) opened.doneTo = known.end;
      if (known) await opened.seek(await placeOf(opened, known), undefined, signal);
      return opened;
    } catch (reason) {
      await opened?.close();
      // Found again when it is asked for the next time.
      this.#queue = [];
      if (isAbsent(reason)) return undefined;
      throw reason;
    }
  }

  /** Whether there are dated files newer than what was read. */
  async hasLater({ newestRank }: ReadProgress): Promise<boolean> {
    if (this.#queue.some(({ name }) => (name?.rank ?? 0) > newestRank)) return true;
    return (await this.#files.archives.after(newestRank)).length > 0;
  }

  /** Whether a log file is alerts.json and dated files are unread, which come first. */
  async isBehindOthers({ origin }: OpenLogFile, progress: ReadProgress): Promise<boolean> {
    const live = await statIfPresent(this.#files.path);
    return live?.id === origin.id && (await this.#unread.find(progress, live.id)).length > 0;
  }

  /**
   * alerts.json leads to another file at any moment. The one that it led to is then unread, and comes before the new one:
   * so both the search and the opening count only when it led to the same file all the while.
   */
  async #openNext(progress: ReadProgress): Promise<OpenLogFile | undefined> {
    for (let looks = 0; looks < maxLooks; looks++) {
      const live = await statIfPresent(this.#files.path);
      const file = await this.#nextUnread(progress, live?.id);
      if (file === "changed") continue;
      if (file) return this.#files.open(file);
      const opened = await this.#files.openLive();
      if (opened?.origin.id === live?.id) return opened;
      await opened?.close();
    }
    return undefined;
  }

  /**
   * The archives are looked through once for many of them.
   * @param liveId that of alerts.json
   * @returns `changed`: alerts.json led to another file before the search was over
   */
  async #nextUnread(progress: ReadProgress, liveId: string | undefined): Promise<LogFile | "changed" | undefined> {
    for (let file = this.#queue.shift(); file; file = this.#queue.shift()) {
      if (file.compressed || (await statIfPresent(file.path))?.id !== liveId) return file;
    }
    const found = await this.#unread.find(progress, liveId);
    if ((await statIfPresent(this.#files.path))?.id !== liveId) return "changed";
    this.#queue = found;
    return this.#queue.shift();
  }
}

/** Where to continue in a file that was read before. */
async function placeOf({ origin }: OpenLogFile, { end, isProved }: KnownEnd): Promise<number> {
  return isProved || origin.isCompressed || end === wholly ? end : lineStart(origin.file, end);
}
