import { isBelievable, toleratedSeconds } from "../../alert/believable.ts";
import type { Body, CompletedAhead, Finished, Position, Sent } from "./checkpoint.ts";
import { DamagedArchives } from "./damaged.ts";
import { parseStem } from "./dated-name.ts";
import { inodeOf, isSame, tellingBytes, type ContentHash } from "./fingerprint.ts";
import { identityOfFile, seen, type FileOrigin } from "./generation.ts";
import { Ledger } from "./ledger.ts";
import type { Anchor, Trail } from "./trail.ts";
import { begins, readFile, ReadFiles, type ReadFile } from "./read-files.ts";

/** One reading of one generation. The same file is visited again when analysisd goes back to it after a clock step. */
export interface Reading {
  /** Grows with each visit, so that it tells which came first. */
  readonly number: number;
  readonly origin: FileOrigin;
  /** Offset at which the visit began. */
  readonly start: number;
}

/** A place in what was read. */
export interface LogPosition {
  readonly visit: Reading;
  readonly offset: number;
}

/** Where a generation was left. */
export interface KnownEnd {
  readonly end: number;
  /** False where the file is known by name or inode alone: then a line may begin before the end and go on behind it. */
  readonly isProved: boolean;
}

/** A finished generation and the visit that finished it. */
interface FinishedReading extends Finished {
  readonly visit: Reading;
}

/** So many finished generations are remembered by their inode as well, those without a dated name among them. */
const keptFinished = 16;

/** What a checkpoint says, but for the bytes before the position, which must be read from disk first. */
export interface ProgressSnapshot {
  readonly spot: LogPosition | undefined;
  /** Up to where each visit has read of whose lines some are done beyond the spot. */
  readonly ends: readonly LogPosition[];
  complete(proved: Proved): Body;
}

/** What was read from disk for a snapshot. */
export interface Proved {
  readonly before: ContentHash;
  readonly trail: Trail | undefined;
  /** Of each of `ends`, in their order; undefined where the bytes are not at hand. */
  readonly proofs: readonly (Anchor | undefined)[];
}

/** What was read, what of it has its outcome, and so what a checkpoint must say. No I/O. */
export class ReadProgress {
  readonly ledger = new Ledger<LogPosition>();
  readonly damaged = new DamagedArchives();
  /** Relevant alerts with an older timestamp were not asked for. */
  notBeforeMs: number | undefined;
  /** Time of the last line read, in milliseconds since 1970. */
  lastTimeMs: number | undefined;
  /** Second since 1970 of the newest line read, over restarts. */
  #newestSecond: number | undefined;
  /** Where the tail reads; undefined until the first generation is opened. */
  #reading: { visit: Reading; offset: number } | undefined;
  #visits = 0;
  /** What was read of dated files, all of it behind the position. */
  readonly #read = new ReadFiles();
  /** The last few generations behind the position, oldest first. */
  #recent: Finished[] = [];
  /** Generations that are finished and not behind the position yet. */
  #finished: FinishedReading[] = [];
  /** Lines that had their outcome before the last start and were not come by again yet. */
  #doneBefore: { readonly known: CompletedAhead; readonly offsets: Set<number> }[] = [];
  #skips: Set<number>[] = [];

  /** Takes over what a checkpoint says, all but the position. */
  restore(body: Body): void {
    this.#read.restore(body.read ?? "");
    this.#recent = [...body.finished];
    const older = body.read === undefined ? body.finished.filter(({ name }) => rankOf(name) > 0) : [];
    for (const finished of older) this.#read.add(asReadFile(finished));
    this.#doneBefore = body.doneBeyond.map((known) => ({ known, offsets: new Set(known.offsets) }));
    this.damaged.restore(body.damaged ?? []);
    this.notBeforeMs = body.notBeforeMs ?? undefined;
    this.#newestSecond = body.newestSecond ?? undefined;
  }

  /** Rank of the newest dated file that was read or is being read. */
  get newestRank(): number {
    const visits = [...this.#finished.map(({ visit }) => visit), this.#reading?.visit];
    return Math.max(this.#read.newest, ...visits.map((visit) => visit?.origin.name?.rank ?? 0));
  }

  /** Nothing that ranks up to this is wanted: where the archives cannot be seen, their names alone tell. */
  coverUpTo(rank: number): void {
    this.#read.cover(1, rank);
  }

  get reading(): Readonly<LogPosition> | undefined {
    return this.#reading;
  }

  /** Begins to read a generation at an offset. */
  begin(origin: FileOrigin, offset: number): void {
    this.#reading = { visit: { number: ++this.#visits, origin, start: offset }, offset };
    // An inode alone names a file only until it is opened: it may be used again later.
    this.#recent = this.#recent.filter(({ id, head }) => head.length > 0 || id !== origin.id);
    this.#skips = this.#doneBefore.filter(({ known }) => isSame(known, seen(origin))).map(({ offsets }) => offsets);
  }

  /**
   * The tail read a line of this time.
   * @param timeMs milliseconds since 1970, as the line says
   * @param nowMs  the same, as the machine's clock says: a line from the future says nothing about those that follow
   */
  sawTime(timeMs: number, nowMs = Date.now()): void {
    this.lastTimeMs = timeMs;
    const second = Math.floor(timeMs / 1000);
    const newest = this.#newestSecond ?? 0;
    // Lines change places by a second or so. When they go back further, the clock was set right.
    const isNewest = second > newest || second < newest - toleratedSeconds;
    if (isNewest && second >= 0 && isBelievable(timeMs / 1000, nowMs)) this.#newestSecond = second;
  }

  /** Everything before this offset of the generation that is read was handed on, ignored or noted. */
  advance(offset: number): void {
    if (this.#reading) this.#reading.offset = offset;
  }

  /** The generation that is read is over at the present offset. */
  finish(): void {
    if (!this.#reading) return;
    const { visit, offset } = this.#reading;
    this.#finished.push({ ...identityOfFile(visit.origin), end: offset, visit });
  }

  /** Notes a generation as read, up to `end`, that never will be: it was there before the first start. */
  consider(origin: FileOrigin, end: number): void {
    this.#pass({ ...identityOfFile(origin), end }, origin);
  }

  /** Notes a dated file of which nothing more is wanted than what lies beyond `end`; it could not be looked into. */
  considerName(rank: number, end: number, inode: string): void {
    this.#read.add({ rank, end, length: 0, hash: "", inode, hasEarlierParts: false });
  }

  /** The last few finished generations as far as they were read, newest first. */
  get finished(): Finished[] {
    const ids = new Set<string>();
    return [...this.#recent, ...this.#finished].toReversed().filter(({ id }) => !ids.has(id) && ids.add(id));
  }

  /** What was read under this dated name, the newest knowledge last; undefined where nothing there is wanted. */
  knownOf(rank: number): readonly ReadFile[] | undefined {
    const beyond = this.#finished
      .filter(({ name }) => rankOf(name) === rank)
      .map(({ visit: { origin }, end }) => readFile(rank, origin.head, end, inodeOf(origin.id)));
    const known = [...this.#read.of(rank), ...beyond];
    return known.length === 0 && this.#read.isCovered(rank) ? undefined : known;
  }

  /** Where a generation was left when it was read before; undefined when it was not. */
  endOf(origin: FileOrigin): KnownEnd | undefined {
    const file = seen(origin);
    const recent = [...this.#recent, ...this.#finished].findLast((finished) => isSame(finished, file));
    if (recent) return { end: recent.end, isProved: recent.head.length > 0 };
    const { name, head } = origin;
    const known = name
      ? this.#read.of(name.rank).findLast((one) => begins(head, one))
      : this.#read.withHead(head, tellingBytes);
    return known && { end: known.end, isProved: known.length > 0 };
  }

  /** What a file must still hold for the lines that are noted as done in it to be the same. */
  proofsOf(origin: FileOrigin): Anchor[] {
    return this.#doneBefore.flatMap(({ known }) => (known.proof && isSame(known, seen(origin)) ? [known.proof] : []));
  }

  /** The content with this proof is gone: lines at its offsets are others. @returns how many were noted */
  forgetDone(origin: FileOrigin, proof: Anchor): number {
    const isGone = ({ known }: { known: CompletedAhead }): boolean =>
      known.proof === proof && isSame(known, seen(origin));
    const lines = this.#doneBefore.filter(isGone).reduce((sum, { offsets }) => sum + offsets.size, 0);
    this.#doneBefore = this.#doneBefore.filter((done) => !isGone(done));
    return lines;
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
    const rank = this.#reading?.visit.origin.name?.rank ?? this.newestRank;
    this.#doneBefore = this.#doneBefore.filter(({ known: { name } }) => rankOf(name) > rank || this.damaged.has(name));
  }

  /** @param mostDone so many lines done beyond the position are noted, the oldest first */
  snapshot(mostDone: number, sent: Sent): ProgressSnapshot {
    const spot = this.ledger.oldest ?? (this.#reading && { ...this.#reading });
    const number = spot?.visit.number ?? Number.POSITIVE_INFINITY;
    for (const finished of this.#finished) {
      if (finished.visit.number < number) this.#pass(finished, finished.visit.origin);
    }
    this.#finished = this.#finished.filter(({ visit }) => visit.number >= number);
    const identity = spot && identityOfFile(spot.visit.origin);
    const damaged = this.damaged.snapshot(number);
    const beyond = this.#doneBeyond(mostDone);
    const visits = [...beyond.byVisit.keys()];
    const body: Omit<Body, "position" | "doneBeyond"> = {
      afterRank: Math.max(this.#read.newest, spot?.visit.origin.name?.rank ?? 0),
      finished: [...this.#recent],
      read: this.#read.text,
      notBeforeMs: this.notBeforeMs ?? null,
      newestSecond: this.#newestSecond ?? null,
      ...(damaged.length > 0 && { damaged }),
      ...sent,
    };
    return {
      spot,
      ends: visits.map((visit) => ({ visit, offset: this.#endOfVisit(visit) })),
      complete({ before, trail, proofs }) {
        const position: Position | null =
          spot && identity
            ? { ...identity, file: spot.visit.origin.file, offset: spot.offset, before, ...(trail && { trail }) }
            : null;
        const noted = visits.map((visit, index) => {
          const proof = proofs[index];
          const offsets = beyond.byVisit.get(visit) ?? [];
          return { ...identityOfFile(visit.origin), offsets, ...(proof && { proof }) };
        });
        return { position, doneBeyond: [...noted, ...beyond.before], ...body };
      },
    };
  }

  #endOfVisit(visit: Reading): number {
    if (this.#reading?.visit === visit) return this.#reading.offset;
    return this.#finished.find((finished) => finished.visit === visit)?.end ?? visit.start;
  }

  /** A generation is behind the position. */
  #pass({ id, name, head, end }: Finished, origin: FileOrigin): void {
    this.#recent = [...this.#recent.filter((other) => !isSame(other, seen(origin))), { id, name, head, end }];
    this.#recent = this.#recent.slice(-keptFinished);
    // Without a name it may be known under one: that of the .gz that was made of it.
    const rank = origin.name?.rank ?? this.#read.withHead(origin.head, tellingBytes)?.rank;
    if (rank !== undefined) this.#read.note(rank, origin.head, end, inodeOf(id));
  }

  #doneBeyond(most: number): { byVisit: Map<Reading, number[]>; before: CompletedAhead[] } {
    const byVisit = new Map<Reading, number[]>();
    let left = most;
    for (const { visit, offset } of this.ledger.doneBeyond()) {
      if (left-- <= 0) break;
      const offsets = byVisit.get(visit);
      if (offsets) offsets.push(offset);
      else byVisit.set(visit, [offset]);
    }
    const before: CompletedAhead[] = [];
    for (const { known, offsets } of this.#doneBefore) {
      const kept = [...offsets].slice(0, Math.max(0, left));
      left -= kept.length;
      if (kept.length > 0) before.push({ ...known, offsets: kept });
    }
    return { byVisit, before };
  }
}

function asReadFile({ id, name, head, end }: Finished): ReadFile {
  return { rank: rankOf(name), end, ...head, inode: inodeOf(id), hasEarlierParts: false };
}

function rankOf(stem: string | null): number {
  return parseStem(stem ?? "")?.rank ?? 0;
}
