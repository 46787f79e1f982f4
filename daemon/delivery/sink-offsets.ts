import type { SinkOffsets as Offsets } from "./contract.ts";

/** A record that stands in the sink while the checkpoint has not passed its alert. */
export interface StoredRecord {
  readonly offset: number;
  isPassed: boolean;
}

interface Lane {
  stored: StoredRecord[];
  head: number;
  next: number;
}

/**
 * Where a look-up after a crash has to begin: per partition, the lowest offset at which a record of an alert beyond the
 * checkpoint may stand. Acknowledgements of one partition come in the order of their offsets (but for a file that was
 * begun anew), so a sorted queue whose passed head is dropped gives the minimum without a search.
 *
 *   acknowledged 10, 11, 12, 13; the checkpoint has passed the alerts of 10 and 12 -> low is 11
 */
export class SinkOffsets {
  readonly #lanes = new Map<string, Lane>();

  /** Sets where a partition stood before the first write of this process. */
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
    // Lower than before in a file that was begun anew: there, what comes next follows this record.
    lane.next = offset + 1;
    return insert(lane, offset);
  }

  /** Per `topic/partition`, the offset from which a look-up has to read. */
  low(): Record<string, number> {
    const low: Record<string, number> = {};
    for (const [partition, lane] of this.#lanes) {
      while (lane.stored[lane.head]?.isPassed === true) lane.head += 1;
      if (lane.head > 1024 && lane.head * 2 > lane.stored.length) {
        lane.stored.splice(0, lane.head);
        lane.head = 0;
      }
      low[partition] = lane.stored[lane.head]?.offset ?? lane.next;
    }
    return low;
  }

  #lane(partition: string): Lane {
    let lane = this.#lanes.get(partition);
    if (lane === undefined) {
      lane = { stored: [], head: 0, next: 0 };
      this.#lanes.set(partition, lane);
    }
    return lane;
  }
}

/** Keeps the queue in the order of the offsets; nearly always the new one is the highest. */
function insert(lane: Lane, offset: number): StoredRecord {
  const record = { offset, isPassed: false };
  let at = lane.stored.length;
  while (at > lane.head && (lane.stored[at - 1]?.offset ?? 0) > offset) at -= 1;
  if (at === lane.stored.length) lane.stored.push(record);
  else lane.stored.splice(at, 0, record);
  return record;
}
