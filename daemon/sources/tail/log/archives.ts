import { readlink } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { namesIn } from "../../../disk/list-directory.ts";
import { statIfPresent } from "../../../disk/file-stat.ts";
import { isAbsent } from "../../../errors.ts";
import { months, parseFileName, type DatedName } from "./dated-name.ts";

/** A file of the log on disk. */
export interface LogFile {
  readonly path: string;
  /** Dated name, or undefined for a file that has none (or none that is known). */
  readonly name: DatedName | undefined;
  readonly compressed: boolean;
}

/** An archived log file on disk. */
export interface Archive extends LogFile {
  readonly name: DatedName;
  /** Whether a `.gz` of the same name is there as well. */
  readonly hasTwin: boolean;
}

/**
 * Looking for the name of an inode gives up after this many files. The file that is written is among the newest, unless the
 * clock was set back.
 */
const maxStats = 20_000;

/**
 * The archived log files under one alerts directory. Nothing is kept between calls: analysisd and monitord change the
 * tree at any time. A directory that is not there counts as empty; one that cannot be read throws.
 */
export class Archives {
  readonly #root: () => Promise<string>;

  /** @param root gives the directory of alerts.json, which holds the directories of the years */
  constructor(root: () => Promise<string>) {
    this.#root = root;
  }

  /**
   * Newest first. If a name exists twice, plain and compressed, only the plain file is given, with `hasTwin`: the `.gz`
   * may be half written (Wazuh 4.14 source: src/monitord/compress_log.c:76-128 unlinks the plain file last).
   */
  async *newestFirst(): AsyncGenerator<Archive> {
    const root = await this.#root();
    for (const year of (await namesThere(root))
      .filter((name) => /^\d{4}$/.test(name))
      .toSorted()
      .toReversed()) {
      const present = new Set(await namesThere(join(root, year)));
      for (const month of months.toReversed().filter((name) => present.has(name))) {
        yield* await inMonth(root, year, month);
      }
    }
  }

  /** Generations that rank above `rank`, oldest first. */
  async after(rank: number): Promise<Archive[]> {
    const found: Archive[] = [];
    for await (const archive of this.newestFirst()) {
      if (archive.name.rank <= rank) break;
      found.push(archive);
    }
    return found.toReversed();
  }

  /** The newest log file, or undefined when there is none. */
  async newest(): Promise<Archive | undefined> {
    for await (const archive of this.newestFirst()) return archive;
    return undefined;
  }

  /** The plain file with this `device:inode`: alerts.json is a hard link to the newest dated file. */
  async withId(id: string): Promise<Archive | undefined> {
    let stats = 0;
    for await (const archive of this.newestFirst()) {
      if (archive.compressed) continue;
      if (++stats > maxStats) return undefined;
      if ((await statIfPresent(archive.path))?.id === id) return archive;
    }
    return undefined;
  }

  /** All of them, oldest first. */
  all(): Promise<Archive[]> {
    return this.after(0);
  }
}

/** The `.gz` that has the name of a plain archive. */
export function twinOf({ path, name }: Archive): Archive {
  return { path: `${path}.gz`, name, compressed: true, hasTwin: true };
}

/** More consecutive links than anybody creates on purpose. */
const maxLinks = 16;

/** The directory of alerts.json, and its archives: if the path is a link, that of the file it leads to. */
export async function directoryOf(path: string): Promise<string> {
  return dirname(await fileBehind(path));
}

/** The path itself, or the one that it leads to if it is a link, whether or not there is a file. */
export async function fileBehind(path: string): Promise<string> {
  let file = path;
  for (let links = 0; links < maxLinks; links++) {
    // Whatever is not a link, or is not there just now.
    const target = await readlink(file).catch(() => undefined);
    if (target === undefined) break;
    file = resolve(dirname(file), target);
  }
  return file;
}

async function namesThere(directory: string): Promise<string[]> {
  try {
    return await namesIn(directory);
  } catch (reason) {
    if (isAbsent(reason)) return [];
    throw reason;
  }
}

async function inMonth(root: string, year: string, month: string): Promise<Archive[]> {
  const directory = join(root, year, month);
  const byRank = new Map<number, Archive>();
  for (const file of await namesThere(directory)) {
    const parsed = parseFileName(year, month, file);
    if (!parsed) continue;
    const other = byRank.get(parsed.name.rank);
    const found = { path: join(directory, file), ...parsed, hasTwin: other !== undefined };
    byRank.set(parsed.name.rank, other && parsed.compressed ? { ...other, hasTwin: true } : found);
  }
  return [...byRank.values()].toSorted((a, b) => b.name.rank - a.name.rank);
}
