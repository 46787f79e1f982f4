import type { Body, Position } from "./checkpoint.ts";
import { isAbsent, twinOf, type Archive, type LogFile } from "./archives.ts";
import { parseStem } from "./dated-name.ts";
import { isSame, tellingBytes } from "./fingerprint.ts";
import { seen, type OpenLogFile } from "./generation.ts";
import type { LogFiles } from "./succession.ts";
import { intactUpTo } from "./trail.ts";

/** How a position was found again. */
export type Located =
  /** Open right at the position. */
  | { readonly kind: "found"; readonly generation: OpenLogFile }
  /** Its `.gz` ends before the position: open at its end. What it lacks went with the plain file. */
  | { readonly kind: "shorter"; readonly generation: OpenLogFile }
  /** The file has lost its end, and perhaps got another one: open behind the last line that is still what it was. */
  | { readonly kind: "cut"; readonly generation: OpenLogFile }
  /** The same file holds other content now: open at its first byte. */
  | { readonly kind: "replaced"; readonly generation: OpenLogFile }
  /** No file holds what was read. */
  | { readonly kind: "missing" };

/** A search by content opens so many of the newest archives, which is more than a year of days. */
const mostSearched = 1000;

/**
 * Finds the generation of a checkpoint again: where it was, under its dated name, plain or compressed, and at last by
 * content. Name and inode are hints; the file counts when its head and the bytes before the position are the same.
 *
 * Throws a system error when a file that may be it cannot be read; asking again later is then right.
 */
export async function findFile(body: Body, succession: LogFiles, signal: AbortSignal): Promise<Located> {
  const { position } = body;
  if (!position) return { kind: "missing" };
  let replaced: LogFile | undefined;
  let cut: { file: LogFile; offset: number } | undefined;
  for await (const { file, generation } of candidates(position, succession)) {
    const { id, name } = generation.origin;
    const stem = name?.stem ?? null;
    let isKept = false;
    try {
      if (isSame(position, seen(generation.origin))) {
        if (await generation.seek(position.offset, position.before, signal)) {
          isKept = true;
          // Its dated name may be gone: that of a day that was compressed while analysisd still writes to it.
          generation.origin.name ??= parseStem(position.name ?? "");
          return { kind: "found", generation };
        }
        if (generation.isCompressed && generation.offset < position.offset && !signal.aborted) {
          isKept = true;
          return { kind: "shorter", generation };
        }
        if (position.trail && !generation.isCompressed) {
          const offset = await intactUpTo(generation.origin.file, position.trail, position.offset);
          if (offset > (cut?.offset ?? 0)) cut = { file, offset };
        }
      }
      const isNamesake = stem === null || position.name === null ? id === position.id : stem === position.name;
      if (isNamesake) replaced ??= file;
    } finally {
      if (!isKept) await generation.close();
    }
    if (signal.aborted) break;
  }
  if (cut && !signal.aborted) {
    const generation = await reopen(cut.file, succession);
    await generation.seek(cut.offset, undefined, signal);
    return { kind: "cut", generation };
  }
  return replaced && !signal.aborted
    ? { kind: "replaced", generation: await reopen(replaced, succession) }
    : { kind: "missing" };
}

/** Whether a checkpoint whose checksum is wrong can be believed once its place is found: only content can prove it. */
export function isProvable(position: Position | null): boolean {
  return position !== null && position.before.length > 0 && position.head.length >= tellingBytes;
}

async function* candidates(
  position: Position,
  succession: LogFiles,
): AsyncGenerator<{ file: LogFile; generation: OpenLogFile }> {
  const live = { path: succession.path, name: undefined, compressed: false };
  const opened = await succession.openLive();
  if (opened) yield { file: live, generation: opened };
  const name = position.name === null ? undefined : parseStem(position.name);
  const named =
    name && (await succession.archives.after(name.rank - 1)).find((archive) => archive.name.rank === name.rank);
  if (named) yield* tryOpen(named, succession);
  // A plain file that is not the one may hide the .gz of the one: the clock went back over a compressed day.
  if (named?.compressed === false) yield* tryOpen(twinOf(named), succession);
  if (position.head.length < tellingBytes) return;
  let searched = 0;
  for await (const archive of succession.archives.newestFirst()) {
    if (++searched > mostSearched) return;
    if (archive.name.rank !== name?.rank) yield* tryOpen(archive, succession);
  }
}

async function* tryOpen(
  file: LogFile | Archive,
  succession: LogFiles,
): AsyncGenerator<{ file: LogFile; generation: OpenLogFile }> {
  let generation: OpenLogFile;
  try {
    generation = await succession.open(file);
  } catch (reason) {
    if (isAbsent(reason)) return;
    throw reason;
  }
  yield { file, generation };
}

async function reopen(file: LogFile, succession: LogFiles): Promise<OpenLogFile> {
  const generation = file.path === succession.path ? await succession.openLive() : await succession.open(file);
  if (generation) return generation;
  throw Object.assign(new Error(`${file.path} went away`), { code: "ENOENT" });
}
