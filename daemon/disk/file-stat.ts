import { statSync, type BigIntStats } from "node:fs";
import { lstat, stat } from "node:fs/promises";
import { isAbsent } from "../errors.ts";

/** A file as the system shows it. */
export interface FileStat {
  /** `device:inode`; exact, because inodes go beyond 2^53. */
  readonly id: string;
  readonly size: number;
  /** When content, size, links or modes changed last, in nanoseconds since 1970; nobody can set it back. */
  readonly changedNs: bigint;
}

export function fileStatOf({ dev, ino, size, ctimeNs }: BigIntStats): FileStat {
  return { id: `${dev}:${ino}`, size: Number(size), changedNs: ctimeNs };
}

/**
 * What is at a path, or undefined when there is nothing.
 * @param links follow: a link counts as the file that it leads to; keep: as itself
 * @throws what the system says, when it cannot be looked at
 */
export async function statIfPresent(path: string, links: "follow" | "keep" = "follow"): Promise<FileStat | undefined> {
  try {
    return fileStatOf(await (links === "follow" ? stat : lstat)(path, { bigint: true }));
  } catch (reason) {
    if (isAbsent(reason)) return undefined;
    throw reason;
  }
}

/** As `statIfPresent`, on the main thread: for a path that leads to a disk of this machine. */
export function statIfPresentNow(path: string): FileStat | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found && fileStatOf(found);
}
