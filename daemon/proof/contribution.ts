/** What a line of the log adds to the manifest of its stretch. */

/** What a manifest's entry is of. Most records share it with the one before. */
export interface CountedEntry {
  readonly topic: string;
  readonly handler: string;
  /** Header `wazuh-node`. */
  readonly node: string;
  /** As `bucketOf` gives it. */
  readonly bucket: string;
}

/** A record that is in a topic, as a manifest counts it. */
export interface CountedRecord {
  readonly entry: CountedEntry;
  /** The socket brought it first. */
  readonly isFromSocket: boolean;
  /** The record's digest: 32 characters of one byte each. Empty until it is acknowledged. */
  digest: string;
}

/** A dead letter. Topic and handler are null where the line did not get that far. */
export interface DeadPart {
  readonly topic: string | null;
  readonly handler: string | null;
  readonly reason: string;
}

/**
 * What became of a line.
 * - relevant: records, dead letters, or none if its record is counted elsewhere (`unlined`).
 * - broken: not an alert; the whole ones in it were taken out.
 * - too-old: not asked for, at a first start that begins at a time.
 */
export type LineKind = "relevant" | "broken" | "too-old";

export interface Contribution {
  readonly kind: LineKind;
  /** Whole alerts that were taken out of a broken line. */
  readonly salvaged: number;
  readonly records: readonly CountedRecord[];
  readonly dead: readonly DeadPart[];
}

const none: readonly never[] = [];

/** A line of which nothing more is known. */
export const bareLine: Contribution = { kind: "relevant", salvaged: 0, records: none, dead: none };
export const tooOldLine: Contribution = { ...bareLine, kind: "too-old" };

/** Both together; they are of one line. */
export function joined(one: Contribution | undefined, other: Contribution): Contribution {
  if (one === undefined) return other;
  return {
    kind: one.kind === "relevant" ? other.kind : one.kind,
    salvaged: one.salvaged + other.salvaged,
    records: one.records.length === 0 ? other.records : [...one.records, ...other.records],
    dead: one.dead.length === 0 ? other.dead : [...one.dead, ...other.dead],
  };
}
