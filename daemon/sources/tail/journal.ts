import type { Body, DoneBeyond, Finished, Position, Sent } from "./checkpoint.ts";
import { DamagedArchives } from "./damaged.ts";
import { parseStem } from "./dated-name.ts";
import { isSame, type Fingerprint } from "./fingerprint.ts";
import { identityOf, seen, type Origin } from "./generation.ts";
import { Ledger } from "./ledger.ts";

/** One reading of one generation. The same file is visited again when analysisd goes back to it after a clock step. */
export interface Visit {
  /** Grows with each visit, so that it tells which came first. */
  readonly number: number;
  readonly origin: Origin;
  /** Offset at which the visit began. */
  readonly start: number;
  /** When this visit is over, generations that rank above this are unread. */
  readonly afterRank: number;
}

/** A place in what was read. */
export interface Spot {
  readonly visit: Visit;
  readonly offset: number;
}

/** A finished generation and the visit that finished it; undefined for what was finished before the last start. */
interface FinishedVisit extends Finished {
  readonly visit: Visit | undefined;
}

/** So many finished generations are remembered over a restart. */
export const keptFinished = 16;

/** What a checkpoint says, but for the bytes before the position, which must be read from disk first. */
export interface Snapshot {
  readonly spot: Spot | undefined;
  complete(before: Fingerprint): Body;
}

/** What was read, what of it has its outcome, and so what a checkpoint must say. No I/O. */
export class Journal {
  readonly ledger = new Ledger<Spot>();
  readonly damaged = new DamagedArchives();
  /** Relevant alerts with an older timestamp were not asked for. */
  notBeforeMs: number | undefined;
  /** Time of the last line read, in milliseconds since 1970. */
  lastTimeMs: number | undefined;
  /** Second since 1970 of the newest line read, over restarts. */
  #newestSecond: number | undefined;
  /** Where the tail reads; undefined until the first generation is opened. */
  #reading: { visit: Visit; offset: number } | undefined;
  #afterRank = 0;
  #visits = 0;
  #finished: FinishedVisit[] = [];
  /** Lines that had their outcome before the last start and were not come by again yet. */
  #doneBefore: { readonly known: DoneBeyond; readonly offsets: Set<number> }[] = [];
  #skips: Set<number>[] = [];

  /** Takes over what a checkpoint says, all but the position. */
  restore(body: Body): void {
    this.#afterRank = body.afterRank;
    this.#finished = body.finished.map((finished) => ({ ...finished, visit: undefined }));
    this.#doneBefore = body.doneBeyond.map((known) => ({ known, offsets: new Set(known.offsets) }));
    this.damaged.restore(body.damaged ?? []);
    this.notBeforeMs = body.notBeforeMs ?? undefined;
    this.#newestSecond = body.newestSecond ?? undefined;
  }

  /** Generations that rank above this are unread, once the one that is read is over. */
  get afterRank(): number {
    return this.#reading?.visit.afterRank ?? this.#afterRank;
  }

  set afterRank(rank: number) {
    this.#afterRank = rank;
  }

  get reading(): Readonly<Spot> | undefined {
    return this.#reading;
  }

  /** Begins to read a generation at an offset. */
  begin(origin: Origin, offset: number, afterRank: number): void {
    this.#reading = { visit: { number: ++this.#visits, origin, start: offset, afterRank }, offset };
    this.#skips = this.#doneBefore.filter(({ known }) => isSame(known, seen(origin))).map(({ offsets }) => offsets);
  }

  /** The tail read a line of this time, in milliseconds since 1970. */
  sawTime(timeMs: number): void {
    this.lastTimeMs = timeMs;
    this.#newestSecond = Math.max(this.#newestSecond ?? 0, Math.floor(timeMs / 1000));
  }

  /** Everything before this offset of the generation that is read was handed on, ignored or noted. */
  advance(offset: number): void {
    if (this.#reading) this.#reading.offset = offset;
  }

  /** The generation that is read is over at the present offset. */
  finish(): void {
    if (!this.#reading) return;
    const { visit, offset } = this.#reading;
    this.#finished.push({ ...identityOf(visit.origin), end: offset, visit });
  }

  /** Notes a generation as read, up to `end`, that never will be: it was there before the first start. */
  consider(origin: Origin, end: number): void {
    this.#finished.push({ ...identityOf(origin), end, visit: undefined });
  }

  /** The last end of each finished generation, newest first. */
  get finished(): Finished[] {
    const ids = new Set<string>();
    return this.#finished.toReversed().filter(({ id }) => !ids.has(id) && ids.add(id));
  }

  /** Where a generation was left when it was read before; undefined when it was not. */
  endOf(origin: Origin): number | undefined {
    return this.#finished.findLast((finished) => isSame(finished, seen(origin)))?.end;
  }

  /** Whether the line at this offset got its outcome before the last start; asked once per line. */
  wasDone(offset: number): boolean {
    return this.#skips.some((offsets) => offsets.delete(offset));
  }

  /**
   * The tail is at the end of the live file: what was remembered for the way there is of no use any more. With the clock
   * set back there may be newer files still to come back to.
   */
  caughtUp(): void {
    this.#skips = [];
    this.notBeforeMs = undefined;
    if (this.#doneBefore.length === 0) return;
    this.#doneBefore = this.#doneBefore.filter(
      ({ known: { name } }) => rankOf(name) > this.afterRank || this.damaged.has(name),
    );
  }

  /** @param mostDone so many lines done beyond the position are noted, the oldest first */
  snapshot(mostDone: number, sent: Sent): Snapshot {
    const spot = this.ledger.oldest ?? (this.#reading && { ...this.#reading });
    const number = spot?.visit.number ?? Number.POSITIVE_INFINITY;
    const behind = this.#finished.filter(({ visit }) => (visit?.number ?? 0) < number).slice(-keptFinished);
    this.#finished = [...behind, ...this.#finished.filter(({ visit }) => (visit?.number ?? 0) >= number)];
    const identity = spot && identityOf(spot.visit.origin);
    const damaged = this.damaged.snapshot(number);
    const body: Omit<Body, "position"> = {
      afterRank: spot?.visit.afterRank ?? this.#afterRank,
      finished: [...behind.map(({ id, name, head, end }) => ({ id, name, head, end })), ...this.#turnedBack(spot)],
      doneBeyond: this.#doneBeyond(mostDone),
      notBeforeMs: this.notBeforeMs ?? null,
      newestSecond: this.#newestSecond ?? null,
      ...(damaged.length > 0 && { damaged }),
      ...sent,
    };
    return {
      spot,
      complete(before) {
        const position: Position | null =
          spot && identity ? { ...identity, file: spot.visit.origin.file, offset: spot.offset, before } : null;
        return { position, ...body };
      },
    };
  }

  /**
   * Visits beyond the position to generations that rank below it, because the clock was set back. A restart would take
   * those for read; that they are finished only up to where the visit began makes it come back to them.
   */
  #turnedBack(spot: Spot | undefined): Finished[] {
    const ids = new Set<string>();
    const visits = [...this.#finished.map(({ visit }) => visit), this.#reading?.visit];
    return visits.flatMap((visit) => {
      const isBeyond = visit && spot && visit.number > spot.visit.number;
      if (!isBeyond || (visit.origin.name?.rank ?? Infinity) > spot.visit.afterRank) return [];
      // Of several visits to one file the first counts.
      if (ids.has(visit.origin.id)) return [];
      ids.add(visit.origin.id);
      return [{ ...identityOf(visit.origin), end: visit.start }];
    });
  }

  #doneBeyond(most: number): DoneBeyond[] {
    const byVisit = new Map<Visit, number[]>();
    let left = most;
    for (const { visit, offset } of this.ledger.doneBeyond()) {
      if (left-- <= 0) break;
      const offsets = byVisit.get(visit);
      if (offsets) offsets.push(offset);
      else byVisit.set(visit, [offset]);
    }
    const noted = [...byVisit].map(([visit, offsets]) => ({ ...identityOf(visit.origin), offsets }));
    for (const { known, offsets } of this.#doneBefore) {
      const kept = [...offsets].slice(0, Math.max(0, left));
      left -= kept.length;
      if (kept.length > 0) noted.push({ ...known, offsets: kept });
    }
    return noted;
  }
}

function rankOf(stem: string | null): number {
  return parseStem(stem ?? "")?.rank ?? 0;
}
