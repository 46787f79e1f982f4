import type { Body, Position } from "./checkpoint.ts";
import { twinOf, type Archive, type LogFile } from "../log/archives.ts";
import { parseStem } from "../log/dated-name.ts";
import { isSame, tellingBytes } from "../log/content-hash.ts";
import { seen, type OpenLogFile } from "../log/log-file.ts";
import type { LogFiles } from "../log/log-files.ts";
import { intactUpTo } from "./trail.ts";
import { isAbsent } from "../../../errors.ts";

/** How a position was found again. */
export type Located =
  /** Open right at the position. */
  | { readonly kind: "found"; readonly logFile: OpenLogFile }
  /** Its `.gz` ends before the position: open at its end. What it lacks went with the plain file. */
  | { readonly kind: "shorter"; readonly logFile: OpenLogFile }
  /** The file has lost its end, and perhaps got another one: open behind the last line that is still what it was. */
  | { readonly kind: "cut"; readonly logFile: OpenLogFile }
  /** The same file holds other content now: open at its first byte. */
  | { readonly kind: "replaced"; readonly logFile: OpenLogFile }
  /** No file holds what was read. */
  | { readonly kind: "missing" };

/** A search by content opens this many of the newest archives, which is more than a year of days. */
const maxSearched = 1000;

/**
 * Finds the log file of a checkpoint again: where it was, under its dated name, plain or compressed, and at last by
 * content. Name and inode are hints; the file counts when its head and the bytes before the position are the same.
 *
 * Throws a system error when a file that may be it cannot be read; asking again later is then right.
 */
export async function findFile(body: Body, logFiles: LogFiles, signal: AbortSignal): Promise<Located> {
  const { position } = body;
  if (!position) return { kind: "missing" };
  let replaced: LogFile | undefined;
  let cut: { file: LogFile; offset: number } | undefined;
  for await (const { file, logFile } of candidates(position, logFiles)) {
    const { id, name } = logFile.origin;
    const stem = name?.stem ?? null;
    let isKept = false;
    try {
      if (isSame(position, seen(logFile.origin))) {
        if (await logFile.seek(position.offset, position.before, signal)) {
          isKept = true;
          // Its dated name may be gone: that of a day that was compressed while analysisd still writes to it.
          logFile.origin.name ??= parseStem(position.name ?? "");
          return { kind: "found", logFile };
        }
        if (logFile.isCompressed && logFile.offset < position.offset && !signal.aborted) {
          isKept = true;
          return { kind: "shorter", logFile };
        }
        if (position.trail && !logFile.isCompressed) {
          const offset = await intactUpTo(logFile.origin.file, position.trail, position.offset);
          if (offset > (cut?.offset ?? 0)) cut = { file, offset };
        }
      }
      const isNamesake = stem === null || position.name === null ? id === position.id : stem === position.name;
      if (isNamesake) replaced ??= file;
    } finally {
      if (!isKept) await logFile.close();
    }
    if (signal.aborted) break;
  }
  if (cut && !signal.aborted) {
    const logFile = await reopen(cut.file, logFiles);
    await logFile.seek(cut.offset, undefined, signal);
    return { kind: "cut", logFile };
  }
  return replaced && !signal.aborted
    ? { kind: "replaced", logFile: await reopen(replaced, logFiles) }
    : { kind: "missing" };
}

/** Whether a checkpoint whose checksum is wrong can be believed once its place is found: only content can prove it. */
export function isProvable(position: Position | null): boolean {
  return position !== null && position.before.length > 0 && position.head.length >= tellingBytes;
}

async function* candidates(
  position: Position,
  logFiles: LogFiles,
): AsyncGenerator<{ file: LogFile; logFile: OpenLogFile }> {
  const live = { path: logFiles.path, name: undefined, compressed: false };
  const opened = await logFiles.openLive();
  if (opened) yield { file: live, logFile: opened };
  const name = position.name === null ? undefined : parseStem(position.name);
  const named =
    name && (await logFiles.archives.after(name.rank - 1)).find((archive) => archive.name.rank === name.rank);
  if (named) yield* tryOpen(named, logFiles);
  // A plain file that is not the one may hide the .gz of the one: the clock went back over a compressed day.
  if (named?.compressed === false) yield* tryOpen(twinOf(named), logFiles);
  if (position.head.length < tellingBytes) return;
  let searched = 0;
  for await (const archive of logFiles.archives.newestFirst()) {
    if (++searched > maxSearched) return;
    if (archive.name.rank !== name?.rank) yield* tryOpen(archive, logFiles);
  }
}

async function* tryOpen(
  file: LogFile | Archive,
  logFiles: LogFiles,
): AsyncGenerator<{ file: LogFile; logFile: OpenLogFile }> {
  let logFile: OpenLogFile;
  try {
    logFile = await logFiles.open(file);
  } catch (reason) {
    if (isAbsent(reason)) return;
    throw reason;
  }
  yield { file, logFile };
}

async function reopen(file: LogFile, logFiles: LogFiles): Promise<OpenLogFile> {
  const logFile = file.path === logFiles.path ? await logFiles.openLive() : await logFiles.open(file);
  if (logFile) return logFile;
  throw Object.assign(new Error(`${file.path} went away`), { code: "ENOENT" });
}
