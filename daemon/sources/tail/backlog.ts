import { look } from "./archives.ts";
import type { Journal } from "./journal.ts";
import type { Succession } from "./succession.ts";

/** Bytes that are not read yet in archives and alerts.json behind the generation that is read. */
export interface Backlog {
  readonly bytes: number;
  /** Compressed generations among them, whose size is not known. */
  readonly compressed: number;
}

/** A file that was there when it was last measured. */
interface Measured {
  /** Undefined: alerts.json. */
  readonly rank: number | undefined;
  /** Dated name; null where there is none. */
  readonly stem: string | null;
  /** Undefined: compressed. */
  readonly content: { readonly id: string; readonly bytes: number } | undefined;
}

/** The newest plain archives may still grow; older ones keep the size that they had. */
const growing = 2;

/** Measures what lies beyond the generation that is read, and says at any time what of it is still unread. */
export class BacklogMeter {
  #files: readonly Measured[] | undefined;
  /** By path, of archives that do not grow any more. */
  #known = new Map<string, { readonly id: string; readonly bytes: number }>();

  /** Looks at alerts.json and the unread archives: one `stat` for each that was not seen before, and for the newest. */
  async measure({ path, archives }: Succession, journal: Journal): Promise<void> {
    const unread = await archives.after(journal.newestRank);
    const known = new Map<string, { readonly id: string; readonly bytes: number }>();
    const files: Measured[] = [{ rank: undefined, stem: null, content: await contentAt(path) }];
    for (const [index, { path: file, name, compressed }] of unread.entries()) {
      if (compressed) {
        files.push({ rank: name.rank, stem: name.stem, content: undefined });
        continue;
      }
      const content = this.#known.get(file) ?? (await contentAt(file));
      if (content === undefined) continue;
      if (index < unread.length - growing) known.set(file, content);
      files.push({ rank: name.rank, stem: name.stem, content });
    }
    this.#known = known;
    this.#files = files;
  }

  /** There is nothing behind what is read. */
  caughtUp(): void {
    this.#files = [];
  }

  /** What of it is unread now; undefined before the first measuring. */
  of(journal: Journal): Backlog | undefined {
    if (this.#files === undefined) return undefined;
    const { newestRank, finished, reading } = journal;
    const seen = new Set<string>();
    const current = reading?.visit.origin;
    if (current !== undefined) seen.add(current.id);
    // With the clock set back, newer files than the one that is read were read before.
    const ends = new Map(finished.map(({ id, end }) => [id, end]));
    const stems = new Set(finished.map(({ name }) => name));
    let bytes = 0;
    let compressed = 0;
    for (const { rank, stem, content } of this.#files) {
      if (rank !== undefined && rank <= newestRank) continue;
      if (content === undefined) {
        if (rank !== undefined && stem !== current?.name?.stem && !stems.has(stem)) compressed++;
        continue;
      }
      if (seen.has(content.id)) continue;
      seen.add(content.id);
      bytes += Math.max(0, content.bytes - (ends.get(content.id) ?? 0));
    }
    return { bytes, compressed };
  }
}

async function contentAt(path: string): Promise<{ readonly id: string; readonly bytes: number } | undefined> {
  const found = await look(path);
  return found && { id: found.id, bytes: found.size };
}
