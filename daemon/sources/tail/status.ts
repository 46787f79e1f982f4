import type { Backlog } from "./backlog.ts";
import type { Spot } from "./journal.ts";

/** What the tail does, for people and metrics. */
export interface TailStatus {
  /** `following`, `catching-up`, or `waiting: ` and the reason. */
  readonly state: string;
  /** The file that is read, or is to be read. */
  readonly file: string;
  /** Bytes of it that were handed on. */
  readonly offset: number;
  /** Bytes it holds, as of the last second; undefined for a compressed one. */
  readonly size: number | undefined;
  /** Bytes in plain files that are not handed on yet, as of the last second. */
  readonly lagBytes: number;
  /** Unread compressed files, whose size is not known and not in `lagBytes`. */
  readonly lagCompressedFiles: number;
  /** Age of the newest alert read while there is more to read; 0 at the end of the log. */
  readonly lagSeconds: number;
}

/** How the checkpoint on the disk stands. */
export interface CheckpointStatus {
  /** Since it last said what the tail knew; undefined while the tail has found no place to read from. */
  readonly ageSeconds: number | undefined;
  /** Why it cannot be written, and what to do; undefined while it can. */
  readonly trouble: string | undefined;
}

/** What the status is made of. */
export interface Situation {
  /** Path of alerts.json. */
  readonly path: string;
  readonly reading: Readonly<Spot> | undefined;
  readonly trouble: string | undefined;
  readonly isAtEnd: boolean;
  readonly size: number | undefined;
  readonly backlog: Backlog;
  /** Time of the last line read, in milliseconds since 1970. */
  readonly lastTimeMs: number | undefined;
}

/** @param wallClockMs milliseconds since 1970 */
export function statusOf(now: Situation, wallClockMs: number): TailStatus {
  const offset = now.reading?.offset ?? 0;
  const ageMs = now.isAtEnd || now.lastTimeMs === undefined ? 0 : Math.max(0, wallClockMs - now.lastTimeMs);
  return {
    state: now.trouble === undefined ? (now.isAtEnd ? "following" : "catching-up") : `waiting: ${now.trouble}`,
    file: now.reading?.visit.origin.file ?? now.path,
    offset,
    size: now.size,
    lagBytes: Math.max(0, (now.size ?? offset) - offset) + now.backlog.bytes,
    lagCompressedFiles: now.backlog.compressed,
    lagSeconds: Math.round(ageMs / 1000),
  };
}
