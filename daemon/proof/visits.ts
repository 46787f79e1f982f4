import { z } from "zod";
import type { Manifest } from "../manifest/manifest.ts";

/** `skipped` is never set here: what cannot be read is read later, or is a visit of its own that ends. */
export type LogVisit = Omit<Manifest["visits"][number], "skipped">;

/** What is known of a file of the log; it may become known better while the file is read. */
export interface VisitedFile {
  /** Dated name; null while it has none. */
  readonly name: string | null;
  /** What it begins with, decompressed. */
  readonly head: { readonly length: number; readonly hash: string };
}

const head = z.strictObject({ length: z.int().min(0), hash: z.string().regex(/^[0-9a-f]{64}$/) });

/** A visit as the checkpoint has it; the same members as in a manifest. */
export const savedVisitForm = z.strictObject({
  file: z.string().nullable(),
  head: head.nullable(),
  from: z.int().min(0),
  to: z.int().min(0),
  visit: z.int().min(1),
  lost_bytes: z.int().min(0).optional(),
});

interface Stay {
  /** Number of the reading; of those that an earlier process saved: 0. */
  readonly reading: number;
  readonly file: () => VisitedFile;
  readonly from: number;
  /** Undefined while it goes on. */
  to: number | undefined;
  readonly visit: number;
  lost: number | undefined;
}

/** Which stretch of which files was read since the last cut. Readings are numbered by the tail. */
export class Visits {
  #stays: Stay[] = [];
  #visit = 0;
  /** The last one that an earlier process saved: its file may be read on. */
  #former: { readonly file: VisitedFile; readonly to: number; readonly visit: number } | undefined;

  /** How many there are. */
  get count(): number {
    return this.#stays.length;
  }

  /** Number of the last visit. */
  get last(): number {
    return this.#visit;
  }

  /**
   * A file is read from an offset on.
   * @param left where the file before was left
   * @param lost bytes that were there and not read, when the file before was truncated or replaced
   */
  begin(reading: number, file: () => VisitedFile, from: number, left: number | undefined, lost?: number): void {
    const last = this.#stays.at(-1);
    if (last !== undefined && last.to === undefined) {
      last.to = Math.max(last.from, left ?? last.from);
      last.lost = lost;
    }
    const former = this.#former;
    this.#former = undefined;
    const goesOn = former !== undefined && former.to === from && isSameFile(former.file, file());
    const visit = goesOn ? former.visit : ++this.#visit;
    this.#stays.push({ reading, file, from, to: undefined, visit, lost: undefined });
  }

  /** The visits up to a place, in order. @param at undefined: nothing is read yet, or all that was saved stays */
  upTo(at: { readonly reading: number; readonly offset: number } | undefined): LogVisit[] {
    const visits: LogVisit[] = [];
    for (const stay of this.#stays) {
      if (stay.reading !== 0 && (at === undefined || stay.reading > at.reading)) break;
      const to = stay.reading === at?.reading ? at.offset : (stay.to ?? stay.from);
      const isLast = stay.reading === at?.reading;
      if (to === stay.from && !isLast && stay.lost === undefined) continue;
      const before = visits.at(-1);
      if (before !== undefined && before.visit === stay.visit && before.to === stay.from) {
        visits[visits.length - 1] = { ...asVisit(stay, to), from: before.from };
      } else visits.push(asVisit(stay, to));
    }
    return visits;
  }

  /** A manifest has what is before this place. */
  cut(at: { readonly reading: number; readonly offset: number } | undefined): void {
    if (at === undefined) {
      this.#stays = this.#stays.filter(({ reading }) => reading !== 0);
      return;
    }
    this.#stays = this.#stays
      .filter(({ reading }) => reading >= at.reading)
      .map((stay) => (stay.reading === at.reading ? { ...stay, from: at.offset } : stay));
  }

  /** What `upTo` gave to the checkpoint of an earlier process. */
  restore(saved: readonly z.infer<typeof savedVisitForm>[], last: number): void {
    this.#visit = Math.max(last, ...saved.map(({ visit }) => visit));
    this.#stays = saved.map(({ file, head: known, from, to, visit, lost_bytes: lost }) => ({
      reading: 0,
      file: () => ({ name: file, head: known ?? { length: 0, hash: "" } }),
      from,
      to,
      visit,
      lost,
    }));
    const end = saved.at(-1);
    if (end !== undefined) this.#former = { file: this.#stays.at(-1)!.file(), to: end.to, visit: end.visit };
  }
}

function asVisit({ file, from, visit, lost }: Stay, to: number): LogVisit {
  const { name, head: known } = file();
  return {
    file: name,
    head: known.length === 0 ? null : { ...known },
    from,
    to: Math.max(from, to),
    visit,
    ...(lost !== undefined && { lost_bytes: lost }),
  };
}

/** One may have got its name, or more of its beginning, since. */
function isSameFile(known: VisitedFile, file: VisitedFile): boolean {
  if (known.head.length > 0 && known.head.length === file.head.length) return known.head.hash === file.head.hash;
  return known.name !== null && known.name === file.name;
}
