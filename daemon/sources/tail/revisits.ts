import { describe } from "../../errors.ts";
import type { Log } from "../../telemetry/log.ts";
import type { LogFile } from "./log/archives.ts";
import { isRestOf, type DamagedArchive } from "./position/damaged.ts";
import { parseStem } from "./log/dated-name.ts";
import type { OpenLogFile } from "./log/log-file.ts";
import type { ReadProgress } from "./position/read-progress.ts";
import type { LogFiles } from "./log/log-files.ts";
import { statIfPresent, type FileStat } from "../../disk/file-stat.ts";

/** Milliseconds between checks of damaged archives. A file that changed must be the same at two of them: it may be a copy in progress. */
const periodMs = 1000;
/** An archive that was away for this long, in milliseconds, is not being replaced. */
const goneMs = 60_000;

const newline = 0x0a;

/** Checks damaged archives again, and opens one where reading ended as soon as it is another file or has changed. */
export class Revisits {
  readonly #logFiles: LogFiles;
  readonly #progress: ReadProgress;
  readonly #log: Log;
  readonly #now: () => number;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  /** Per path: what it was at the last check. */
  #stats = new Map<string, string>();
  /** Per path: as what it was opened, and did not hold more. */
  #tried = new Map<string, string>();
  /** Per dated name: since when there is neither the `.gz` nor the plain file. */
  #goneSinceMs = new Map<string, number>();

  /** @param now milliseconds of a monotonic clock */
  constructor(logFiles: LogFiles, progress: ReadProgress, log: Log, now: () => number) {
    this.#logFiles = logFiles;
    this.#progress = progress;
    this.#log = log;
    this.#now = now;
  }

  /** Whether it is time to call `next`. */
  get isDue(): boolean {
    return this.#progress.damaged.all.length > 0 && this.#now() - this.#lookedAtMs >= periodMs;
  }

  /**
   * Checks each damaged archive, and the plain file that may be back in its place.
   * @returns one of them at the place where reading ended, or undefined when none holds more than was read
   */
  async next(signal: AbortSignal): Promise<OpenLogFile | undefined> {
    this.#lookedAtMs = this.#now();
    const archives = this.#progress.damaged.all;
    const before = this.#stats;
    const paths = archives.flatMap(({ file }) => [file, plainPathOf(file)]);
    this.#stats = new Map();
    this.#tried = new Map([...this.#tried].filter(([path]) => paths.includes(path)));
    const changed: { archive: DamagedArchive; file: LogFile }[] = [];
    for (const archive of archives) {
      const files = this.#filesOf(archive);
      let isThere = false;
      for (const file of files) {
        const stat = await this.#look(file.path);
        if (stat === undefined) continue;
        isThere = true;
        this.#stats.set(file.path, stat);
        const known = this.#tried.get(file.path) ?? (file.compressed ? knownSight(archive) : undefined);
        if (stat !== known && stat === before.get(file.path)) changed.push({ archive, file });
      }
      if (isThere) this.#goneSinceMs.delete(archive.name);
      else this.#isGone(archive);
    }
    for (const { archive, file } of changed) {
      this.#tried.set(file.path, this.#stats.get(file.path) ?? "");
      const logFile = await this.#open(archive, file, signal);
      if (logFile !== undefined) return logFile;
      if (signal.aborted) return undefined;
    }
    return undefined;
  }

  #filesOf({ name: stem, file }: DamagedArchive): LogFile[] {
    const name = parseStem(stem);
    return [
      { path: file, name, compressed: true },
      { path: plainPathOf(file), name, compressed: false },
    ];
  }

  async #look(path: string): Promise<string | undefined> {
    try {
      const stat = await statIfPresent(path);
      return stat && textOf(stat);
    } catch (reason) {
      return `not to be seen: ${describe(reason)}`; // Known again, and as long as it is so there is no change.
    }
  }

  #isGone(archive: DamagedArchive): void {
    const since = this.#goneSinceMs.get(archive.name) ?? this.#now();
    this.#goneSinceMs.set(archive.name, since);
    if (this.#now() - since < goneMs) return;
    this.#goneSinceMs.delete(archive.name);
    this.#progress.damaged.forget(archive.name, 0);
    this.#log.warn(
      { code: "damaged-archive-gone" },
      `${archive.file}, which was damaged, is gone. It was read up to byte ${archive.end} of its content; what ` +
        `followed was not, unless it was sent by "wazuh-dfn replay".`,
    );
  }

  async #open(archive: DamagedArchive, file: LogFile, signal: AbortSignal): Promise<OpenLogFile | undefined> {
    let logFile: OpenLogFile | undefined;
    let isKept = false;
    try {
      logFile = await this.#logFiles.open(file);
      if (!isRestOf(archive, logFile)) {
        // Cut still shorter, it may become what it was.
        if (logFile.origin.head.length >= archive.head.length)
          this.#log.warn(
            { code: "damaged-archive-differs" },
            `${file.path} changed, but does not hold what was read of ${archive.file}: it is left alone.`,
          );
        return undefined;
      }
      const before = await logFile.seekTo(archive.end, signal);
      isKept = before !== undefined && (archive.end === 0 || before.at(-1) === newline);
      return isKept ? logFile : undefined;
    } catch (reason) {
      this.#log.warn(
        { code: "damaged-archive-unreadable" },
        `${file.path} changed, but cannot be read: ${describe(reason)}. It is tried again when it changes again.`,
      );
      return undefined;
    } finally {
      if (!isKept) await logFile?.close();
    }
  }
}

function plainPathOf(gz: string): string {
  return gz.replace(/\.gz$/, "");
}

function knownSight({ id, size, changedNs }: DamagedArchive): string {
  return `${id} ${size} ${changedNs}`;
}

function textOf({ id, size, changedNs }: FileStat): string {
  return `${id} ${size} ${changedNs}`;
}
