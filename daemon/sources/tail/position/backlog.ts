import type { ReadProgress } from "./read-progress.ts";
import type { LogFiles } from "../log/log-files.ts";
import { statIfPresent } from "../../../disk/file-stat.ts";

/** Bytes that are not read yet in archives and alerts.json after the log file that is being read. */
export interface Backlog {
  readonly bytes: number;
  /** Compressed log files among them, whose size is not known. */
  readonly compressed: number;
  /** Log files, compressed or not, that were not begun. */
  readonly files: number;
}

/** A file that was there when it was last measured. */
interface Measured {
  /** Undefined: alerts.json. */
  readonly rank: number | undefined;
  /** Undefined: compressed. */
  readonly content: Content | undefined;
}

interface Content {
  readonly id: string;
  readonly bytes: number;
}

/** The newest plain archives may still grow; older ones keep the size that they had. */
const growing = 2;

/** Measures what lies beyond the log file that is read, and says at any time what of it is still unread. */
export class BacklogMeter {
  #files: readonly Measured[] | undefined;
  /** Files that were begun since they were measured. */
  readonly #begun = new Set<string>();
  /** By path, of archives that do not grow any more. */
  #known = new Map<string, Content>();

  /** Looks at alerts.json and the unread archives: one `stat` for each that was not seen before, and for the newest. */
  async measure({ path, archives }: LogFiles, progress: ReadProgress): Promise<void> {
    this.#begun.clear();
    const current = progress.current?.reading.origin.id;
    if (current !== undefined) this.#begun.add(current);
    const unread = await archives.after(progress.newestRank);
    const known = new Map<string, Content>();
    const files: Measured[] = [{ rank: undefined, content: await contentAt(path) }];
    for (const [index, { path: file, name, compressed }] of unread.entries()) {
      const content = compressed ? undefined : (this.#known.get(file) ?? (await contentAt(file)));
      if (content !== undefined && index < unread.length - growing) known.set(file, content);
      if (content !== undefined || compressed) files.push({ rank: name.rank, content });
    }
    this.#known = known;
    this.#files = files;
  }

  /** A file is read from now on. */
  begin(id: string): void {
    this.#begun.add(id);
  }

  /** There is nothing after what is being read. */
  caughtUp(): void {
    this.#files = [];
  }

  /** What of it is unread now; undefined before the first measuring. */
  of({ newestRank }: ReadProgress): Backlog | undefined {
    if (this.#files === undefined) return undefined;
    const seen = new Set(this.#begun);
    let bytes = 0;
    let compressed = 0;
    let files = 0;
    for (const { rank, content } of this.#files) {
      if (rank !== undefined && rank <= newestRank) continue;
      if (content === undefined) {
        if (rank !== undefined) compressed++;
        continue;
      }
      if (!seen.has(content.id)) {
        bytes += content.bytes;
        files++;
      }
      seen.add(content.id);
    }
    return { bytes, compressed, files: files + compressed };
  }
}

async function contentAt(path: string): Promise<Content | undefined> {
  const found = await statIfPresent(path);
  return found && { id: found.id, bytes: found.size };
}
