/** Reading back everything that a sink holds, for an administrator who compares it with the log. */

/** A partition of a topic as it is at a moment. */
export interface PartitionExtent {
  readonly topic: string;
  readonly partition: number;
  /** Offset of the oldest record that is there. */
  readonly first: number;
  /** The offset behind the newest record that may be read. */
  readonly next: number;
  /**
   * When the oldest record that is there was appended, in milliseconds since 1970: what was appended before may have been
   * removed. Undefined if nothing was removed.
   */
  readonly firstMs: number | undefined;
}

/** A topic at a moment. */
export interface TopicExtent {
  readonly topic: string;
  readonly partitions: readonly PartitionExtent[];
  /** Why it cannot be read, a sentence; undefined if it can. */
  readonly trouble: string | undefined;
}

/** A record as it is kept, with what its headers say of its alert; empty for a header that it lacks. */
export interface KeptRecord {
  readonly topic: string;
  readonly partition: number;
  /** In the partition; for a file, the byte at which its line begins. */
  readonly offset: number;
  readonly handler: string;
  readonly node: string;
  readonly id: string;
  /** How it was brought: `headerNames.source`. */
  readonly source: string;
  /** The record's key, as text; absent if the sink does not say. */
  readonly key?: string;
  /** When it was made, or taken by the broker, as the topic is set; milliseconds since 1970. Absent if the sink does not say. */
  readonly timestampMs?: number;
  /** Valid until the call returns. */
  readonly value: Buffer | null;
}

/** A stretch of a partition. */
export interface RecordStretch {
  readonly topic: string;
  readonly partition: number;
  /** The first offset; or, as a time in milliseconds since 1970, the first record that was not appended before it. */
  readonly from: number | { readonly sinceMs: number };
  /** The offset behind the last record that is wanted. */
  readonly until: number;
}

/** Why some records of a topic were not seen. */
export interface UnreadRecords {
  readonly topic: string;
  /** A sentence. */
  readonly text: string;
}

/** What is to be read. */
export interface RecordReading {
  readonly stretches: readonly RecordStretch[];
  /** Called for each record, in the order of the offsets in each stretch. */
  readonly visit: (record: KeptRecord) => void;
  /** Ends the reading; it then rejects with the signal's reason. */
  readonly signal: AbortSignal;
}
