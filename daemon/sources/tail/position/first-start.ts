import { DfnError, errnoOf } from "../../../errors.ts";
import { twinOf, type Archive, type LogFile } from "../log/archives.ts";
import { rankOfDay } from "../log/dated-name.ts";
import { inodeOf } from "../log/content-hash.ts";
import type { FileOrigin } from "../log/log-file.ts";
import type { ReadProgress } from "./read-progress.ts";
import { lineStart } from "../log/line-start.ts";
import { wholly } from "./read-files.ts";
import type { LogFiles } from "../log/log-files.ts";
import { statIfPresent, type FileStat } from "../../../disk/file-stat.ts";

/** Where a first start begins: after what alerts.json holds, at its first byte, or with alerts of a time and later. */
export type Start = "end" | "beginning" | Date;

const dayMs = 86_400_000;
/** How many of the newest archives are opened; older ones are known by their names and sizes. */
const maxOpened = 400;

/** What alerts.json is, without opening it; undefined if there is nothing, or it is hidden. */
export async function firstSight(path: string): Promise<FileStat | undefined> {
  return statIfPresent(path).catch(() => undefined);
}

/**
 * Fixes where a first start begins, by noting in the progress what is left behind. It also succeeds if nothing can be
 * read: what is written from now on is then found later, also by another process that continues from the checkpoint.
 * @param stat what alerts.json was at the start; its end is meant, even if it can only be opened later. Undefined:
 *              it will be read from its first byte, so that nothing is lost
 */
export async function firstStart(
  start: Start,
  stat: FileStat | undefined,
  logFiles: LogFiles,
  progress: ReadProgress,
): Promise<void> {
  const isTimed = start instanceof Date;
  if (isTimed) progress.notBeforeMs = start.getTime();
  const now = Date.now();
  const fromTime = (timeMs: number): void => void (progress.began = { timeMs, name: null, offset: 0 });
  try {
    const limit = isTimed ? rankBefore(start) : Number.POSITIVE_INFINITY;
    const live = await leaveBehind({ limit, id: isTimed ? undefined : stat?.id }, logFiles, progress);
    const offset = start === "end" && stat ? await leaveUpTo(stat, live, logFiles, progress) : 0;
    if (isTimed) fromTime(start.getTime());
    else if (live !== undefined) progress.began = { timeMs: now, name: live.name.stem, offset };
    // Without a dated name, alerts.json is either wholly before the start or wholly behind it.
    else if (start === "end" || !stat) fromTime(now);
  } catch (reason) {
    if (errnoOf(reason) === undefined && !(reason instanceof DfnError)) throw reason;
    // The archives are hidden. Only the time shows what is older than this start.
    const time = isTimed ? start : new Date();
    progress.coverUpTo(rankBefore(time));
    if (start !== "beginning") progress.notBeforeMs = time.getTime();
    if (start !== "beginning") fromTime(time.getTime());
  }
}

/** What is not to be left behind. */
interface Spared {
  /** Archives that rank above this. */
  readonly limit: number;
  /** The file with this `device:inode`. */
  readonly id?: string | undefined;
  /** The file with this rank. */
  readonly rank?: number | undefined;
}

/**
 * Notes archives as read up to their present ends, unless their content is known already. Later only what is added to
 * them counts: when the clock is set back, analysisd writes to one of them again.
 * @returns the archive that has the spared inode, if one has
 */
export async function leaveBehind(
  { limit, id, rank }: Spared,
  logFiles: LogFiles,
  progress: ReadProgress,
): Promise<Archive | undefined> {
  const archives = await logFiles.archives.all();
  let spared: Archive | undefined;
  for (const [index, archive] of archives.entries()) {
    if (archive.name.rank > limit || archive.name.rank === rank) continue;
    const isOpened = archives.length - index <= maxOpened;
    for (const file of archive.hasTwin ? [twinOf(archive), archive] : [archive]) {
      const found = isOpened || !file.compressed ? await statIfPresent(file.path) : undefined;
      if (found && found.id === id) spared = archive;
      else await leave(file, found, isOpened, logFiles, progress);
    }
  }
  return spared;
}

async function leave(
  { path, name, compressed }: Archive,
  found: FileStat | undefined,
  isOpened: boolean,
  logFiles: LogFiles,
  progress: ReadProgress,
): Promise<void> {
  const end = compressed ? wholly : (found?.size ?? 0);
  const origin = isOpened ? await originOf({ path, name, compressed }, logFiles) : undefined;
  if (!origin) progress.considerName(name.rank, end, inodeOf(found?.id));
  else if (progress.endOf(origin) === undefined) progress.consider(origin, end);
}

/** Notes that alerts.json is wanted from the end that it had at the first stat. @returns that end, where a line begins */
async function leaveUpTo(
  { id, size }: FileStat,
  archive: Archive | undefined,
  logFiles: LogFiles,
  progress: ReadProgress,
): Promise<number> {
  const path = archive?.path ?? logFiles.path;
  const name = archive?.name;
  const origin = await originOf({ path, name, compressed: false }, logFiles);
  if (origin?.id !== id) {
    progress.consider({ file: path, id, name, head: Buffer.alloc(0), isCompressed: false }, size);
    return size;
  }
  const end = await lineStart(path, size);
  progress.consider(origin, end);
  return end;
}

/** Undefined if it cannot be opened; then its name and size must do. */
export async function originOf(file: LogFile, logFiles: LogFiles): Promise<FileOrigin | undefined> {
  try {
    const logFile = await logFiles.open(file);
    await logFile.close();
    return logFile.origin;
  } catch {
    // What reads it later says why it cannot be read; here only its beginning was asked for.
    return undefined;
  }
}

/**
 * Rank below every log file that may hold alerts of this time. Files are cut by the manager's local day, which is at
 * the earliest the day before the one in UTC or here; and the first second of a day may be in the file of the day
 * before (Wazuh 4.14 source: src/analysisd/analysisd.c:2288-2314).
 */
function rankBefore(time: Date): number {
  const day = new Date(time.getTime() - dayMs);
  return Math.min(
    rankOfDay(day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate()) - 1,
    rankOfDay(day.getFullYear(), day.getMonth(), day.getDate()) - 1,
  );
}
