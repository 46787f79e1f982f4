import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { look, type Sight } from "./archives.ts";
import { rankOfDay } from "./dated-name.ts";
import type { Origin } from "./generation.ts";
import { keptFinished, type Journal } from "./journal.ts";
import type { Opened, Succession } from "./succession.ts";

/** Where a first start begins: after what alerts.json holds, at its first byte, or with alerts of a time and later. */
export type Start = "end" | "beginning" | Date;

const newline = 0x0a;
const dayMs = 86_400_000;
const stepBytes = 64 * 1024;

/**
 * alerts.json when the forwarder starts for the first time, without opening it. Where there is nothing, or it is hidden,
 * it will be read from its first byte, so that nothing is lost.
 */
export async function firstSight(path: string): Promise<Sight | undefined> {
  return look(path).catch(() => undefined);
}

/**
 * Places the tail on a first start, and notes in the journal what is left behind.
 * @param sight what alerts.json was at the start; its end is meant, even where it could only be opened later
 * @returns alerts.json opened at its place, or undefined where the archives come first or nothing is there yet
 */
export async function begin(
  start: Start,
  sight: Sight | undefined,
  succession: Succession,
  journal: Journal,
): Promise<Opened | undefined> {
  const live = start instanceof Date ? undefined : await succession.openLive();
  try {
    const newest = (await succession.archives.newest())?.name.rank ?? 0;
    const afterRank = start instanceof Date ? rankBefore(start) : (live?.origin.name?.rank ?? newest);
    if (start instanceof Date) journal.notBeforeMs = start.getTime();
    journal.afterRank = afterRank;
    await leaveBehind(afterRank, live?.origin.id, succession, journal);
    if (!live) return undefined;
    if (start === "end" && sight?.id === live.origin.id) {
      await live.seek(await lineStart(live.origin.file, sight.size), undefined, new AbortController().signal);
    }
    return { generation: live, afterRank };
  } catch (reason) {
    await live?.close();
    throw reason;
  }
}

/**
 * Notes the newest plain archives as read: when the clock is set back, analysisd writes to one of them again, and then
 * only what is added counts.
 */
async function leaveBehind(
  afterRank: number,
  liveId: string | undefined,
  succession: Succession,
  journal: Journal,
): Promise<void> {
  const left: { origin: Origin; size: number }[] = [];
  for await (const archive of succession.archives.newestFirst()) {
    if (left.length === keptFinished) break;
    if (archive.compressed || archive.name.rank > afterRank) continue;
    try {
      const size = (await look(archive.path))?.size ?? 0;
      const generation = await succession.open(archive);
      await generation.close();
      if (generation.origin.id !== liveId) left.push({ origin: generation.origin, size });
    } catch {
      // An old archive that cannot be read matters only if the clock goes back to it; then it is read whole.
    }
  }
  for (const { origin, size } of left.toReversed()) journal.consider(origin, size);
}

/**
 * Rank below every generation that may hold alerts of this time. Files are cut by the manager's local day, which is at
 * the earliest the day before the one in UTC or here; and the first second of a day may stand in the file of the day
 * before (Wazuh 4.14 source: src/analysisd/analysisd.c:2288-2314).
 */
function rankBefore(time: Date): number {
  const day = new Date(time.getTime() - dayMs);
  return Math.min(
    rankOfDay(day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate()) - 1,
    rankOfDay(day.getFullYear(), day.getMonth(), day.getDate()) - 1,
  );
}

/** Offset of the first byte of the line that the byte at `end` belongs to: an unfinished line is taken when it is whole. */
async function lineStart(path: string, end: number): Promise<number> {
  // A pipe that was put there since is read as empty, and blocks nobody.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const buffer = Buffer.alloc(stepBytes);
    for (let stop = end; stop > 0; stop -= Math.min(stop, stepBytes)) {
      const length = Math.min(stop, stepBytes);
      const { bytesRead } = await file.read(buffer, 0, length, stop - length);
      const found = buffer.subarray(0, bytesRead).lastIndexOf(newline);
      if (found >= 0) return stop - length + found + 1;
    }
    return 0;
  } finally {
    await file.close();
  }
}
