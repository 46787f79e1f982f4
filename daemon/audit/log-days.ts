import type { LogFile } from "../sources/tail/log/archives.ts";
import { partsPerDay, rankOfDay } from "../sources/tail/log/dated-name.ts";

const dayMs = 86_400_000;

/** Which days of the log were read, and which not whole: a record of such a day may have a line that was not seen. */
export class LogDays {
  readonly #read = new Set<number>();
  readonly #damaged = new Set<number>();
  /** A file without a dated name may have lines of any day. */
  #hasUnnamed = false;
  #isDamaged = false;
  #isUnnamedDamaged = false;

  read({ name }: LogFile): void {
    if (name === undefined) this.#hasUnnamed = true;
    else this.#read.add(Math.floor(name.rank / partsPerDay));
  }

  damaged(file: LogFile | undefined): void {
    this.#isDamaged = true;
    if (file?.name === undefined) this.#isUnnamedDamaged = true;
    else this.#damaged.add(Math.floor(file.name.rank / partsPerDay));
  }

  /**
   * Whether a line of this second may not have been seen. The day that a file is named after is the manager's, which may
   * differ from the one in UTC by one in either direction.
   * @param second since 1970; -1 if it is not known
   */
  isDoubtful(second: number): boolean {
    if (second < 0) return this.#isDamaged;
    if (this.#isUnnamedDamaged) return true;
    const near = [-dayMs, 0, dayMs].map((shift) => dayAt(second * 1000 + shift));
    if (near.some((day) => this.#damaged.has(day))) return true;
    if (this.#hasUnnamed) return false;
    const local = new Date(second * 1000);
    const own = rankOfDay(local.getFullYear(), local.getMonth(), local.getDate()) / partsPerDay;
    return !this.#read.has(own) && !this.#read.has(dayAt(second * 1000));
  }
}

function dayAt(timeMs: number): number {
  const day = new Date(timeMs);
  return rankOfDay(day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate()) / partsPerDay;
}
