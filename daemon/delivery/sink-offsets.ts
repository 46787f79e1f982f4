import type { OffsetsByPartition as Offsets } from "../contract.ts";

interface Lane {
  /** In the order of their offsets; those up to `head`, and some behind it, are passed. */
  stored: StoredRecord[];
  head: number;
  /** Of `stored`. */
  passed: number;
  next: number;
}

/** Passed records are removed from a lane when there are this many, and they are at least half of it. */
const packAt = 1024;

/** A record that is in the sink while the checkpoint has not passed its alert. */
export class StoredRecord {
  readonly offset: number;
  readonly #lane: Lane;
  #isPassed = false;

  constructor(offset: number, lane: Lane) {
    this.offset = offset;
    this.#lane = lane;
  }

  get isPassed(): boolean {
    return this.#isPassed;
  }

  /** No look-up needs to find it any more. Safe twice. */
  pass(): void {
    if (this.#isPassed) return;
    this.#isPassed = true;
    const lane = this.#lane;
    lane.passed += 1;
    if (lane.passed < packAt || lane.passed * 2 < lane.stored.length) return;
    lane.stored = lane.stored.filter(({ isPassed }) => !isPassed);
    lane.head = lane.passed = 0;
  }

  isBesides(other: StoredRecord): boolean {
    return this.#lane === other.#lane;
  }
}

/** The first record of each partition; the others are passed, because a look-up that finds the first finds them too. */
export function firstOfEach(records: readonly StoredRecord[]): readonly StoredRecord[] {
  const first: StoredRecord[] = [];
  for (const record of records) {
    const at = first.findIndex((other) => other.isBesides(record));
    const other = first[at];
    if (other === record) continue;
    if (other === undefined) first.push(record);
    else if (other.offset <= record.offset) record.pass();
    else {
      other.pass();
      first[at] = record;
    }
  }
  return first;
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

  /** Records that are kept. */
  get size(): number {
    let size = 0;
    for (const { stored } of this.#lanes.values()) size += stored.length;
    return size;
  }

  /** Sets the end of a partition before the first write of this process. */
  seed(next: Offsets): void {
    for (const [partition, offset] of Object.entries(next)) {
      const lane = this.#lane(partition);
      lane.next = Math.max(lane.next, offset);
    }
  }

  /**
   * Keeps an offset as the low mark of a partition until `passed`: used for what an earlier process may have written.
   */
  hold(since: Offsets): readonly StoredRecord[] {
    const held: StoredRecord[] = [];
    for (const [partition, offset] of Object.entries(since)) {
      const lane = this.#lane(partition);
      held.push(insert(lane, offset));
      lane.next = Math.max(lane.next, offset);
    }
    return held;
  }

  /** A record was acknowledged at this offset. @param partition as `topic/partition` */
  stored(partition: string, offset: number): StoredRecord {
    const lane = this.#lane(partition);
    // Lower than before in a file that was begun again: there, what comes next follows this record.
    lane.next = offset + 1;
    return insert(lane, offset);
  }

  /** Per `topic/partition`, the offset from which a look-up has to read. */
  low(): Record<string, number> {
    const low: Record<string, number> = {};
    for (const [partition, lane] of this.#lanes) {
      while (lane.stored[lane.head]?.isPassed === true) lane.head += 1;
      low[partition] = lane.stored[lane.head]?.offset ?? lane.next;
    }
    return low;
  }

  #lane(partition: string): Lane {
    let lane = this.#lanes.get(partition);
    if (lane === undefined) {
      lane = { stored: [], head: 0, passed: 0, next: 0 };
      this.#lanes.set(partition, lane);
    }
    return lane;
  }
}

/** Keeps the queue in the order of the offsets; nearly always the new one is the highest. */
function insert(lane: Lane, offset: number): StoredRecord {
  const record = new StoredRecord(offset, lane);
  let at = lane.stored.length;
  while (at > lane.head && (lane.stored[at - 1]?.offset ?? 0) > offset) at -= 1;
  if (at === lane.stored.length) lane.stored.push(record);
  else lane.stored.splice(at, 0, record);
  return record;
}
