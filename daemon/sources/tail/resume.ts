import type { Log } from "../../telemetry/log.ts";
import { firstStart, firstSight, leaveBehind, originOf, type Start } from "./position/first-start.ts";
import type { Body } from "./position/checkpoint.ts";
import type { Loaded } from "./position/checkpoint-store.ts";
import { parseStem } from "./log/dated-name.ts";
import type { OpenLogFile } from "./log/log-file.ts";
import type { ReadProgress } from "./position/read-progress.ts";
import { isProvable, findFile, type Located } from "./position/find-file.ts";
import { proveDone } from "./position/prove-done.ts";
import type { Rotation } from "./rotation.ts";
import type { LogFiles } from "./log/log-files.ts";
import { replayCommand } from "./log/explain.ts";
import type { FileStat } from "../../disk/file-stat.ts";

/** How many of the newest archives are opened to find one that was read before. */
const maxCompared = 400;

/** Finds the place to read from after a start. Nothing is moved silently: the log says what was skipped or repeated. */
export class Resume {
  readonly #loaded: Loaded;
  readonly #start: Start;
  readonly #logFiles: LogFiles;
  readonly #rotation: Rotation;
  readonly #progress: ReadProgress;
  readonly #log: Log;
  readonly #stat: Promise<FileStat | undefined>;

  constructor(loaded: Loaded, start: Start, logFiles: LogFiles, rotation: Rotation, progress: ReadProgress, log: Log) {
    this.#rotation = rotation;
    this.#loaded = loaded;
    this.#start = start;
    this.#logFiles = logFiles;
    this.#progress = progress;
    this.#log = log;
    this.#stat = firstSight(logFiles.path);
  }

  /**
   * Opens the log file to continue with. Throws a system error if a file cannot be read; it may be called again.
   * @returns undefined when the progress knows which log file is next, or nothing is there yet
   */
  async place(signal: AbortSignal): Promise<OpenLogFile | undefined> {
    const loaded = this.#loaded;
    switch (loaded.kind) {
      case "none":
        await firstStart(this.#start, await this.#stat, this.#logFiles, this.#progress);
        return undefined;
      case "lost":
        return this.#startOver();
      case "doubtful":
        return isProvable(loaded.body.position) ? this.#salvage(loaded.body, signal) : this.#startOver();
      case "ok":
      case "previous": {
        const opened = await this.#resume(loaded.body, signal);
        if (loaded.kind === "previous") {
          this.#log.error(
            { code: "checkpoint-before-last-used" },
            "Continuing from the checkpoint before the last: alerts sent in between may be sent again.",
          );
        }
        return opened;
      }
      default:
        return loaded satisfies never;
    }
  }

  async #resume(body: Body, signal: AbortSignal): Promise<OpenLogFile | undefined> {
    const { position } = body;
    const located = await findFile(body, this.#logFiles, signal);
    if (signal.aborted) {
      if (located.kind !== "missing") await located.logFile.close();
      return undefined;
    }
    this.#progress.restore(body);
    await this.#takeOver(body, located.kind);
    // Of a file that was at its first byte nothing can be missed.
    const wasRead = position !== null && position.offset > 0;
    if (located.kind === "missing") {
      if (wasRead) {
        this.#log.error(
          { code: "log-gone-while-stopped" },
          `${position.file}, read up to byte ${position.offset}, is gone or holds other content now. What it held ` +
            `beyond that byte is lost unless it is restored there from a backup and sent: ` +
            `${replayCommand(position.file, position.offset)} Continuing with the oldest newer file.`,
        );
      }
      return undefined;
    }
    const { logFile } = located;
    if (located.kind === "replaced" && wasRead) {
      this.#log.error(
        { code: "log-replaced-while-stopped" },
        `${logFile.origin.file} was truncated or replaced while the forwarder was stopped. It is read again from ` +
          `its beginning; what was written beyond byte ${position.offset} before that is lost.`,
      );
    } else if (located.kind === "cut" && wasRead) {
      this.#log.warn(
        { code: "log-cut-while-stopped" },
        `${logFile.origin.file} lost its end while the forwarder was stopped, as after a power loss: it was read up ` +
          `to byte ${position.offset}, and what it held then ends at byte ${logFile.offset}. Continuing there.`,
      );
    } else if (located.kind === "shorter" && wasRead) {
      this.#log.warn(
        { code: "log-shorter-compressed" },
        `${logFile.origin.file} ends at byte ${logFile.offset}, before byte ${position.offset}, up to ` +
          `which it was read before it was compressed. Continuing with the next file.`,
      );
    }
    if (located.kind === "shorter") logFile.doneTo = position?.offset ?? 0;
    await proveDone(logFile.origin, this.#progress, this.#logFiles, this.#log, signal);
    if (located.kind === "found" && (await this.#rotation.isBehindOthers(logFile, this.#progress))) {
      this.#progress.consider(logFile.origin, logFile.offset);
      await logFile.close();
      return undefined;
    }
    return logFile;
  }

  /**
   * Notes archives as read that the checkpoint does not mention: an earlier version noted only the name of the newest;
   * and if nothing here is what was read, the archives are those of another machine. On the same machine what the
   * checkpoint does not mention is unread, whatever became of the file of the position.
   */
  async #takeOver({ position, afterRank, read }: Body, kind: Located["kind"]): Promise<void> {
    const isOther = kind === "missing" || kind === "replaced";
    if (read !== undefined && (position === null || !isOther)) return;
    const rank = parseStem(position?.name ?? "")?.rank;
    const id = (await this.#stat)?.id;
    if (read === undefined || !(await this.#isSameMachine())) {
      await leaveBehind({ limit: afterRank, rank, id }, this.#logFiles, this.#progress);
    }
    // It may be restored from a backup, and sent by hand.
    if (kind === "missing" && position !== null) this.#progress.considerLost(position);
  }

  /** Whether one of the newest archives is one that was read before. */
  async #isSameMachine(): Promise<boolean> {
    let opened = 0;
    for await (const archive of this.#logFiles.archives.newestFirst()) {
      if (++opened > maxCompared) return false;
      const origin = await originOf(archive, this.#logFiles);
      if (origin !== undefined && this.#progress.hasReadContent(origin)) return true;
    }
    return false;
  }

  async #salvage(body: Body, signal: AbortSignal): Promise<OpenLogFile | undefined> {
    const located = await findFile(body, this.#logFiles, signal);
    if (located.kind !== "found") {
      if (located.kind !== "missing") await located.logFile.close();
      return signal.aborted ? undefined : this.#startOver();
    }
    const { logFile } = located;
    this.#log.error(
      { code: "checkpoint-place-proved" },
      `The damaged checkpoint's place, byte ${logFile.offset} of ${logFile.origin.file}, was proved by content: ` +
        `continuing there. Alerts that were acknowledged beyond it may be sent again.`,
    );
    const { id, name } = logFile.origin;
    await leaveBehind({ limit: body.afterRank, rank: name?.rank, id }, this.#logFiles, this.#progress);
    return logFile;
  }

  /** Neither to the end, which would skip alerts in silence, nor to the oldest archive, which would repeat for hours. */
  async #startOver(): Promise<OpenLogFile | undefined> {
    await firstStart("beginning", await this.#stat, this.#logFiles, this.#progress);
    this.#log.error(
      { code: "checkpoint-lost" },
      `Without a usable checkpoint ${this.#logFiles.path} is read from its beginning: its alerts may be sent again. ` +
        `Archives before it are not read; send what may be missing with "wazuh-dfn replay".`,
    );
    return undefined;
  }
}
