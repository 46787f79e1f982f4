import { bucketOf, bucketStartMs, minuteBucket } from "../manifest/bucket.ts";
import { digestOfValueHash } from "../manifest/record-digest.ts";
import {
  bareLine,
  type Contribution,
  type CountedEntry,
  type CountedRecord,
  type DeadPart,
  tooOldLine,
} from "./contribution.ts";
import type { NameTable, SavedContribution } from "./name-table.ts";
import { OpenBuckets } from "./open-buckets.ts";
import { type PassedLines, PendingLines } from "./pending-lines.ts";
import type { SavedProof } from "./saved-proof.ts";
import { OpenStretch } from "./stretch.ts";
import { type VisitedFile, Visits } from "./visits.ts";

/** Alerts are written to the log within this time of the second in their id, and change places within it. */
const toleratedMs = 120_000;

/** Headers are UTF-8, which has none. */
const loneSurrogate = /\p{Cs}/u;

/** A place in the log: readings are numbered by the tail. */
export interface ReadTo {
  readonly reading: number;
  readonly offset: number;
}

/** What a record's digest is made of. */
interface RecordNames {
  readonly topic: string;
  readonly handler: string;
  readonly node: string;
  readonly id: string;
}

/**
 * The account of the lines of the log: what each adds, until the position has passed it, and what the lines behind the
 * position have added since the last cut. Everything is synchronous, so that what a checkpoint says of the account belongs
 * to the position that it says.
 */
export class LineAccount {
  readonly #pending = new PendingLines();
  #stretch = new OpenStretch();
  readonly #passed: PassedLines = {
    record: (entry, digests, index) => {
      this.#stretch.addRecord(entry, digests, index);
      this.#buckets.close(entry.bucket);
    },
    line: (contribution) => {
      this.#stretch.add(contribution);
      for (const { entry } of contribution.records) this.#buckets.close(entry.bucket);
    },
  };
  readonly visits = new Visits();
  readonly #buckets = new OpenBuckets();
  /** Time of the last line that was read, in milliseconds since 1970. */
  #readMs: number | undefined;
  /** The log was read to its end. */
  #isAtEnd = false;
  #openFrom: string | undefined;
  /** `openFrom` does not exceed it. */
  #heldFrom: string | undefined;
  readonly #useName: (name: string) => boolean;
  /** It is in use, and needs no change. */
  #lastNode: string | undefined;
  #lastEntry: CountedEntry | undefined;

  /** @param useName a record has this node header; false if no manifest can name it */
  constructor(useName: (name: string) => boolean) {
    this.#useName = useName;
  }

  get isFull(): boolean {
    return this.#stretch.isFull;
  }

  /**
   * There are so many entries that nothing but the log may add more: whoever may write to the socket can name any minute and
   * any node.
   */
  get isCrowded(): boolean {
    return this.#stretch.isCrowded;
  }

  /** A checkpoint has no room for more. */
  get isOverfull(): boolean {
    return this.#stretch.isOverfull;
  }

  /** Records that no line covers, since the last cut. */
  get unlinedCount(): number {
    return this.#stretch.unlinedCount;
  }

  /**
   * A record is about to be sent; `drop` or a contribution follows, and before the latter its digest.
   * @returns undefined for a name that no manifest can hold
   */
  record(of: RecordNames, isFromSocket: boolean): CountedRecord | undefined {
    const entry = this.entry(of);
    return entry && { entry, isFromSocket, digest: "" };
  }

  /** The same for one that is noted by `noteRecord`. */
  entry({ topic, handler, node, id }: RecordNames): CountedEntry | undefined {
    const name = this.#nameOf(node);
    if (name === undefined) return undefined;
    const entry = this.#entryOf(topic, handler, name, bucketOf(id));
    this.#buckets.open(entry.bucket);
    return entry;
  }

  /** The same for a record that is in the topic: an earlier process sent it. @param valueHash SHA-256, lower-case hex */
  found(of: RecordNames, valueHash: string, isFromSocket: boolean): CountedRecord | undefined {
    const record = this.record(of, isFromSocket);
    if (record !== undefined)
      record.digest = digestOfValueHash(of.topic, of.handler, record.entry.node, of.id, valueHash);
    return record;
  }

  #entryOf(topic: string, handler: string, node: string, bucket: string): CountedEntry {
    const last = this.#lastEntry;
    const isLast = last?.bucket === bucket && last.node === node && last.handler === handler && last.topic === topic;
    return isLast ? last : (this.#lastEntry = { topic, handler, node, bucket });
  }

  /** A record's digest, for whoever has the SHA-256 of its value in lower-case hex; undefined as for `record`. */
  digestOf({ topic, handler, node, id }: RecordNames, valueHash: string): string | undefined {
    const name = this.#nameOf(node);
    return name === undefined ? undefined : digestOfValueHash(topic, handler, name, id, valueHash);
  }

  /** A node header as manifests have it; undefined for one that they cannot name. Most records have the one before's. */
  #nameOf(node: string): string | undefined {
    if (node === this.#lastNode) return node;
    const name = loneSurrogate.test(node) ? Buffer.from(node).toString() : node;
    if (!this.#useName(name)) return undefined;
    if (name === node) this.#lastNode = node;
    return name;
  }

  /** Records of an alert with this id will be sent: their bucket is open until then, and after that as theirs. */
  expect(id: string): void {
    this.#buckets.open(bucketOf(id));
  }

  /** They are about to be sent. */
  expectNoMore(id: string): void {
    this.#buckets.close(bucketOf(id));
  }

  /** A record was refused. */
  drop({ bucket }: CountedEntry): void {
    this.#buckets.close(bucket);
  }

  /** Something is known of a line that the position has not passed; of one line there may be several. */
  note(line: number, contribution: Contribution): void {
    this.#pending.note(line, contribution);
  }

  /** A record of a line is in its topic; the log brought it. @param digests as `wordsOf` gives them */
  noteRecord(line: number, entry: CountedEntry, digests: Int32Array, index: number): void {
    this.#pending.noteRecord(line, entry, digests, index);
  }

  /** Records of the socket that no line of the log covers. */
  addUnlined(records: readonly CountedRecord[], dead: readonly DeadPart[]): void {
    this.#stretch.addUnlined(records, dead);
    for (const { entry } of records) this.#buckets.close(entry.bucket);
  }

  /** For the tail: these lines of no interest are behind the position. */
  ignored(lines: number): void {
    this.#stretch.ignored(lines);
  }

  /** For the tail: a line was not asked for. */
  tooOld(line: number): void {
    this.note(line, tooOldLine);
  }

  /** For the tail: all lines with a lower number are behind the position. */
  passed(front: number): void {
    this.#pending.pass(front, this.#passed);
  }

  /** For the tail: a file is read from an offset on; see `Visits.begin`. */
  begin(reading: number, file: () => VisitedFile, from: number, left: number | undefined, lost?: number): void {
    this.visits.begin(reading, file, from, left, lost);
    this.#isAtEnd = false;
  }

  /** For the tail: it read a line of this time. */
  sawTime(timeMs: number): void {
    this.#readMs = timeMs;
    this.#isAtEnd = false;
  }

  /** For the tail: the log was read to its end. */
  atEnd(): void {
    this.#isAtEnd = true;
  }

  /**
   * The lowest bucket that may still grow. What is not read yet is not much older than the line before; what is not written
   * yet not much older than now.
   */
  openFrom(nowMs: number): string {
    if (this.#readMs !== undefined || this.#isAtEnd) {
      const unread = this.#isAtEnd ? nowMs : Math.min(nowMs, this.#readMs ?? nowMs);
      const openMs = Math.min(unread - toleratedMs, this.#buckets.lowestMs);
      this.#openFrom = minuteBucket(Math.max(0, openMs));
    }
    const openFrom = this.#openFrom ?? minuteBucket(0);
    return this.#heldFrom === undefined || openFrom < this.#heldFrom ? openFrom : this.#heldFrom;
  }

  /** Undecided records may be of any bucket that is open now: `openFrom` does not rise until `releaseOpenFrom`. */
  holdOpenFrom(): void {
    this.#heldFrom ??= this.#openFrom;
  }

  releaseOpenFrom(): void {
    this.#heldFrom = undefined;
  }

  /** What the lines behind the position have added since the last cut. */
  get content(): OpenStretch["content"] {
    return this.#stretch.content;
  }

  /** A manifest has it. @param at the position */
  cut(at: ReadTo | undefined): void {
    this.#stretch.clear();
    this.visits.cut(at);
  }

  /** For the checkpoint. */
  save(at: ReadTo | undefined, table: NameTable): Pick<SavedProof, "open" | "visits" | "visit"> {
    const visits = this.visits.upTo(at);
    return { open: this.#stretch.save(table), visits, visit: visits.at(-1)?.visit ?? this.visits.last };
  }

  /** What a line that is done beyond the position adds, for the checkpoint. */
  saveLine(line: number, table: NameTable): SavedContribution {
    return table.save(this.#pending.of(line) ?? bareLine);
  }

  /** A line comes by again that was done when the checkpoint was written. */
  restoreLine(line: number, contribution: Contribution): void {
    this.reopen(contribution.records);
    this.note(line, contribution);
  }

  /** The same for one that is behind the position at once. */
  addPassed(contribution: Contribution): void {
    this.#stretch.add(contribution);
  }

  /** Records that an earlier process has sent are counted by this one. */
  reopen(records: readonly CountedRecord[]): void {
    for (const { entry } of records) this.#buckets.open(entry.bucket);
  }

  /** @returns false if it does not fit together: nothing is taken over then */
  restore({ open, visits, visit, chain }: SavedProof, table: NameTable): boolean {
    const stretch = OpenStretch.restore(open, table);
    if (stretch === undefined) return false;
    this.#stretch = stretch;
    this.visits.restore(visits, visit);
    this.#openFrom = Number.isNaN(bucketStartMs(chain.openFrom)) ? undefined : chain.openFrom;
    return true;
  }
}
