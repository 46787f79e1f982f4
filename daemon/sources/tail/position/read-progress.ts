import { isBelievable, toleratedSeconds } from "../../../alert/believable.ts";
import type { Began, Body, CompletedAhead, Finished, Position, Sent } from "./checkpoint.ts";
import { DamagedArchives } from "./damaged.ts";
import { parseStem } from "../log/dated-name.ts";
import { inodeOf, isSame, tellingBytes, type ContentHash } from "../log/content-hash.ts";
import { identityOfFile, seen, type FileOrigin } from "../log/log-file.ts";
import type { Proof, ProofSaving } from "../../../proof/proof.ts";
import { Ledger, type Place } from "./ledger.ts";
import type { Anchor, Trail } from "./trail.ts";
import { begins, readFile, ReadFiles, wholly, type ReadFile } from "./read-files.ts";

/** One reading of one log file. The same file is visited again when analysisd goes back to it after a clock step. */
export interface Reading {
  /** Grows with each reading, so that it shows which came first. */
  readonly number: number;
  readonly origin: FileOrigin;
  /** Offset at which the reading began. */
  readonly start: number;
}

/** A place in what was read. */
export type LogPosition = Place<Reading>;

/** Where a log file was left. */
export interface KnownEnd {
  readonly end: number;
  /** False if the file is known only by name or inode: then a line may begin before the end and go on behind it. */
  readonly isProved: boolean;
}

/** Of lines that are done: what each adds to a manifest, as the checkpoint has it, by its offset. */
type DoneLines = Map<number, unknown>;

interface DoneBefore {
  readonly known: CompletedAhead;
  readonly offsets: DoneLines;
}

/** Lines of one reading that are done beyond the position. */
interface NotedLines {
  readonly offsets: number[];
  readonly parts?: unknown[];
}

interface Beyond {
  readonly byReading: ReadonlyMap<Reading, NotedLines>;
  /** Of lines that have not come by again since the start. */
  readonly before: readonly CompletedAhead[];
}

/** A finished log file and the reading that finished it. */
interface FinishedReading extends Finished {
  readonly reading: Reading;
}

/** With manifests more is kept of a line that is done beyond the oldest open one (`Ledger`): fewer of them. */
const beyondWithProof = 50_000;
/** How many finished log files are also remembered by their inode, including those without a dated name. */
const keptFinished = 16;

/** What a checkpoint says, except the bytes before the position, which must be read from disk first. */
export interface ProgressSnapshot {
  readonly position: LogPosition | undefined;
  /** Up to where each reading has read of whose lines some are done beyond the position. */
  readonly ends: readonly LogPosition[];
  complete(proved: Proved): Body;
  /** What `complete` gave is on disk. */
  stored(): void;
}

/** What was read from disk for a snapshot. */
export interface Proved {
  readonly before: ContentHash;
  readonly trail: Trail | undefined;
  /** Of each of `ends`, in their order; undefined if the bytes are not available. */
  readonly proofs: readonly (Anchor | undefined)[];
}

/** What was read, what of it has its outcome, and so what a checkpoint must say. No I/O. */
export class ReadProgress {
  readonly ledger: Ledger<Reading>;
  /** Undefined without manifests. */
  readonly proof: Proof | undefined;
  readonly damaged = new DamagedArchives();
  /** Relevant alerts with an older timestamp were not asked for. */
  notBeforeMs: number | undefined;
  /** Where the very first start began, for whoever asks why an older alert was not sent; undefined if it is not known. */
  began: Began | undefined;
  /** Time of the last line read, in milliseconds since 1970. */
  lastTimeMs: number | undefined;
  /** Second since 1970 of the newest line read, over restarts. */
  #newestSecond: number | undefined;
  /** Where the tail reads; undefined until the first log file is opened. */
  #current: { reading: Reading; offset: number } | undefined;
  #readings = 0;
  /** What was read of dated files, all of it behind the position. */
  readonly #read = new ReadFiles();
  /** The last few log files behind the position, oldest first. */
  #recent: Finished[] = [];
  /** Generations that are finished and not behind the position yet. */
  #finished: FinishedReading[] = [];
  /** Lines that had their outcome before the last start and were not read again yet. */
  #doneBefore: DoneBefore[] = [];
  #skips: DoneLines[] = [];

  constructor(proof?: Proof) {
    this.proof = proof;
    this.ledger = proof === undefined ? new Ledger() : new Ledger(undefined, beyondWithProof);
    if (proof !== undefined) this.ledger.onIgnored = (lines) => proof.account.ignored(lines);
  }

  /** Restores what a checkpoint says, except the position. */
  restore(body: Body): void {
    this.#read.restore(body.read ?? "");
    this.#recent = [...body.finished];
    const older = body.read === undefined ? body.finished.filter(({ name }) => rankOf(name) > 0) : [];
    for (const finished of older) this.#read.add(asReadFile(finished));
    this.#doneBefore = body.doneBeyond.map((known) => {
      return { known, offsets: new Map(known.offsets.map((offset, index) => [offset, known.parts?.[index]])) };
    });
    this.damaged.restore(body.damaged ?? []);
    this.notBeforeMs = body.notBeforeMs ?? undefined;
    this.began = body.began;
    this.#newestSecond = body.newestSecond ?? undefined;
  }

  /** Rank of the newest dated file that was read or is being read. */
  get newestRank(): number {
    const readings = [...this.#finished.map(({ reading }) => reading), this.#current?.reading];
    return Math.max(this.#read.newest, ...readings.map((reading) => reading?.origin.name?.rank ?? 0));
  }

  /** Nothing that ranks up to this is wanted: if the archives cannot be read, only their names decide. */
  coverUpTo(rank: number): void {
    this.#read.cover(1, rank);
  }

  get current(): Readonly<LogPosition> | undefined {
    return this.#current;
  }

  /**
   * Begins to read a log file at an offset.
   * @param lost bytes that were there and not read, when the file before was truncated or overwritten
   */
  begin(origin: FileOrigin, offset: number, lost?: number): void {
    const left = this.#current?.offset;
    this.proof?.account.begin(this.#readings + 1, () => identityOfFile(origin), offset, left, lost);
    this.#current = { reading: { number: ++this.#readings, origin, start: offset }, offset };
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
    this.proof?.account.sawTime(timeMs);
    const second = Math.floor(timeMs / 1000);
    const newest = this.#newestSecond ?? 0;
    // Lines change places by a second or so. When they go back further, the clock was set right.
    const isNewest = second > newest || second < newest - toleratedSeconds;
    if (isNewest && second >= 0 && isBelievable(timeMs / 1000, nowMs)) this.#newestSecond = second;
  }

  /** Everything before this offset of the log file that is read was handed on, ignored or noted. */
  advance(offset: number): void {
    if (this.#current) this.#current.offset = offset;
  }

  /** The log file that is read is over at the present offset. */
  finish(): void {
    if (!this.#current) return;
    const { reading, offset } = this.#current;
    this.#finished.push({ ...identityOfFile(reading.origin), end: offset, reading });
  }

  /** Notes a log file as read, up to `end`, that never will be: it was there before the first start. */
  consider(origin: FileOrigin, end: number): void {
    this.#pass({ ...identityOfFile(origin), end }, origin);
  }

  /** Notes a dated file of which nothing more is wanted than what lies beyond `end`; it could not be looked into. */
  considerName(rank: number, end: number, inode: string): void {
    this.#read.add({ rank, end, length: 0, hash: "", inode, hasEarlierParts: false });
  }

  /**
   * Nothing more is wanted of a dated file with this content. A file of that name with other content is wanted, and so is
   * every one if this one was empty: it cannot be recognised.
   */
  considerLost({ name, head }: Pick<Position, "name" | "head">): void {
    const rank = rankOf(name);
    if (rank === 0 || head.length === 0) return;
    this.#read.add({ rank, end: wholly, ...head, inode: "0", hasEarlierParts: false });
  }

  /** Whether a file that was read began like this one, under whatever name. */
  hasReadContent({ head }: FileOrigin): boolean {
    return this.#read.withHead(head, tellingBytes) !== undefined;
  }

  /** The last few finished log files as far as they were read, newest first. */
  get finished(): Finished[] {
    const ids = new Set<string>();
    return [...this.#recent, ...this.#finished].toReversed().filter(({ id }) => !ids.has(id) && ids.add(id));
  }

  /** What was read under this dated name, the newest knowledge last; undefined if nothing there is wanted. */
  knownOf(rank: number): readonly ReadFile[] | undefined {
    const beyond = this.#finished
      .filter(({ name }) => rankOf(name) === rank)
      .map(({ reading: { origin }, end }) => readFile(rank, origin.head, end, inodeOf(origin.id)));
    const known = [...this.#read.of(rank), ...beyond];
    return known.length === 0 && this.#read.isCovered(rank) ? undefined : known;
  }

  /** Where a log file was left when it was read before; undefined when it was not. */
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

  /**
   * Whether the line at this offset got its outcome before the last start; asked once per line.
   * @returns undefined if it did not; else what it adds to a manifest, as the checkpoint had it
   */
  wasDone(offset: number): { readonly part: unknown } | undefined {
    for (const offsets of this.#skips) {
      const part = offsets.get(offset);
      if (offsets.delete(offset)) return { part };
    }
    return undefined;
  }

  /**
   * The tail is at the end of the live file: what was remembered for the way there is of no use any more. With the clock
   * set back there may be newer files still to come back to.
   */
  caughtUp(): void {
    this.#skips = [];
    this.notBeforeMs = undefined;
    this.proof?.account.atEnd();
    if (this.#doneBefore.length === 0) return;
    const rank = this.#current?.reading.origin.name?.rank ?? this.newestRank;
    this.#doneBefore = this.#doneBefore.filter(({ known: { name } }) => rankOf(name) > rank || this.damaged.has(name));
  }

  /** @param maxDone how many lines done beyond the position are noted, the oldest first */
  snapshot(maxDone: number, sent: Sent): ProgressSnapshot {
    const position = this.ledger.oldest ?? (this.#current && { ...this.#current });
    const number = position?.reading.number ?? Number.POSITIVE_INFINITY;
    for (const finished of this.#finished) {
      if (finished.reading.number < number) this.#pass(finished, finished.reading.origin);
    }
    this.#finished = this.#finished.filter(({ reading }) => reading.number >= number);
    const identity = position && identityOfFile(position.reading.origin);
    const damaged = this.damaged.snapshot(number);
    const saving = this.proof?.save(position && { reading: position.reading.number, offset: position.offset });
    const beyond = this.#doneBeyond(maxDone, saving);
    const proof = saving?.body();
    const readings = [...beyond.byReading.keys()];
    const body: Omit<Body, "position" | "doneBeyond"> = {
      afterRank: Math.max(this.#read.newest, position?.reading.origin.name?.rank ?? 0),
      finished: [...this.#recent],
      read: this.#read.text,
      notBeforeMs: this.notBeforeMs ?? null,
      newestSecond: this.#newestSecond ?? null,
      ...(damaged.length > 0 && { damaged }),
      ...(this.began && { began: this.began }),
      ...(proof && { proof }),
      ...sent,
    };
    return {
      position,
      ends: readings.map((reading) => ({ reading, offset: this.#endOfReading(reading) })),
      complete({ before, trail, proofs }) {
        const readUpTo: Position | null =
          position && identity
            ? {
                ...identity,
                file: position.reading.origin.file,
                offset: position.offset,
                before,
                ...(trail && { trail }),
              }
            : null;
        const noted = readings.map((reading, index) => {
          const proof = proofs[index];
          const lines = beyond.byReading.get(reading) ?? { offsets: [] };
          return { ...identityOfFile(reading.origin), ...lines, ...(proof && { proof }) };
        });
        return { position: readUpTo, doneBeyond: [...noted, ...beyond.before], ...body };
      },
      stored: () => saving?.stored(),
    };
  }

  #endOfReading(reading: Reading): number {
    if (this.#current?.reading === reading) return this.#current.offset;
    return this.#finished.find((finished) => finished.reading === reading)?.end ?? reading.start;
  }

  /** A log file is behind the position. */
  #pass({ id, name, head, end }: Finished, origin: FileOrigin): void {
    this.#recent = [...this.#recent.filter((other) => !isSame(other, seen(origin))), { id, name, head, end }];
    this.#recent = this.#recent.slice(-keptFinished);
    // Without a name it may be known under one: that of the .gz that was made of it.
    const rank = origin.name?.rank ?? this.#read.withHead(origin.head, tellingBytes)?.rank;
    if (rank !== undefined) this.#read.note(rank, origin.head, end, inodeOf(id));
  }

  #doneBeyond(max: number, saving: ProofSaving | undefined): Beyond {
    const byReading = new Map<Reading, NotedLines>();
    let left = max;
    for (const { reading, offset, line } of this.ledger.doneBeyond()) {
      if (left-- <= 0) break;
      let lines = byReading.get(reading);
      if (lines === undefined) byReading.set(reading, (lines = { offsets: [], ...(saving && { parts: [] }) }));
      lines.offsets.push(offset);
      if (saving !== undefined) lines.parts?.push(saving.line(line));
    }
    const before: CompletedAhead[] = [];
    for (const { known, offsets } of this.#doneBefore) {
      const kept = [...offsets].slice(0, Math.max(0, left));
      left -= kept.length;
      if (kept.length === 0) continue;
      const { parts: _, ...rest } = known;
      const parts = saving && kept.map(([, part]) => saving.formerLine(part));
      before.push({ ...rest, offsets: kept.map(([offset]) => offset), ...(parts && { parts }) });
    }
    return { byReading, before };
  }
}

function asReadFile({ id, name, head, end }: Finished): ReadFile {
  return { rank: rankOf(name), end, ...head, inode: inodeOf(id), hasEarlierParts: false };
}

function rankOf(stem: string | null): number {
  return parseStem(stem ?? "")?.rank ?? 0;
}
