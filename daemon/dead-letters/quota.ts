import { namesIn } from "../disk/list-directory.ts";
import { join } from "node:path";
import { describe } from "../errors.ts";
import type { Log } from "../telemetry/log.ts";
import type { ReasonCode } from "../telemetry/reason-codes.ts";
import {
  isWrittenByAnother,
  segmentsOf,
  compact,
  compactionLevels,
  type Compacted,
  type CompactionLevel,
} from "./segments.ts";
import { tombstonesOf } from "./tombstones.ts";
import { statIfPresent } from "../disk/file-stat.ts";

/**
 * Keeps the dead-letter store below its bound. First goes what was removed, then what is not an alert: the oldest lines
 * of the socket that have no position, last the raw bytes of the oldest entries. Positions are never removed.
 */
export class DeadLetterQuota {
  readonly #directory: string;
  readonly #maxBytes: number;
  readonly #log: Log;
  /** Sizes of segments in which nothing could be removed: else each new entry would cause all of them to be read again. */
  readonly #spent = new Map<string, string>();
  /** Entries whose raw bytes were removed since the process started. */
  rawGivenUp = 0;
  /** Entries that were not alerts and were removed since the process started. */
  nonAlertsGivenUp = 0;

  constructor(directory: string, maxBytes: number, log: Log) {
    this.#directory = directory;
    this.#maxBytes = maxBytes;
    this.#log = log;
  }

  /**
   * Never rejects.
   * @param current the segment that this process writes, which is left alone
   * @param letGo   ends that segment when it holds what is not an alert, so that this can go before any alert's bytes
   */
  async make(current: string | undefined, letGo: () => Promise<boolean>): Promise<void> {
    try {
      let total = await this.#total();
      for (const level of compactionLevels) {
        if (total <= this.#maxBytes) return;
        if (level === "raw" && (await letGo())) {
          total = await this.#give("non-alerts", undefined, total);
          if (total <= this.#maxBytes) return;
        }
        total = await this.#give(level, current, total);
      }
    } catch (reason) {
      // The entries themselves are stored; it is tried again with the next ones.
      const what = "the dead-letter store exceeds its limit and its oldest entries cannot be compacted";
      this.#log.warn(
        { code: "dead-letters-not-compacted", directory: this.#directory, reason: describe(reason) },
        what,
      );
    }
  }

  /** @returns bytes of the store thereafter */
  async #give(level: CompactionLevel, current: string | undefined, before: number): Promise<number> {
    let total = before;
    for (const path of await segmentsOf(this.#directory)) {
      if (total <= this.#maxBytes) break;
      if (path === current || isWrittenByAnother(path)) continue;
      const size = (await statIfPresent(path, "keep"))?.size;
      if (size === undefined) continue; // Deleted just now.
      const sizes = `${size} ${(await statIfPresent(tombstonesOf(path), "keep"))?.size ?? 0}`;
      const key = `${level} ${path}`;
      if (this.#spent.get(key) === sizes) continue;
      const compacted = await compact(path, level);
      if (compacted === undefined) {
        this.#spent.set(key, sizes);
        continue;
      }
      total += compacted.bytes - size;
      this.#gaveUp(path, compacted);
      if (compacted.bytes === 0) for (const one of compactionLevels) this.#spent.delete(`${one} ${path}`);
    }
    return total;
  }

  #gaveUp(segment: string, { stripped, forgotten }: Compacted): void {
    this.rawGivenUp += stripped;
    this.nonAlertsGivenUp += forgotten;
    const losses: [entries: number, what: string][] = [
      [stripped, "the oldest entries lost their raw bytes, their positions are kept"],
      [forgotten, "the oldest lines of the socket that are not alerts were removed; find out who sends them"],
    ];
    const code: ReasonCode = "dead-letters-full";
    for (const [entries, what] of losses) {
      if (entries > 0) this.#log.error({ code, segment, entries }, `the dead-letter store is full: ${what}`);
    }
  }

  async #total(): Promise<number> {
    let total = 0;
    for (const name of await namesIn(this.#directory)) {
      total += (await statIfPresent(join(this.#directory, name), "keep"))?.size ?? 0;
    }
    return total;
  }
}
