/**
 * The dead-letter store: what no retry can deliver, kept with its raw bytes. Append-only segments of JSON lines in a
 * directory of the state directory; one segment file per process, so a replay next to the running forwarder does not
 * disturb it. Entries that arrive together are written and synced together.
 */
import { constants } from "node:fs";
import { lstat, mkdir, open, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describe, isAbsent } from "../errors.ts";
import { syncDirectory } from "../disk/atomic-file.ts";
import { ConditionLog } from "../telemetry/condition-log.ts";
import type { Log } from "../telemetry/log.ts";
import { type ReasonCode, writeFailure } from "../telemetry/reason-codes.ts";
import { encoded, lineOf, type Line, type NewDeadLetter } from "./line.ts";
import { DeadLetterQuota } from "./quota.ts";
import { isNonAlert } from "./segments.ts";

export type { NewDeadLetter } from "./line.ts";

/** The directory of the dead letters in the state directory. */
export function deadLetterDirectory(stateDir: string): string {
  return join(stateDir, "dead-letters");
}

interface DeadLetterLimits {
  /** Maximum bytes of all segments together; beyond, `DeadLetterQuota` removes what is least needed. */
  readonly maxBytes: number;
  /** Size at which a new segment is begun. */
  readonly segmentBytes: number;
}

interface Segment {
  readonly file: FileHandle;
  readonly path: string;
  /** Bytes of whole lines that are durable. */
  bytes: number;
  /** The file may contain more than that. */
  isTorn: boolean;
  /** Some entry of it is not an alert. */
  hasNonAlerts: boolean;
}

interface Waiting {
  readonly line: Line;
  readonly isNonAlert: boolean;
  readonly stored: () => void;
}

const retryMs = 1000;
/** How much is written and synced together; a longer line is written alone. */
const groupBytes = 1 << 20;

export class DeadLetterStore implements AsyncDisposable {
  readonly #directory: string;
  readonly #limits: DeadLetterLimits;
  readonly #quota: DeadLetterQuota;
  #waiting: Waiting[] = [];
  #writer: Promise<void> | undefined;
  #segment: Segment | undefined;
  #serial = 0;
  #isDisposed = false;
  readonly #condition: ConditionLog<ReasonCode>;
  readonly #stop = new AbortController();

  constructor(directory: string, limits: DeadLetterLimits, log: Log) {
    this.#directory = directory;
    this.#limits = limits;
    this.#condition = new ConditionLog(log, { repeatMs: Infinity });
    this.#quota = new DeadLetterQuota(directory, limits.maxBytes, log);
  }

  /** Entries whose raw bytes were removed since the process started. */
  get rawGivenUp(): number {
    return this.#quota.rawGivenUp;
  }

  /** Entries that were not alerts and were removed since the process started. */
  get nonAlertsGivenUp(): number {
    return this.#quota.nonAlertsGivenUp;
  }

  /** Why entries cannot be stored at present, and what to do; undefined while they can. */
  get trouble(): string | undefined {
    return this.#condition.reason;
  }

  get troubleCode(): ReasonCode | undefined {
    return this.#condition.code;
  }

  /**
   * Stores an entry. Resolves once it is durable; never rejects: while the disk is full it is retried every second
   * and the entry stays open. Once disposed it never resolves.
   */
  add(entry: NewDeadLetter): Promise<void> {
    return new Promise((stored) => {
      if (this.#isDisposed) return;
      this.#waiting.push({ line: lineOf(entry, new Date()), isNonAlert: isNonAlert(entry), stored });
      this.#writer ??= this.#write();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    this.#stop.abort();
    await this.#writer;
    await this.#segment?.file.close();
    this.#segment = undefined;
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      if (await this.#storeGroup()) await this.#quota.make(this.#segment?.path, () => this.#endSegmentOfNonAlerts());
      else if (this.#isDisposed) break;
      // Woken early by a stop: one last attempt.
      else await pause(retryMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
    this.#writer = undefined;
  }

  /** Ends the segment that is written when it holds what is not an alert. */
  async #endSegmentOfNonAlerts(): Promise<boolean> {
    const segment = this.#segment;
    if (segment?.hasNonAlerts !== true) return false;
    this.#segment = undefined;
    await segment.file.close();
    return true;
  }

  /** In a method of its own, so that nothing holds on to the lines (16 MiB and more) once they are stored. */
  async #storeGroup(): Promise<boolean> {
    const group = this.#nextGroup();
    try {
      await this.#append(
        group.map(({ line }) => line),
        group.some((waiting) => waiting.isNonAlert),
      );
    } catch (reason) {
      this.#failed(reason);
      return false;
    }
    this.#condition.clear("dead letters can be stored again", { directory: this.#directory });
    this.#waiting.splice(0, group.length);
    for (const waiting of group) waiting.stored();
    return true;
  }

  #nextGroup(): readonly Waiting[] {
    let bytes = 0;
    const end = this.#waiting.findIndex(({ line }, index) => (bytes += line.length) > groupBytes && index > 0);
    return this.#waiting.slice(0, end < 0 ? undefined : end);
  }

  #failed(reason: unknown): void {
    const remedy = "make room or fix the permissions of the state directory";
    const what = "dead letters cannot be stored; they stay open and are retried every second";
    this.#condition.raise(`${what}: ${this.#directory}: ${describe(reason)}; ${remedy}`, {
      code: writeFailure("dead-letters", reason),
      text: `${what}: ${remedy}`,
      fields: { directory: this.#directory, reason: describe(reason) },
    });
  }

  /** Appends whole lines or nothing: what was half written is cut off again. */
  async #append(lines: readonly Line[], hasStrangers: boolean): Promise<void> {
    const segment = (this.#segment ??= await this.#begin());
    if (segment.isTorn) await repair(segment);
    try {
      for (const piece of encoded(lines)) await segment.file.appendFile(piece);
      await segment.file.datasync();
    } catch (reason) {
      segment.isTorn = true;
      await repair(segment);
      throw reason;
    }
    if (!(await isInPlace(segment))) {
      // Removed at this moment, by someone who could not know that it is still written to.
      this.#segment = undefined;
      await segment.file.close();
      return this.#append(lines, hasStrangers);
    }
    for (const { length } of lines) segment.bytes += length;
    segment.hasNonAlerts ||= hasStrangers;
    if (segment.bytes >= this.#limits.segmentBytes) {
      this.#segment = undefined;
      await segment.file.close();
    }
  }

  async #begin(): Promise<Segment> {
    const made = await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    if (made !== undefined) await syncDirectory(dirname(made));
    const stamp = new Date().toISOString().replaceAll(/[:.]/g, "-");
    const path = join(this.#directory, `${stamp}-${process.pid}-${this.#serial++}.ndjson`);
    const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
    const file = await open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      await syncDirectory(this.#directory);
    } catch (reason) {
      await file.close();
      throw reason;
    }
    return { file, path, bytes: 0, isTorn: false, hasNonAlerts: false };
  }
}

/** Whether the file that is written to is the one that others find. */
async function isInPlace({ file, path }: Segment): Promise<boolean> {
  try {
    return (await lstat(path)).ino === (await file.stat()).ino;
  } catch (reason) {
    // That it cannot be checked does not mean that it is gone.
    return !isAbsent(reason);
  }
}

async function repair(segment: Segment): Promise<void> {
  await segment.file.truncate(segment.bytes);
  segment.isTorn = false;
}
