import { describe, DfnError, errnoOf } from "../../errors.ts";
import { BacklogMeter } from "./position/backlog.ts";
import type { Loaded } from "./position/checkpoint-store.ts";
import { Feeder } from "./feeder.ts";
import type { Ending, Following, FollowerState } from "./follower-state.ts";
import { closeDead, type OpenLogFile } from "./log/log-file.ts";
import type { ReadProgress, LogPosition } from "./position/read-progress.ts";
import { Resume } from "./resume.ts";
import { Reopening } from "./reopening.ts";
import { Revisits } from "./revisits.ts";
import { UnchangedCheck } from "./log/unchanged-check.ts";
import { statusOf, type TailStatus } from "./status.ts";
import { LogFiles } from "./log/log-files.ts";
import { Rotation } from "./rotation.ts";
import type { TailOptions } from "./options.ts";
import { damagedText, explain, givenUpText, type ReadFailure, replayCommand } from "./log/explain.ts";
import { ConditionLog } from "../../telemetry/condition-log.ts";
import { statIfPresent, statIfPresentNow } from "../../disk/file-stat.ts";

/** Longer than alerts.json is ever away while it is re-linked, and short enough to be reported within two seconds. */
const patienceMs = 1000;

/** Follows the log over its log files, one step at a time. */
export class Follower {
  readonly #progress: ReadProgress;
  readonly #options: TailOptions;
  readonly #logFiles: LogFiles;
  readonly #rotation: Rotation;
  readonly #feeder: Feeder;
  readonly #trouble: ConditionLog<ReadFailure["code"]>;
  readonly #unchangedCheck = new UnchangedCheck();
  readonly #revisits: Revisits;
  readonly #reopening: Reopening;
  #state: FollowerState;
  #isAtEnd = false;
  #size: number | undefined;
  readonly #backlog = new BacklogMeter();
  /** Where reading failed last: once it is past that, it can be read again. */
  #failedAt: LogPosition | undefined;

  /** @param now milliseconds of a monotonic clock */
  constructor(progress: ReadProgress, options: TailOptions, loaded: Loaded, now: () => number) {
    this.#progress = progress;
    this.#options = options;
    this.#logFiles = new LogFiles(options.path);
    this.#rotation = new Rotation(this.#logFiles, options.log);
    this.#feeder = new Feeder(progress, options.intake, options.maxLineBytes);
    this.#trouble = new ConditionLog(options.log, { now, patienceMs });
    this.#revisits = new Revisits(this.#logFiles, progress, options.log, now);
    this.#reopening = new Reopening(this.#logFiles, now);
    const resume = new Resume(loaded, options.start, this.#logFiles, this.#rotation, progress, options.log);
    this.#state = { kind: "placing", resume };
  }

  /** Whether the place to continue from is found; before that the progress knows less than the checkpoint. */
  get isPlaced(): boolean {
    return this.#state.kind !== "placing";
  }

  /** Pieces of files read so far; grows also while a place is looked for. */
  get beats(): number {
    return this.#logFiles.beats;
  }

  /** Pieces of the log that were handed on so far. */
  get chunks(): number {
    return this.#feeder.chunks;
  }

  /** Whether the next step would find what the last one found: the end of alerts.json. */
  isStill(): boolean {
    return !this.#revisits.isDue && this.#unchangedCheck.holds(this.#options.path);
  }

  /** Continues as far as there is something to read. Returns whether the next step should follow at once. */
  async step(signal: AbortSignal): Promise<boolean> {
    const state = this.#state;
    switch (state.kind) {
      case "placing":
        return this.#open(() => state.resume.place(signal), signal);
      case "between":
        return (
          (await this.#revisit(undefined, signal)) ||
          this.#open(() => this.#rotation.next(this.#progress, signal), signal)
        );
      case "following":
        return this.#follow(state, signal);
      case "ending":
        return this.#end(state, signal);
      default:
        return state satisfies never;
    }
  }

  status(): TailStatus {
    const situation = {
      path: this.#options.path,
      reading: this.#progress.current,
      trouble: this.#trouble.reason,
      troubleCode: this.#trouble.code,
      isAtEnd: this.#isAtEnd,
      size: this.#size,
      backlog: this.#backlog.of(this.#progress),
      lastTimeMs: this.#progress.lastTimeMs,
      damaged: this.#progress.damaged.all,
    };
    return statusOf(situation, Date.now());
  }

  /** Finds out how much there is to read, and whether what could not be read can be, for the status. */
  async measure(): Promise<void> {
    this.#noteProgress();
    try {
      const state = this.#state;
      const size = this.#unchangedCheck.size ?? ("logFile" in state ? await state.logFile.size() : undefined);
      // Another file may be read by now, whose size was asked when it was opened.
      if (state === this.#state && "logFile" in state) this.#size = size;
      if (!this.#isAtEnd) await this.#backlog.measure(this.#logFiles, this.#progress);
    } catch {
      // Closed just now, or not readable: the numbers stay, and reading reports what is wrong.
    }
  }

  #noteProgress(): void {
    const { current: reading } = this.#progress;
    const failed = this.#failedAt;
    if (failed === undefined || reading === undefined) return;
    if (reading.reading === failed.reading && reading.offset <= failed.offset) return;
    this.#failedAt = undefined;
    this.#reopening.reset();
    this.#trouble.clear(`${reading.reading.origin.file} can be read again.`);
  }

  /** Between steps, and only when no other step is to follow. Safe twice. */
  async close(): Promise<void> {
    const state = this.#state;
    if (!("logFile" in state)) return;
    this.#state = { kind: "between" };
    await state.logFile.close();
    if (state.kind === "following") await state.revisit?.back?.logFile.close();
  }

  async #open(find: () => Promise<OpenLogFile | undefined>, signal: AbortSignal): Promise<boolean> {
    const { path, log } = this.#options;
    let logFile;
    try {
      logFile = await find();
    } catch (reason) {
      return this.#report(reason, path);
    }
    if (signal.aborted) {
      // The place may be half-way, in the middle of a line.
      await logFile?.close();
      return false;
    }
    if (logFile) {
      // The size of the file before it says nothing of this one; undefined until it is measured, if it cannot be asked.
      this.#size = await logFile.size().catch(() => undefined);
      this.#begin(logFile);
      this.#state = { kind: "following", logFile, wasLive: false };
      this.#trouble.clear(`${logFile.origin.file} can be read again.`);
      log.info({ code: "log-file-opened", file: logFile.origin.file, offset: logFile.offset }, "reading alerts");
      return true;
    }
    if (this.#state.kind === "placing") {
      this.#state = { kind: "between" };
      return true;
    }
    return this.#report(Object.assign(new Error("not there"), { code: "ENOENT" }), path);
  }

  async #follow(state: Following, signal: AbortSignal): Promise<boolean> {
    const { logFile } = state;
    this.#isAtEnd = false;
    this.#unchangedCheck.forget();
    const pause = await this.#feeder.feed(logFile, signal);
    switch (pause.kind) {
      case "stopped":
        return false;
      case "failed":
        return this.#failed(state, pause.reason, signal);
      case "replaced":
        return this.#startAgain(logFile);
      case "broken":
        return this.#leaveDamaged(state, pause.reason);
      case "end":
        this.#reopening.reset();
        if (pause.ignoredBytes !== undefined && pause.ignoredBytes > 0) {
          this.#options.log.warn(
            { code: "archive-has-trailing-bytes" },
            `${logFile.origin.file} is whole, but ${pause.ignoredBytes} bytes behind its compressed data are not gzip: they were ` +
              `ignored, as gzip(1) ignores them.`,
          );
        }
        return logFile.isCompressed || state.revisit !== undefined
          ? this.#finish(logFile, signal)
          : this.#lookAtPath(state, signal);
      default:
        return pause satisfies never;
    }
  }

  /** At the end of a plain file: more may come, unless it is over. */
  async #lookAtPath(state: Following, signal: AbortSignal): Promise<boolean> {
    const { path, onEnd } = this.#options;
    // Not in the middle of a line, which would have to be read once more.
    if (this.#feeder.unfinishedBytes === 0 && (await this.#revisit(state, signal))) return true;
    try {
      const found = state.logFile.isCached ? statIfPresentNow(path) : await statIfPresent(path);
      if (found?.id === state.logFile.origin.id) {
        if (state.isNewest !== true) {
          // An unfinished line continues in this file; until then the log does not count as read.
          if (this.#feeder.unfinishedBytes > 0) {
            state.wasLive = true;
            return false;
          }
          if (await this.#rotation.isBehindOthers(state.logFile, this.#progress)) return this.#isOver(state);
          state.isNewest = true;
        }
        state.wasLive = this.#isAtEnd = true;
        this.#backlog.caughtUp();
        this.#progress.caughtUp();
        this.#trouble.clear(`${path} exists again.`);
        this.#unchangedCheck.take(found, state.logFile.offset);
        onEnd?.(this.#progress.damaged.all.length === 0);
        return false;
      }
      // Most checks need no answer, and it costs a check of each unread file.
      const hasLater = (): Promise<boolean> => this.#rotation.hasLater(this.#progress);
      if (!found && (state.wasLive || !(await hasLater()))) {
        this.#trouble.raise(
          `${path} does not exist. The file that was read last is still followed; alerts written elsewhere are read as ` +
            `soon as ${path} exists again. Is the manager running?`,
          { code: "log-missing" },
        );
        return false;
      }
      // An empty file without dated name is not one of analysisd's, or one it is about to replace.
      if (found?.size === 0 && !(await hasLater())) {
        this.#isAtEnd = true;
        return false;
      }
    } catch (reason) {
      return this.#report(reason, path);
    }
    return this.#isOver(state);
  }

  #isOver({ logFile }: Following): true {
    this.#state = { kind: "ending", logFile };
    return true;
  }

  async #end(state: Ending, signal: AbortSignal): Promise<boolean> {
    const { logFile } = state;
    const pause = await this.#feeder.feed(logFile, signal);
    if (pause.kind === "stopped") return false;
    if (pause.kind === "failed") return this.#failed(state, pause.reason, signal);
    // Replaced after it ended: what is there now is no longer the log.
    if (pause.kind === "replaced") this.#feeder.reset(this.#progress.current?.offset ?? 0);
    return this.#finish(logFile, signal);
  }

  async #finish(logFile: OpenLogFile, signal: AbortSignal): Promise<boolean> {
    await this.#feeder.feedRest(signal);
    if (signal.aborted) return false;
    const { damaged, current: reading } = this.#progress;
    const known = damaged.find(logFile.origin.name?.stem ?? null);
    if (known !== undefined) {
      damaged.forget(known.name, reading?.reading.number ?? 0);
      this.#options.log.info(
        { code: "damaged-archive-read" },
        `${logFile.origin.file}, which was damaged, was read from byte ${known.end} to its end.`,
      );
    }
    this.#options.log.info(
      { code: "log-file-finished", file: logFile.origin.file, bytes: logFile.offset },
      "read to the end",
    );
    this.#options.onRotation?.();
    await this.#leave(logFile);
    return true;
  }

  /** The log file is over: goes back to what was followed before it, or on to the next one. */
  async #leave(logFile: OpenLogFile, isDead = false): Promise<void> {
    const state = this.#state;
    const back = state.kind === "following" ? state.revisit?.back : undefined;
    this.#progress.finish();
    this.#state = back ?? { kind: "between" };
    if (back !== undefined) this.#begin(back.logFile);
    await (isDead ? closeDead(logFile) : logFile.close());
  }

  /** The rest of a damaged archive may come: its place is remembered, and the cut line is left until then. */
  async #leaveDamaged({ logFile, revisit }: Following, reason: unknown): Promise<boolean> {
    const { damaged, current: reading } = this.#progress;
    const { file, name } = logFile.origin;
    const { log } = this.#options;
    const end = Math.max(this.#feeder.lineStart, logFile.doneTo);
    this.#progress.advance(end);
    const known = damaged.find(name?.stem ?? null);
    const givenUp = damaged.note(logFile, end, reading?.reading.number ?? 0);
    const text = damagedText(logFile, end, reason);
    if (revisit === undefined || known?.end !== end) log.error({ code: "archive-damaged" }, text);
    else log.warn({ code: "archive-still-damaged" }, `${file} changed, but still holds nothing beyond byte ${end}.`);
    for (const old of givenUp) log.error({ code: "damaged-archive-given-up" }, givenUpText(old));
    await this.#leave(logFile);
    return true;
  }

  /**
   * Reads a damaged archive on when it has changed.
   * @param back what is open, at its end and at the end of a line
   * @returns whether one was opened
   */
  async #revisit(back: Following | undefined, signal: AbortSignal): Promise<boolean> {
    if (!this.#revisits.isDue) return false;
    const logFile = await this.#revisits.next(signal);
    if (logFile === undefined) return false;
    if (signal.aborted) {
      await logFile.close();
      return false;
    }
    if (back !== undefined) this.#progress.finish();
    this.#unchangedCheck.forget();
    this.#size = await logFile.size().catch(() => undefined);
    this.#begin(logFile);
    this.#isAtEnd = false;
    this.#state = { kind: "following", logFile, wasLive: false, revisit: { back } };
    this.#options.log.info(
      { code: "damaged-archive-continued", file: logFile.origin.file, offset: logFile.offset },
      "reading continues in a damaged archive",
    );
    return true;
  }

  async #startAgain(logFile: OpenLogFile): Promise<boolean> {
    this.#options.log.error(
      { code: "log-truncated" },
      `${logFile.origin.file} was truncated or overwritten while it was read. It is read again from its beginning; what had been ` +
        `written beyond byte ${this.#progress.current?.offset ?? 0} by then, if anything, is lost.`,
    );
    const lost = Math.max(0, (this.#size ?? 0) - (this.#progress.current?.offset ?? 0));
    await logFile.restart();
    this.#size = await logFile.size().catch(() => undefined);
    this.#begin(logFile, lost);
    return true;
  }

  #begin(logFile: OpenLogFile, lost?: number): void {
    this.#progress.begin(logFile.origin, logFile.offset, lost);
    this.#feeder.reset(logFile.offset);
    this.#backlog.begin(logFile.origin.id);
  }

  /** A read failed: it may be retried, with another descriptor if this one is dead. */
  async #failed(state: Following | Ending, reason: unknown, signal: AbortSignal): Promise<boolean> {
    const { logFile } = state;
    const { file } = logFile.origin;
    const { current: reading } = this.#progress;
    this.#failedAt = reading && { ...reading };
    await this.#report(reason, file);
    const again = await this.#reopening.try(logFile, signal);
    if (again.kind === "later") return false;
    const place = this.#feeder.lineStart;
    if (again.kind === "gone") {
      this.#options.log.error(
        { code: "log-file-lost" },
        `${file} cannot be read beyond byte ${logFile.offset}: ${describe(reason)}; and for a minute no file holds ` +
          `what it held. What followed byte ${place} is lost unless the file is restored and sent: ` +
          `${replayCommand(file, place)} Continuing with the next file.`,
      );
      await this.#leave(logFile, true);
    } else {
      // What was read of an unfinished line is kept: the same bytes are before the place.
      this.#progress.begin(again.logFile.origin, place);
      this.#state = { ...state, logFile: again.logFile };
      this.#options.log.warn(
        { code: "log-file-reopened" },
        `${file} could no longer be read: ${describe(reason)}. It was opened again, and reading continues at byte ` +
          `${again.logFile.offset}, where the same bytes are as before.`,
      );
      await closeDead(logFile);
    }
    this.#failedAt = undefined;
    this.#reopening.reset();
    this.#trouble.clear(`${file} is no longer waited for.`);
    return true;
  }

  /** System errors are logged and retried; anything else is a bug and ends the program. */
  async #report(reason: unknown, path: string): Promise<false> {
    if (errnoOf(reason) === undefined && !(reason instanceof DfnError)) throw reason;
    const { text, code } = await explain(path, reason);
    this.#trouble.raise(text, { code });
    return false;
  }
}
