/** What was announced and what was seen, by topic, handler, node header and bucket. */
import { sourceDefinitions } from "../contract.ts";
import { DfnError } from "../errors.ts";
import { bucketOf, bucketStartMs, hourOfBucket, noBucket } from "../manifest/bucket.ts";
import { DigestSum, recordDigest } from "../manifest/record-digest.ts";
import type { ManifestEntry } from "../manifest/manifest.ts";
import type { KeptRecord } from "../records/record-reading.ts";
import { KeptDigests } from "./kept-digests.ts";
import type { NotedManifest } from "./noted-manifest.ts";

/** How much is kept. */
export interface EvidenceLimits {
  /** Up to two kilobytes each. */
  readonly buckets: number;
  /** What manifests say of buckets; 200 bytes each. */
  readonly announcements: number;
  /** Digests of records for a second look, 41 bytes each in buffers that are up to twice as large: 82 MB. */
  readonly digests: number;
}

export const usualLimits: EvidenceLimits = { buckets: 300_000, announcements: 1_500_000, digests: 1_000_000 };

/** A number of records and the sum of their digests. */
export class Counted {
  count = 0;
  readonly sum = new DigestSum();

  add(count: number, sum: DigestSum): void {
    this.count += count;
    this.sum.add(sum);
  }

  equals(other: Counted): boolean {
    return this.count === other.count && this.sum.equals(other.sum);
  }
}

/** What one manifest says of a bucket. */
export interface Announcement {
  readonly manifest: NotedManifest;
  /** Additions are apart. */
  readonly kind: "records" | "unlined" | "addition";
  /** Of an addition: it was sent because it had never been. */
  readonly isDeadLetter: boolean;
  readonly entry: Pick<ManifestEntry, "count" | "sum" | "digest">;
}

/** One bucket of a group. */
export interface BucketEvidence {
  readonly bucket: string;
  readonly announced: Announcement[];
  readonly base: Counted;
  readonly replays: Counted;
  /** All that were seen; undefined if there was no room. */
  kept: KeptDigests | undefined;
}

/** The records of one topic, handler and node header. */
export interface EvidenceGroup {
  readonly topic: string;
  readonly handler: string;
  readonly node: string;
  readonly buckets: Map<string, BucketEvidence>;
}

/** What is kept of all that was read: a kilobyte for each bucket, and digests up to a bound. */
export class Evidence {
  readonly #groups = new Map<string, EvidenceGroup>();
  readonly #sinceMs: number;
  readonly #node: string | undefined;
  readonly #limits: EvidenceLimits;
  #buckets = 0;
  #announcements = 0;
  #kept = 0;
  /** Records that lack a header of the forwarder's: others write to the topic too. */
  foreign = 0;
  records = 0;

  /**
   * @param sinceMs earlier buckets are left out
   * @param node    of other node headers nothing is kept
   */
  constructor(sinceMs: number, node: string | undefined, limits: EvidenceLimits) {
    this.#sinceMs = sinceMs;
    this.#node = node;
    this.#limits = limits;
  }

  get groups(): readonly EvidenceGroup[] {
    return [...this.#groups.values()];
  }

  /** Topics that something was announced for. */
  get topics(): readonly string[] {
    return [...new Set(this.groups.filter(({ buckets }) => buckets.size > 0).map(({ topic }) => topic))];
  }

  /** @throws DfnError UNAVAILABLE when there are too many buckets */
  announce(entry: ManifestEntry, announcement: Omit<Announcement, "entry">): void {
    const { topic, handler, node, bucket, count, sum, digest } = entry;
    if (!this.#isWanted(node, bucket)) return;
    this.#announcements += 1;
    if (this.#announcements > this.#limits.announcements)
      throw tooMuch(`${this.#limits.announcements} entries of manifests`);
    this.#bucket(topic, handler, node, bucket).announced.push({ ...announcement, entry: { count, sum, digest } });
  }

  /** @throws DfnError UNAVAILABLE when there are too many buckets */
  see(record: KeptRecord): void {
    this.records += 1;
    const { topic, handler, node, id, source } = record;
    if (handler === "" || node === "" || id === "") {
      this.foreign += 1;
      return;
    }
    const bucket = bucketOf(id);
    if (!this.#isWanted(node, bucket)) return;
    const evidence = this.#bucket(topic, handler, node, bucket);
    const digest = recordDigest(record);
    const isReplay = source === sourceDefinitions.replay.header;
    const counted = isReplay ? evidence.replays : evidence.base;
    counted.count += 1;
    counted.sum.addBytes(digest, 0);
    if (evidence.kept === undefined) return;
    evidence.kept.add(digest, id, isReplay);
    this.#kept += 1;
    if (this.#kept > this.#limits.digests) this.#makeRoom();
  }

  #isWanted(node: string, bucket: string): boolean {
    if (this.#node !== undefined && node !== this.#node) return false;
    return bucket === noBucket || bucketStartMs(bucket) >= this.#sinceMs;
  }

  #bucket(topic: string, handler: string, node: string, bucket: string): BucketEvidence {
    const name = JSON.stringify([topic, handler, node]);
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = { topic, handler, node, buckets: new Map() };
      this.#groups.set(name, group);
    }
    let evidence = group.buckets.get(bucket);
    if (evidence === undefined) {
      this.#buckets += 1;
      if (this.#buckets > this.#limits.buckets) throw tooMuch(`${this.#limits.buckets} minutes of nodes and handlers`);
      evidence = { bucket, announced: [], base: new Counted(), replays: new Counted(), kept: new KeptDigests() };
      group.buckets.set(bucket, evidence);
    }
    return evidence;
  }

  /** The largest lists go: each frees the most. */
  #makeRoom(): void {
    const all = this.groups.flatMap(({ buckets }) => [...buckets.values()]);
    for (const evidence of all.toSorted((a, b) => (b.kept?.count ?? 0) - (a.kept?.count ?? 0))) {
      if (this.#kept <= this.#limits.digests / 2) break;
      this.#kept -= evidence.kept?.count ?? 0;
      evidence.kept = undefined;
    }
  }
}

/** There is more than can be kept. */
export function tooMuch(what: string): DfnError {
  const text = `there are more than ${what} to compare`;
  return new DfnError("UNAVAILABLE", `verify: ${text}; take less at a time: --since TIME, --node NODE`);
}

/** A bucket as it is judged: an hour where any manifest announced the hour. */
export interface MergedBucket {
  readonly bucket: string;
  readonly parts: readonly BucketEvidence[];
}

/** The buckets of a group; minutes are put together where their hour was announced as a whole. */
export function mergedBuckets({ buckets }: EvidenceGroup): readonly MergedBucket[] {
  const hours = new Set([...buckets.keys()].filter((bucket) => bucket.length === 14));
  const merged = new Map<string, BucketEvidence[]>();
  for (const [bucket, evidence] of buckets) {
    const hour = hourOfBucket(bucket);
    const name = hours.has(hour) ? hour : bucket;
    const parts = merged.get(name);
    if (parts === undefined) merged.set(name, [evidence]);
    else parts.push(evidence);
  }
  return [...merged].map(([bucket, parts]) => ({ bucket, parts })).toSorted((a, b) => (a.bucket < b.bucket ? -1 : 1));
}
