import { look } from "./archives.ts";
import type { Journal } from "./journal.ts";
import type { Succession } from "./succession.ts";

/** Bytes that are not read yet in archives and alerts.json behind the generation that is read. */
export interface Backlog {
  readonly bytes: number;
  /** Compressed generations among them, whose size is not known. */
  readonly compressed: number;
}

/** Measures what lies beyond the generation that is read; one `stat` per unread generation. */
export async function measureBacklog(succession: Succession, journal: Journal): Promise<Backlog> {
  const { path, archives } = succession;
  const currentId = journal.reading?.visit.origin.id;
  const seen = new Set(currentId === undefined ? [] : [currentId]);
  let bytes = 0;
  let compressed = 0;
  const files = [{ path, compressed: false }, ...(await archives.after(journal.newestRank))];
  for (const file of files) {
    if (file.compressed) compressed++;
    else bytes += await newBytes(file.path, seen);
  }
  return { bytes, compressed };
}

async function newBytes(path: string, seen: Set<string>): Promise<number> {
  const found = await look(path);
  if (!found || seen.has(found.id)) return 0;
  seen.add(found.id);
  return found.size;
}
