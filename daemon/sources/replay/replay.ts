import { mayBeTorn } from "../../alert/salvage.ts";
import { GzipFault } from "../../disk/gunzip.ts";
import { describe, DfnError } from "../../errors.ts";
import { command } from "../../printable.ts";
import type { SourceLocation } from "../../contract.ts";
import { contentOf, type Input, type LastLine } from "./content.ts";
import { foreignForm, isAlert } from "./form.ts";
import { LineSplitter, type LogLine } from "../tail/log/line-splitter.ts";

/** What a replay hands its lines to. */
export interface ReplayIntake {
  next(bytes: Buffer, from: number, end: number): number;
  ignored(lines: number): void;
  /** One relevant line; the bytes are the intake's. @returns whether it is an alert that a handler wants */
  deliver(bytes: Buffer, place: SourceLocation): boolean;
  overLong(head: Buffer, place: SourceLocation): void;
  room(): Promise<void> | undefined;
}

export interface ReplayProgress {
  /** Bytes read so far, decompressed. */
  bytes: number;
}

/** How messages name what is done with a file. */
export interface FileWording {
  /** The command of `wazuh-dfn`. */
  readonly command: string;
  /** What was done with everything that was read, as the end of a sentence. */
  readonly done: string;
  /** The command that begins at a place, `FILE:OFFSET`; undefined if there is none. */
  readonly again: ((place: string) => string) | undefined;
}

const replayWording: FileWording = {
  command: "replay",
  done: "was sent",
  again: (place) => command`wazuh-dfn replay --at ${place}`,
};

interface ReplayOptions {
  readonly maxLineBytes: number;
  /** Offset, decompressed, at which a line begins that is the first to be read; default 0. */
  readonly from?: number;
  /** How long the rest of the last line is waited for, if it is unfinished; milliseconds, default 3000. */
  readonly unfinishedMs?: number;
  /** Ends reading between two lines. */
  readonly signal?: AbortSignal;
  /** Default: that of `replay`. */
  readonly wording?: FileWording;
}

/** How the reading of one file ended. */
export interface ReplayEnd {
  /**
   * - whole: it was read to its end.
   * - empty: there was nothing in it, or nothing after `from`.
   * - failed: see `failure`; everything before `offset` was delivered.
   * - stopped: the signal was aborted.
   */
  readonly kind: "whole" | "empty" | "failed" | "stopped";
  /** Decompressed: the end of what was delivered, where a line begins. */
  readonly offset: number;
  /** IO: it cannot be read. DATA: its compression is damaged, or it does not hold alerts. */
  readonly failure?: DfnError;
}

const newline = 0x0a;
const opening = 0x7b;
/** Longer than the second after which analysisd hands over what it has, also on a busy machine. */
const unfinishedMs = 3000;
/** The form of a file is recognised from this much of its first line. */
const formBytes = 4096;

/**
 * Reads the alerts of one file (see `contentOf`). The last line needs no newline, unless the file is damaged: then it may
 * be cut, and is left. If it is the beginning of an alert, the rest is waited for a moment: the log may be written just now.
 * @throws nothing that is the file's fault
 */
export async function replayFile(
  input: Input,
  options: ReplayOptions,
  intake: ReplayIntake,
  progress: ReplayProgress,
): Promise<ReplayEnd> {
  return new FileReplay(input, options, intake, progress).run();
}

class FileReplay {
  readonly #input: Input;
  readonly #intake: ReplayIntake;
  readonly #progress: ReplayProgress;
  readonly #name: string;
  readonly #from: number;
  readonly #signal: AbortSignal;
  readonly #lastLine: LastLine;
  readonly #wording: FileWording;
  readonly #splitter: LineSplitter;
  /** Bytes read. */
  #read = 0;
  /** Where the line begins that the last byte read before `from` belongs to, or the next one. */
  #lineStart = 0;
  /** The first bytes, until the form of the file is known. */
  #head: Buffer | undefined = Buffer.alloc(0);
  #hasText = false;
  #hasAlert = false;
  #handedTo: number;

  constructor(input: Input, options: ReplayOptions, intake: ReplayIntake, progress: ReplayProgress) {
    this.#wording = options.wording ?? replayWording;
    this.#input = { ...input, command: this.#wording.command };
    this.#intake = intake;
    this.#progress = progress;
    this.#name = replayedName(input.path);
    this.#from = this.#handedTo = options.from ?? 0;
    this.#signal = options.signal ?? new AbortController().signal;
    this.#lastLine = {
      isUnfinished: () => this.#isUnfinished(),
      withinMs: options.unfinishedMs ?? unfinishedMs,
    };
    // Until one is found to be an alert every line is examined.
    const filter = {
      next: (bytes: Buffer, from: number, end: number) => (this.#hasAlert ? intake.next(bytes, from, end) : from),
      ignored: (lines: number) => intake.ignored(lines),
      mayBeTorn,
    };
    this.#splitter = new LineSplitter(filter, options.maxLineBytes);
    this.#splitter.reset(this.#from);
  }

  async run(): Promise<ReplayEnd> {
    let failure: DfnError | undefined;
    const chunks = contentOf(this.#input, this.#signal, this.#lastLine);
    for (;;) {
      // One for each chunk: a promise that outlives them would hold on to all that it was raced with.
      const aborted = onAbort(this.#signal);
      const next = await Promise.race([chunks.next(), aborted.promise])
        .catch((reason: unknown) => {
          failure = this.#failure(reason);
        })
        .finally(() => aborted.forget());
      if (next === "aborted" || this.#signal.aborted) {
        // What waits for a pipe that stays silent cannot be waited for.
        void chunks.return(undefined).catch(() => undefined);
        return { kind: "stopped", offset: this.#handedTo };
      }
      if (next === undefined || next.done === true) break;
      failure = await this.#take(next.value);
      if (failure !== undefined) break;
    }
    await chunks.return(undefined);
    failure ??= await this.#end();
    if (failure !== undefined) return { kind: "failed", offset: this.#handedTo, failure };
    if (this.#signal.aborted) return { kind: "stopped", offset: this.#handedTo };
    return { kind: this.#hasText ? "whole" : "empty", offset: this.#handedTo };
  }

  async #take(chunk: Buffer): Promise<DfnError | undefined> {
    this.#progress.bytes += chunk.length;
    let rest = chunk;
    if (this.#head !== undefined) {
      this.#head = Buffer.concat([this.#head, chunk]);
      if (this.#head.length < formBytes && !this.#head.includes(newline)) return undefined;
      rest = this.#head;
      this.#head = undefined;
      const form = foreignForm(rest.subarray(0, formBytes), this.#wording.command);
      if (form !== undefined) return this.#noAlerts(form);
    }
    return this.#lines(rest);
  }

  async #lines(chunk: Buffer): Promise<DfnError | undefined> {
    const start = this.#read;
    this.#read += chunk.length;
    const skipped = Math.min(chunk.length, Math.max(0, this.#from - start));
    if (skipped > 0) {
      const last = chunk.lastIndexOf(newline, skipped - 1);
      if (last >= 0) this.#lineStart = start + last + 1;
    }
    if (skipped === chunk.length) return undefined;
    if (start <= this.#from && this.#lineStart !== this.#from) return this.#inMidLine();
    for (const piece of this.#splitter.push(chunk.subarray(skipped))) {
      await this.#hand(piece);
      if (this.#signal.aborted) return undefined;
      this.#handedTo = piece.offset + piece.length + 1;
    }
    this.#handedTo = this.#splitter.lineStart;
    return undefined;
  }

  /** The file is whole: what is behind its last newline is judged like any other line. */
  async #end(): Promise<DfnError | undefined> {
    if (this.#head !== undefined) {
      const head = this.#head;
      this.#head = undefined;
      const form = foreignForm(head, this.#wording.command);
      if (form !== undefined) return this.#noAlerts(form);
      const failure = await this.#lines(head);
      if (failure !== undefined) return failure;
    }
    if (this.#read < this.#from) {
      const text = `${this.#name} holds ${this.#read} bytes, but is to be read from byte ${this.#from} on`;
      return new DfnError("DATA", `${text}: is it the file that the error named?`);
    }
    if (this.#read === this.#from && this.#lineStart !== this.#from) return this.#inMidLine();
    const { length } = this.#splitter.rest();
    if (length > 0) {
      await this.#pushNewline();
      if (this.#signal.aborted) return undefined;
      this.#handedTo = this.#read;
    }
    if (!this.#hasText || this.#hasAlert) return undefined;
    return this.#noAlerts("its lines are not alerts of Wazuh; name alerts.json or its archives, ossec-alerts-*.json");
  }

  /** Whether what is behind the last newline begins like an alert and is not a whole one. */
  #isUnfinished(): boolean {
    const text = this.#head ?? this.#splitter.rest().bytes;
    const line = text.subarray(text.lastIndexOf(newline) + 1);
    return line[0] === opening && !isAlert(line);
  }

  async #pushNewline(): Promise<void> {
    for (const piece of this.#splitter.push(Buffer.from("\n"))) await this.#hand(piece);
  }

  async #hand(piece: LogLine): Promise<void> {
    const { bytes, length, offset } = piece;
    for (let room = this.#intake.room(); room !== undefined && !this.#signal.aborted; room = this.#intake.room()) {
      await unless(this.#signal, room);
    }
    if (this.#signal.aborted) return;
    const place = { file: this.#name, offset, length };
    this.#hasText ||= length > 0;
    if (piece.kind === "over-long") return this.#intake.overLong(Buffer.from(bytes), place);
    if (!this.#hasAlert) {
      this.#hasAlert = isAlert(bytes);
      const isWanted = length > 0 && (this.#intake.next(bytes, 0, length) >= 0 || mayBeTorn(bytes));
      if (!isWanted) return this.#intake.ignored(1);
    }
    const isWanted = this.#intake.deliver(Buffer.from(bytes), place);
    this.#hasAlert ||= isWanted;
  }

  #inMidLine(): DfnError {
    const file = this.#name;
    const there = this.#wording.again?.(`${this.#input.path}:${this.#lineStart}`);
    const text = `${file}: byte ${this.#from} is in the middle of a line, which begins at byte ${this.#lineStart}`;
    return new DfnError("DATA", there === undefined ? text : `${text}: ${there}`);
  }

  #noAlerts(why: string): DfnError {
    const named = why.replace("FILE", () => (this.#input.path === "-" ? "FILE" : command`${this.#input.path}`));
    return new DfnError("DATA", `${this.#name} does not hold alerts: ${named}`);
  }

  /** @throws what is not the file's fault */
  #failure(reason: unknown): DfnError {
    const { path } = this.#input;
    const at = this.#read > 0 || this.#head?.length !== 0 ? ` beyond byte ${this.#handedTo} of its content` : "";
    if (reason instanceof GzipFault) {
      const text = `${this.#name} cannot be decompressed${at}: ${reason.message}`;
      return new DfnError("DATA", `${text}. ${this.#remedy()}`, { cause: reason });
    }
    const isSystems = reason instanceof Error && "syscall" in reason;
    const isOurs = reason instanceof DfnError;
    if (!isSystems && !isOurs) throw reason;
    // Some errors name the file themselves.
    const text =
      isOurs && path !== "-" && reason.message.startsWith("cannot read")
        ? reason.message
        : `cannot read ${this.#name}${at}: ${describe(reason)}`;
    return new DfnError(isOurs ? reason.code : "IO", at === "" ? text : `${text}. ${this.#remedy()}`, {
      cause: reason,
    });
  }

  #remedy(): string {
    const { path } = this.#input;
    const { done, again } = this.#wording;
    if (path === "-") return `Everything before that ${done}`;
    const next = again === undefined ? "try again" : `continue with ${again(`${path}:${this.#handedTo}`)}`;
    return `Everything before that ${done}; once an intact copy is in its place, ${next}`;
  }
}

/** As a file is called in messages and places. */
export function replayedName(path: string): string {
  return path === "-" ? "standard input" : path;
}

interface Aborted {
  readonly promise: Promise<"aborted">;
  forget(): void;
}

function onAbort(signal: AbortSignal): Aborted {
  const forgotten = new AbortController();
  const promise = new Promise<"aborted">((resolve) => {
    if (signal.aborted) resolve("aborted");
    signal.addEventListener("abort", () => resolve("aborted"), { once: true, signal: forgotten.signal });
  });
  return { promise, forget: () => forgotten.abort() };
}

/** Waits, but no longer than until the signal is aborted. */
async function unless(signal: AbortSignal, waited: Promise<void>): Promise<void> {
  const aborted = onAbort(signal);
  await Promise.race([waited, aborted.promise]).finally(() => aborted.forget());
}
