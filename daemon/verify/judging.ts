/** Judges all buckets, and counts what became of them. */
import { bucketEndMs, bucketStartMs, hourBucket, hourOfBucket, noBucket } from "../manifest/bucket.ts";
import type { Coverage } from "./coverage.ts";
import { type EvidenceGroup, type MergedBucket, mergedBuckets } from "./evidence.ts";
import { nodeText, type FindingKind, type Findings } from "./finding.ts";
import { type BucketVerdict, judgeBucket } from "./judge-bucket.ts";
import type { KeptDigest } from "./kept-digests.ts";

const hourMs = 3_600_000;

/** Up to when records of a topic may be gone, in milliseconds since 1970, and why. */
export interface TopicCut {
  readonly untilMs: number;
  readonly why: string;
}

/** A bucket that takes a second look. */
export interface BucketToJudge {
  readonly group: EvidenceGroup;
  readonly merged: MergedBucket;
}

/** A node header, as a result shows it. */
export interface NodeResult {
  readonly node: string;
  /** Buckets by what became of them. */
  readonly verdicts: Readonly<Record<string, number>>;
  /** Records in the topics. */
  readonly records: number;
  /** Age of the lowest bucket that may still grow; undefined for a node without manifests. */
  readonly lagMs: number | undefined;
  /** Every manifest is signed by a key that was given, or that such a key announced. */
  readonly isProven: boolean;
}

interface Reason {
  buckets: number;
  first: string;
  last: string;
}

const kinds = ["missing", "doubled", "altered", "invented", "differs"] as const satisfies readonly FindingKind[];
type BucketKind = (typeof kinds)[number];

/** What is the same for all buckets of an hour; of one that differs the numbers are given. */
const texts: Readonly<Partial<Record<BucketKind, string>>> = {
  missing: "records that were announced are not there",
  doubled: "records are there more often than they were announced",
  altered: "as many records as were announced are there, and they are not the same",
  invented: "records are there that nobody has announced",
};

export class Judging {
  digestsChecked = 0;
  readonly #findings: Findings;
  readonly #coverages: ReadonlyMap<string, Coverage>;
  readonly #cutOf: (topic: string) => TopicCut | undefined;
  readonly #nowMs: number;
  readonly #verdicts = new Map<string, Record<string, number>>();
  readonly #reasons = new Map<string, Reason>();

  constructor(
    findings: Findings,
    coverages: ReadonlyMap<string, Coverage>,
    cutOf: (topic: string) => TopicCut | undefined,
    nowMs: number,
  ) {
    this.#findings = findings;
    this.#coverages = coverages;
    this.#cutOf = cutOf;
    this.#nowMs = nowMs;
  }

  /** @returns those whose records have to be looked at, and were not kept */
  all(groups: readonly EvidenceGroup[]): readonly BucketToJudge[] {
    const again: BucketToJudge[] = [];
    for (const group of groups)
      for (const merged of mergedBuckets(group)) {
        if (!this.one(group, merged, () => keptOf(merged), true)) again.push({ group, merged });
      }
    return again;
  }

  /**
   * @param look        at its records; undefined if they were not kept
   * @param mayLookAgain a fault is not reported before its records were looked at
   * @returns whether it is judged
   */
  one(
    group: EvidenceGroup,
    merged: MergedBucket,
    look: () => readonly KeptDigest[] | undefined,
    mayLookAgain = false,
  ): boolean {
    const { bucket, parts } = merged;
    const coverage = this.#coverages.get(group.node);
    if (coverage === undefined) {
      const isAnnounced = parts.some(({ announced }) => announced.length > 0);
      if (!isAnnounced) this.#unknown(group.node, bucket, "there are records of this node, and no manifests");
      this.#count(group.node, isAnnounced ? "unproven" : "unknown");
      return true;
    }
    const isOpen = bucket !== noBucket && !(bucketEndMs(bucket) <= coverage.openFromMs);
    if (isOpen) {
      this.#count(group.node, "pending");
      return true;
    }
    const verdict = judgeBucket(parts, look, {
      cut: this.#cut(group.topic, bucket),
      hole: holeOf(coverage, bucket),
      isAdding: coverage.isAdding,
      streams: coverage.streams,
    });
    const kind = kinds.find((one) => one === verdict.verdict);
    if (kind !== undefined && mayLookAgain && look() === undefined) return false;
    // Records without a time may always be followed by others.
    if (bucket === noBucket && (kind === "doubled" || kind === "invented")) {
      this.#count(group.node, "pending");
      return true;
    }
    this.#count(group.node, verdict.verdict);
    if (verdict.isDigestChecked === true) this.digestsChecked += 1;
    if (verdict.verdict === "unknown") this.#unknown(group.node, bucket, verdict.why ?? "");
    if (kind !== undefined) this.#find(kind, group, bucket, verdict);
    return true;
  }

  /** Why something cannot be known, a sentence each. */
  get unknown(): readonly string[] {
    return [...this.#reasons].map(([name, { buckets, first, last }]) => {
      const [node, why]: [string, string] = JSON.parse(name);
      return `${nodeText(node)}, ${first === last ? first : `${buckets} buckets from ${first} to ${last}`}: ${why}`;
    });
  }

  /** All node headers, by name. */
  nodes(groups: readonly EvidenceGroup[]): readonly NodeResult[] {
    const names = [...new Set([...this.#coverages.keys(), ...groups.map(({ node }) => node)])].toSorted();
    return names.map((node) => {
      const coverage = this.#coverages.get(node);
      const own = groups.filter((group) => group.node === node).flatMap(({ buckets }) => [...buckets.values()]);
      const records = own.reduce((sum, { base, replays }) => sum + base.count + replays.count, 0);
      const verdicts = this.#verdicts.get(node) ?? {};
      const lagMs = coverage === undefined ? undefined : Math.max(0, this.#nowMs - coverage.openFromMs);
      return { node, verdicts, records, lagMs, isProven: coverage?.isProven === true };
    });
  }

  /** Why records of a bucket may not be in its topic any more. */
  #cut(topic: string, bucket: string): string | undefined {
    const cut = this.#cutOf(topic);
    return cut === undefined || bucketStartMs(bucket) > cut.untilMs ? undefined : cut.why;
  }

  #count(node: string, verdict: string): void {
    const counts = this.#verdicts.get(node) ?? {};
    counts[verdict] = (counts[verdict] ?? 0) + 1;
    this.#verdicts.set(node, counts);
  }

  #unknown(node: string, bucket: string, why: string): void {
    const name = JSON.stringify([node, why]);
    const known = this.#reasons.get(name);
    if (known === undefined) {
      this.#reasons.set(name, { buckets: 1, first: bucket, last: bucket });
      return;
    }
    known.buckets += 1;
    if (bucket < known.first) known.first = bucket;
    if (bucket > known.last) known.last = bucket;
  }

  #find(
    kind: BucketKind,
    { topic, handler, node }: EvidenceGroup,
    bucket: string,
    { count, why = "" }: BucketVerdict,
  ): void {
    const hour = hourOfBucket(bucket);
    this.#findings.add({
      kind,
      node,
      hour,
      topic,
      handler,
      bucket,
      count,
      text: texts[kind] ?? why,
      ask: askFor(kind, topic, hour),
    });
  }
}

function askFor(kind: BucketKind, topic: string, hour: string): string {
  const startMs = bucketStartMs(hour);
  const span = Number.isNaN(startMs) ? "" : ` --from ${clock(startMs)} --to ${clock(startMs + hourMs)}`;
  if (kind === "missing") return `ask the node's administrator for: wazuh-dfn audit${span} --replay-missing`;
  if (kind === "doubled") return `nothing is lost; ask whether the node crashed in that hour: wazuh-dfn audit${span}`;
  return `ask who may write to ${topic}, and the node's administrator for: wazuh-dfn audit${span}`;
}

function clock(timeMs: number): string {
  return hourBucket(timeMs).replace("Z", ":00Z");
}

function holeOf({ holes }: Coverage, bucket: string): string | undefined {
  // Records without a time may be from before, but nothing else says that they are.
  if (bucket === noBucket) return undefined;
  const [startMs, endMs] = [bucketStartMs(bucket), bucketEndMs(bucket)];
  return holes.find(({ fromMs, toMs }) => startMs < toMs && endMs > fromMs)?.why;
}

function keptOf({ parts }: MergedBucket): readonly KeptDigest[] | undefined {
  const lists = parts.map(({ kept }) => kept);
  return lists.every((kept) => kept !== undefined) ? lists.flatMap((kept) => kept.all()) : undefined;
}
