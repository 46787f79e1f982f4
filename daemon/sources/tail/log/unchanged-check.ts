import { statSync } from "node:fs";
import type { FileStat } from "../../../disk/file-stat.ts";

/**
 * A file changed twice in one tick of the kernel's clock shows one time for both, so a change must be older than a few
 * ticks (at most 10 ms, Linux at 100 Hz) to be distinguished from the next.
 */
const tellsApartNs = 50_000_000n;

/**
 * Whether the path still shows the file, the size and the times that it showed when everything in it had been read:
 * then the next look needs neither read nor directory. Most looks are such, ten a second on a quiet manager, so this is
 * one system call on the main thread; through Node's thread pool it would cost some hundred times the processor time.
 *
 * Never true in doubt: what cannot be seen is left to the thorough check, which reports why.
 */
export class UnchangedCheck {
  #seen: FileStat | undefined;

  /**
   * Takes what was seen at the path after a read had met the end.
   * @param offset where that read had ended; a file that was longer when it was seen has something to read
   * @param nowMs milliseconds since 1970, when it was seen
   */
  take(seen: FileStat, offset: number, nowMs = Date.now()): void {
    const isOld = BigInt(nowMs) * 1_000_000n - seen.changedNs > tellsApartNs;
    this.#seen = isOld && seen.size === offset ? seen : undefined;
  }

  forget(): void {
    this.#seen = undefined;
  }

  /** Bytes of the file while it was still at the last look. */
  get size(): number | undefined {
    return this.#seen?.size;
  }

  holds(path: string): boolean {
    const seen = this.#seen;
    if (!seen) return false;
    try {
      const found = statSync(path, { bigint: true, throwIfNoEntry: false });
      return (
        found !== undefined &&
        found.ctimeNs === seen.changedNs &&
        Number(found.size) === seen.size &&
        `${found.dev}:${found.ino}` === seen.id
      );
    } catch {
      return false;
    }
  }
}
