import type { ReasonCode } from "../../telemetry/reason-codes.ts";
import type { Backlog } from "./position/backlog.ts";
import type { DamagedArchive } from "./position/damaged.ts";
import type { LogPosition } from "./position/read-progress.ts";

const waiting = "waiting: ";

/** What the tail does: it waits while the log is not there or cannot be read. In this form it is in the status. */
export type TailState = "following" | "catching-up" | `${typeof waiting}${string}`;

/** Why the tail waits; undefined if it does not, and for a state that only another version has. */
export function waitReasonOf(state: TailState): string | undefined {
  return state.startsWith(waiting) ? state.slice(waiting.length) : undefined;
}

/** How far the tail is, for people and metrics. */
export interface TailStatus {
  readonly state: TailState;
  /** Why it waits; absent while it does not. */
  readonly troubleCode?: ReasonCode | undefined;
  /** The file that is read, or is to be read. */
  readonly file: string;
  /** Bytes of it that were handed on. */
  readonly offset: number;
  /** Bytes it holds, as of the last second; undefined for a compressed one. */
  readonly size: number | undefined;
  /**
   * Bytes in plain files that are not handed on yet, as of the last second; undefined while that cannot be known: nothing
   * was measured yet, the place is looked for, or the log cannot be read.
   */
  readonly lagBytes: number | undefined;
  /** Unread compressed files, whose size is not known and not in `lagBytes`. */
  readonly lagCompressedFiles: number;
  /** Files that are not begun yet, compressed or not; absent while that is not known. */
  readonly lagFiles?: number | undefined;
  /**
   * Age of the newest alert read while there is more to read; 0 at the end of the log. Undefined while `lagBytes` is, before
   * an alert was read, and if the alert's time is in the future.
   */
  readonly lagSeconds: number | undefined;
  /** Archives that could not be decompressed to their end, and up to which byte of their content they were read. */
  readonly damagedArchives?: readonly { readonly file: string; readonly offset: number }[] | undefined;
}

/** What the status is made of. */
export interface Situation {
  /** Path of alerts.json. */
  readonly path: string;
  readonly reading: Readonly<LogPosition> | undefined;
  readonly trouble: string | undefined;
  readonly troubleCode?: ReasonCode | undefined;
  readonly isAtEnd: boolean;
  readonly size: number | undefined;
  /** Undefined before it was measured. */
  readonly backlog: Backlog | undefined;
  /** Time of the last line read, in milliseconds since 1970. */
  readonly lastTimeMs: number | undefined;
  readonly damaged: readonly DamagedArchive[];
}

/** Clocks are set by less than that all the time. */
const jitterMs = 1000;

/** @param wallClockMs milliseconds since 1970 */
export function statusOf(now: Situation, wallClockMs: number): TailStatus {
  const { reading, trouble, isAtEnd, size, backlog } = now;
  const offset = reading?.offset ?? 0;
  const isKnown = trouble === undefined && (isAtEnd || (reading !== undefined && backlog !== undefined));
  const isCompressed = reading?.reading.origin.isCompressed === true;
  const left = size === undefined ? (isCompressed ? 0 : undefined) : Math.max(0, size - offset);
  return {
    state: trouble === undefined ? (isAtEnd ? "following" : "catching-up") : `${waiting}${trouble}`,
    ...(now.troubleCode !== undefined && { troubleCode: now.troubleCode }),
    file: reading?.reading.origin.file ?? now.path,
    offset,
    size,
    lagBytes: isKnown
      ? isAtEnd
        ? (left ?? 0)
        : left === undefined
          ? undefined
          : left + (backlog?.bytes ?? 0)
      : undefined,
    ...(isKnown && { lagFiles: isAtEnd ? 0 : (backlog?.files ?? 0) }),
    lagCompressedFiles: isAtEnd ? 0 : (backlog?.compressed ?? 0),
    lagSeconds: isKnown ? lagSeconds(now, wallClockMs) : undefined,
    damagedArchives: now.damaged.map(({ file, end }) => ({ file, offset: end })),
  };
}

function lagSeconds({ isAtEnd, lastTimeMs }: Situation, wallClockMs: number): number | undefined {
  if (isAtEnd) return 0;
  if (lastTimeMs === undefined || lastTimeMs > wallClockMs + jitterMs) return undefined;
  return Math.round(Math.max(0, wallClockMs - lastTimeMs) / 1000);
}
