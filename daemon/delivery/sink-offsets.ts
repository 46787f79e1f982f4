import { unknownLine, type OffsetsByPartition as Offsets } from "../contract.ts";

/** Entries for records whose lines are known, a partition. */
const capacity = 1024;

/** A record of an alert whose line in the log is not known yet. */
export class StoredRecord {
  readonly offset: number;
  /** The number of the line that covers the alert; lower than any when none has to. */
  #line = unknownLine;

  constructor(offset: number) {
    this.offset = offset;
  }

  get line(): number {
    return this.#line;
  }

  /** The log has brought the alert, in this line: when the checkpoint has passed it, no look-up needs the record. */
  coveredBy(line: number): void {
    this.#line = line;
  }

  /** No look-up needs to find it any more. Safe twice. */
  pass(): void {
    this.#line = passedLine;
  }
}

/** Lower than the number of any line. */
export const passedLine = -1;

/** What is known of one partition. Two queues, in the order of their offsets. */
class Lane {
  next = 0;
  /** What an earlier process may have written from; undefined when the tail has passed that. */
  held: number | undefined;
  /**
   * Records of alerts whose lines are known, from `#head` to `#end`. When there is no room, neighbours share an entry: the
   * lower one's offset and the higher one's line, so the mark may lag behind by some records, and never goes ahead.
   */
  readonly #offsets = new Float64Array(capacity);
  readonly #lines = new Float64Array(capacity);
  #head = 0;
  #end = 0;
  /** Records that share an entry, and those that share the last one. */
  #shared = 1;
  #inLast = 0;
  /** The others. */
  #unmet: StoredRecord[] = [];

  get size(): number {
    return this.#end - this.#head + this.#unmet.length;
  }

  /** Nearly always the new one has the highest offset. */
  add(offset: number, line: number): void {
    if (this.#joinsLast(offset)) {
      this.#lines[this.#end - 1] = Math.max(this.#lines[this.#end - 1]!, line);
      this.#inLast += 1;
      return;
    }
    if (this.#end === capacity) this.#makeRoom();
    this.#inLast = 1;
    let at = this.#end++;
    for (; at > this.#head && this.#offsets[at - 1]! > offset; at--) {
      this.#offsets[at] = this.#offsets[at - 1]!;
      this.#lines[at] = this.#lines[at - 1]!;
    }
    this.#offsets[at] = offset;
    this.#lines[at] = line;
  }

  addUnmet(offset: number): StoredRecord {
    const record = new StoredRecord(offset);
    const at = this.#unmet.findLastIndex((other) => other.offset <= offset) + 1;
    if (at === this.#unmet.length) this.#unmet.push(record);
    else this.#unmet.splice(at, 0, record);
    return record;
  }

  /** The lowest offset of a record that a look-up has to find. */
  low(front: number): number {
    while (this.#head < this.#end && this.#lines[this.#head]! < front) this.#head += 1;
    if (this.#end - this.#head < capacity / 4) this.#shared = 1;
    if (this.#unmet.some(({ line }) => line < front)) this.#unmet = this.#unmet.filter(({ line }) => line >= front);
    const first = this.#head < this.#end ? this.#offsets[this.#head]! : this.next;
    return Math.min(first, this.#unmet[0]?.offset ?? first, this.held ?? first);
  }

  #joinsLast(offset: number): boolean {
    return this.#inLast < this.#shared && this.#end > this.#head && offset >= this.#offsets[this.#end - 1]!;
  }

  #makeRoom(): void {
    this.#offsets.copyWithin(0, this.#head, this.#end);
    this.#lines.copyWithin(0, this.#head, this.#end);
    this.#end -= this.#head;
    this.#head = 0;
    if (this.#end < capacity) return;
    for (let at = 0; at < capacity / 2; at++) {
      this.#offsets[at] = this.#offsets[2 * at]!;
      this.#lines[at] = Math.max(this.#lines[2 * at]!, this.#lines[2 * at + 1]!);
    }
    this.#end = capacity / 2;
    this.#shared *= 2;
  }
}

/**
 * Where a look-up after a crash has to begin: per partition, the lowest offset at which a record of an alert beyond the
 * checkpoint may be. Acknowledgements of one partition come in the order of their offsets (but for a file that was
 * begun again), so a sorted queue whose passed head is dropped gives the minimum without a search.
 *
 *   acknowledged 10, 11, 12, 13; the checkpoint has passed the alerts of 10 and 12 -> low is 11
 */
export class SinkOffsets {
  readonly #lanes = new Map<string, Lane>();

  /** Entries that are kept. */
  get size(): number {
    let size = 0;
    for (const lane of this.#lanes.values()) size += lane.size;
    return size;
  }

  /** Per `topic/partition`, the offset behind the last record that is known to be there. */
  get next(): Record<string, number> {
    return Object.fromEntries([...this.#lanes].map(([name, lane]) => [name, lane.next]));
  }

  /** Sets the end of a partition before the first write of this process. */
  seed(next: Offsets): void {
    for (const [partition, offset] of Object.entries(next)) {
      const lane = this.#lane(partition);
      lane.next = Math.max(lane.next, offset);
    }
  }

  /** Keeps offsets as the low marks of their partitions, for what an earlier process may have written, until `release`. */
  hold(since: Offsets): void {
    for (const [partition, offset] of Object.entries(since)) {
      const lane = this.#lane(partition);
      lane.held = offset;
      lane.next = Math.max(lane.next, offset);
    }
  }

  /** The tail has passed everything that an earlier process may have written. */
  release(): void {
    for (const lane of this.#lanes.values()) lane.held = undefined;
  }

  /**
   * A record was acknowledged at this offset.
   * @param partition as `topic/partition`
   * @param line      the number of the alert's line in the log; `unknownLine`, or `passedLine`
   * @returns undefined unless the line is not known: the caller then has to say what becomes of it
   */
  stored(partition: string, offset: number, line: number): StoredRecord | undefined {
    const lane = this.#lane(partition);
    // Lower than before in a file that was begun again: there, what comes next follows this record.
    lane.next = offset + 1;
    if (line === unknownLine) return lane.addUnmet(offset);
    if (line !== passedLine) lane.add(offset, line);
    return undefined;
  }

  /**
   * Per `topic/partition`, the offset from which a look-up has to read.
   * @param front the checkpoint has passed all lines with a lower number
   */
  low(front: number): Record<string, number> {
    const low: Record<string, number> = {};
    for (const [partition, lane] of this.#lanes) low[partition] = lane.low(front);
    return low;
  }

  #lane(partition: string): Lane {
    let lane = this.#lanes.get(partition);
    if (lane === undefined) this.#lanes.set(partition, (lane = new Lane()));
    return lane;
  }
}
