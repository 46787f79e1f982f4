import type { LogFile } from "./log/archives.ts";
import { beginsWith, endsWith, contentHash, isSame } from "./log/content-hash.ts";
import { identityOfFile, seen, type OpenLogFile } from "./log/log-file.ts";
import type { LogFiles } from "./log/log-files.ts";
import { isAbsent } from "../../errors.ts";
import { statIfPresent } from "../../disk/file-stat.ts";

/** Waits between attempts, in milliseconds: doubled each time, because a `.gz` is decompressed up to its place. */
const firstWaitMs = 1000;
const longestWaitMs = 30_000;
/** A file that is nowhere for this long, in milliseconds, will not be back. */
const goneMs = 60_000;

/** The result of an attempt. */
export type Reopened =
  /** Another descriptor of the same content, at the same place. */
  | { readonly kind: "open"; readonly logFile: OpenLogFile }
  /** Each place where it could be was checked for a minute, and alerts.json and its archives are other files. */
  | { readonly kind: "gone" }
  /** Not now. */
  | { readonly kind: "later" };

/**
 * Finds a file again whose descriptor cannot be read any more: a descriptor may die for ever, on a network mount above all,
 * while the path leads to the file again. Content proves that it is the same.
 */
export class Reopening {
  readonly #logFiles: LogFiles;
  readonly #now: () => number;
  #waitMs = 0;
  #triedAtMs = 0;
  #goneSinceMs: number | undefined;

  /** @param now milliseconds of a monotonic clock */
  constructor(logFiles: LogFiles, now: () => number) {
    this.#logFiles = logFiles;
    this.#now = now;
  }

  /** It can be read: the next failure is met at once. */
  reset(): void {
    this.#waitMs = 0;
    this.#goneSinceMs = undefined;
  }

  /** To be called after each failed read; does nothing if it is too early. */
  async try(lost: OpenLogFile, signal: AbortSignal): Promise<Reopened> {
    const now = this.#now();
    if (this.#waitMs > 0 && now - this.#triedAtMs < this.#waitMs) return { kind: "later" };
    this.#triedAtMs = now;
    this.#waitMs = Math.min(Math.max(firstWaitMs, this.#waitMs * 2), longestWaitMs);
    let isEachSeen = true;
    for (const open of this.#candidates(lost)) {
      try {
        const logFile = await openAt(open, lost, signal);
        if (logFile !== undefined) return { kind: "open", logFile };
      } catch (reason) {
        // What keeps the path from being opened mostly keeps the descriptor from being read, which is reported.
        if (!isAbsent(reason)) isEachSeen = false;
      }
      if (signal.aborted) return { kind: "later" };
    }
    // With nothing at the path of alerts.json the whole directory may be away, and come back.
    if (!isEachSeen || !(await isThere(this.#logFiles.path))) this.#goneSinceMs = undefined;
    else this.#goneSinceMs ??= now;
    const isGone = this.#goneSinceMs !== undefined && now - this.#goneSinceMs >= goneMs;
    return { kind: isGone ? "gone" : "later" };
  }

  /** Where it may be: under its own name, plain or compressed, and at the path of alerts.json. */
  #candidates({ origin: { file, name, isCompressed } }: OpenLogFile): (() => Promise<OpenLogFile | undefined>)[] {
    const files: LogFile[] = [{ path: file, name, compressed: isCompressed }];
    if (isCompressed) files.push({ path: file.replace(/\.gz$/, ""), name, compressed: false });
    else if (name !== undefined) files.push({ path: `${file}.gz`, name, compressed: true });
    return [() => this.#logFiles.openLive(), ...files.map((each) => () => this.#logFiles.open(each))];
  }
}

async function isThere(path: string): Promise<boolean> {
  const found = await statIfPresent(path).catch(() => undefined);
  return found !== undefined;
}

async function openAt(
  open: () => Promise<OpenLogFile | undefined>,
  lost: OpenLogFile,
  signal: AbortSignal,
): Promise<OpenLogFile | undefined> {
  const logFile = await open();
  if (logFile === undefined) return undefined;
  let isKept = false;
  try {
    if (!mayBe(lost, logFile)) return undefined;
    const before = await logFile.seekTo(lost.offset, signal);
    isKept = before !== undefined && endsWith(before, contentHash(lost.before));
    return isKept ? logFile : undefined;
  } finally {
    if (!isKept) await logFile.close();
  }
}

/** By name, inode and first bytes. Of next to nothing the inode says little: a mount that comes back has other numbers. */
function mayBe(lost: OpenLogFile, found: OpenLogFile): boolean {
  const known = identityOfFile(lost.origin);
  if (isSame(known, seen(found.origin))) return true;
  const isNamesake = lost.origin.file === found.origin.file;
  return isNamesake && lost.offset <= lost.before.length && beginsWith(found.origin.head, known.head);
}
