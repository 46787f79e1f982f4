/** Reads manifests and records, and compares them. */
import { timeOfDayMs } from "../clock.ts";
import { bucketOf, hourBucket } from "../manifest/bucket.ts";
import { recordDigest } from "../manifest/record-digest.ts";
import type { ManifestKey } from "../manifest/signature.ts";
import type { KeptRecord, PartitionExtent, RecordStretch, TopicExtent } from "../records/record-reading.ts";
import { type ResolvedStream, resolveStream } from "./chain.ts";
import { coverageOf } from "./coverage.ts";
import { Evidence, usualLimits } from "./evidence.ts";
import { type VerifyFinding, Findings } from "./finding.ts";
import { NodeSigners } from "./node-signers.ts";
import { type BucketToJudge, Judging, type NodeResult, type TopicCut } from "./judging.ts";
import type { KeptDigest } from "./kept-digests.ts";
import type { KnownStreams } from "./known-streams.ts";
import { ManifestBook } from "./manifest-book.ts";
import type { TopicPolicy, TopicReader } from "./topic-reader.ts";
import { topicWarnings, topicWarningText } from "./warnings.ts";

/** By how much clocks of nodes and brokers may differ, in milliseconds. */
const clockMarginMs = 600_000;
/** A second look reads the topics again, for so many buckets at most. */
const maxLookedAt = 1000;
const maxLookedAtRecords = 500_000;
/** Reasons that one result names. */
const maxReasons = 50;

/** What is to be verified. */
export interface VerifyOptions {
  readonly manifests: string;
  /** The keys that were given, by node. */
  readonly keys: ReadonlyMap<string, readonly ManifestKey[]>;
  readonly node: string | undefined;
  /** `NODE=STREAM` */
  readonly accepted: ReadonlySet<string>;
  /** Earlier buckets are left out; milliseconds since 1970. */
  readonly sinceMs: number | undefined;
  readonly known: KnownStreams;
}

/** What verifying has found. */
export interface VerifyResult {
  /** `unproven`: complete, but not all of it is signed by a key that was given. */
  readonly result: "complete" | "unproven" | "incomplete" | "unknown";
  readonly findings: readonly VerifyFinding[];
  readonly findingsLeftOut: number;
  /** Why something cannot be known, a sentence each. */
  readonly unknown: readonly string[];
  /** What should be changed, a sentence each. */
  readonly warnings: readonly string[];
  readonly nodes: readonly NodeResult[];
  readonly manifests: number;
  readonly records: number;
  /** Records of others in the topics. */
  readonly foreignRecords: number;
  /** Complete buckets of which the digest was compared too. */
  readonly digestsChecked: number;
  readonly streams: readonly ResolvedStream[];
  /** Streams that no other one has taken the place of. */
  readonly live: ReadonlySet<string>;
  /** Something could not be read: a verification that goes on would take it for missing. */
  readonly isUnread: boolean;
}

/** A verification that can go on: what was read is not read again. */
export class Verification {
  readonly #options: VerifyOptions;
  readonly #reader: TopicReader;
  readonly #evidence: Evidence;
  readonly #book: ManifestBook;
  /** The next offset to be read, by `topic/partition`. */
  readonly #next = new Map<string, number>();
  readonly #policies = new Map<string, TopicPolicy>();
  #extents: readonly TopicExtent[] = [];
  #manifestExtent: TopicExtent | undefined;
  /** When the end of the manifests was asked for: what came after that is not known. */
  #askedMs = Number.POSITIVE_INFINITY;
  /** Why something was not read: a sentence, and the topic. */
  readonly #troubles = new Map<string, string>();

  /** @param limits buckets whose digests find no room are read again if they differ */
  constructor(options: VerifyOptions, reader: TopicReader, limits = usualLimits) {
    const { node, sinceMs = Number.NEGATIVE_INFINITY, keys } = options;
    this.#options = options;
    this.#reader = reader;
    this.#evidence = new Evidence(sinceMs, node, limits);
    this.#book = new ManifestBook(this.#evidence, [...keys.values()].flat(), node, sinceMs - clockMarginMs);
  }

  /**
   * Reads the manifests to their end, and then the records up to the ends that their topics have by then: so each record
   * that was announced is among them.
   * @throws DfnError UNAVAILABLE when there is more than can be kept; the reason of the signal
   */
  async read(signal: AbortSignal): Promise<void> {
    this.#troubles.clear();
    const { manifests } = this.#options;
    const [extent] = await this.#reader.extents([manifests], signal);
    this.#manifestExtent = extent;
    this.#askedMs = timeOfDayMs();
    const { hasBrokerTime = false } = await this.#policy(manifests);
    await this.#stretches(extent === undefined ? [] : [extent], signal, (record) => {
      const { value, partition, offset, key = "", timestampMs } = record;
      const brokerMs = hasBrokerTime ? timestampMs : undefined;
      this.#book.take(value, key, { partition, offset, brokerMs });
    });
    const { topics } = this.#evidence;
    for (const topic of topics) await this.#policy(topic);
    this.#extents = await this.#reader.extents(topics, signal);
    await this.#stretches(this.#extents, signal, (record) => this.#evidence.see(record));
  }

  /** Compares what was read. May read topics once more, for buckets that differ and are too large to be kept. */
  async judge(nowMs: number, signal: AbortSignal): Promise<VerifyResult> {
    const findings = new Findings();
    const streams = this.#streams(findings);
    const { accepted, known } = this.#options;
    const formerStreams = (node: string): readonly string[] => known.streamsOf(node);
    const { coverages, live } = coverageOf(streams, {
      nowMs: Math.min(nowMs, this.#askedMs),
      accepted,
      formerStreams,
      findings,
    });
    this.#findVanished(findings);
    const judging = new Judging(findings, coverages, (topic) => this.#cutOf(topic, nowMs), nowMs);
    const again = judging.all(this.#evidence.groups);
    if (again.length > 0) await this.#lookAgain(again, judging, signal);
    return this.#result(findings, judging, streams, live);
  }

  #streams(findings: Findings): readonly ResolvedStream[] {
    const { keys, known, sinceMs } = this.#options;
    const signers = new NodeSigners(keys);
    const removed = this.#manifestExtent?.partitions.some(({ first }) => first > 0) === true;
    const cut = sinceMs !== undefined ? "--since" : removed ? "the topic no longer has the first manifests" : undefined;
    const context = {
      keysOf: (node: string) => signers.of(node),
      lastSeen: (stream: string) => known.get(stream),
      cut,
      findings,
    };
    for (const { place, why, node, cameMs } of this.#book.foreign) {
      const hour = Number.isFinite(cameMs) ? hourBucket(cameMs) : null;
      const ask = "ask who may write to the topic of manifests";
      findings.add({ kind: "manifest-foreign", node, hour, count: 1, text: `${place}: not a manifest: ${why}`, ask });
    }
    const streams: ResolvedStream[] = [];
    for (const [name, notes] of this.#book.streams) {
      const stream = resolveStream(name, notes, context);
      if (stream === undefined) continue;
      streams.push(stream);
      signers.learn(stream);
    }
    return streams;
  }

  /** Nodes of which nothing is in the topic, though they are known: by an earlier run, or because a key was given. */
  #findVanished(findings: Findings): void {
    const { sinceMs, known, node: wanted, keys } = this.#options;
    if (this.#manifestExtent === undefined || this.#manifestExtent.trouble !== undefined) return;
    const ask = "ask whether the node and its forwarder run, and who may write to the topic of manifests";
    const vanished = known.current.filter(({ stream }) => !this.#book.streams.has(stream));
    for (const { stream, node, sequence, isStopping } of vanished) {
      if (wanted !== undefined && node !== wanted) continue;
      if (sinceMs === undefined) {
        const text = "none of the manifests that an earlier run has seen is in the topic";
        const sequences: [number, number] = [1, sequence];
        findings.add({ kind: "manifest-missing", node, hour: null, stream, sequences, count: sequence, text, ask });
      } else if (!isStopping) {
        const text = `nothing has come since ${new Date(sinceMs).toISOString()}, and an earlier run has seen the node`;
        findings.add({ kind: "silent", node, hour: null, stream, count: 1, text, ask });
      }
    }
    const heard = new Set([...this.#book.nodes, ...vanished.map(({ node }) => node)]);
    for (const node of keys.keys()) {
      if (heard.has(node) || (wanted !== undefined && node !== wanted)) continue;
      const text = "a key was given for this node, and no manifest of it is in the topic";
      findings.add({ kind: "silent", node, hour: null, count: 1, text, ask });
    }
  }

  async #policy(topic: string): Promise<TopicPolicy> {
    const known = this.#policies.get(topic);
    if (known !== undefined) return known;
    const policy = await this.#reader.policy(topic);
    this.#policies.set(topic, policy);
    return policy;
  }

  /** Reads what has come since the last time. */
  async #stretches(
    extents: readonly TopicExtent[],
    signal: AbortSignal,
    visit: (record: KeptRecord) => void,
  ): Promise<void> {
    const stretches: RecordStretch[] = [];
    for (const extent of extents) {
      if (extent.trouble !== undefined) this.#troubles.set(extent.trouble, extent.topic);
      for (const part of extent.partitions) {
        const { topic, partition, next: until } = part;
        const name = `${topic}/${partition}`;
        stretches.push({ topic, partition, from: this.#next.get(name) ?? this.#beginOf(part), until });
        this.#next.set(name, until);
      }
    }
    for (const { text, topic } of await this.#reader.read({ stretches, signal, visit }))
      this.#troubles.set(text, topic);
  }

  #beginOf({ first }: PartitionExtent): RecordStretch["from"] {
    const { sinceMs } = this.#options;
    return sinceMs === undefined ? first : { sinceMs: Math.max(0, sinceMs - clockMarginMs) };
  }

  /** Up to when records of a topic may be gone, and why; undefined if none can be. */
  #cutOf(topic: string, nowMs: number): TopicCut | undefined {
    if (this.#policies.get(topic)?.isCompacted === true)
      return { untilMs: Number.POSITIVE_INFINITY, why: `${topic} is compacted, which removes records` };
    const extent = this.#extents.find((one) => one.topic === topic);
    if (extent === undefined || extent.trouble !== undefined || [...this.#troubles.values()].includes(topic))
      return { untilMs: Number.POSITIVE_INFINITY, why: `not all of ${topic} can be read` };
    const times = extent.partitions.flatMap(({ firstMs }) => firstMs ?? []);
    if (times.length === 0) return undefined;
    const untilMs = Math.min(Math.max(...times), nowMs) + clockMarginMs;
    return { untilMs, why: `${topic} no longer has everything of before ${new Date(untilMs).toISOString()}` };
  }

  /** Reads the topics of some buckets again, and keeps the digests of their records. */
  async #lookAgain(again: readonly BucketToJudge[], judging: Judging, signal: AbortSignal): Promise<void> {
    const wanted = new Map<string, Map<string, KeptDigest[]>>();
    let room = maxLookedAtRecords;
    for (const { group, merged } of again.slice(0, maxLookedAt)) {
      room -= merged.parts.reduce((sum, { base, replays }) => sum + base.count + replays.count, 0);
      if (room < 0) break;
      const buckets = wanted.get(groupName(group)) ?? new Map<string, KeptDigest[]>();
      const kept: KeptDigest[] = [];
      for (const { bucket } of merged.parts) buckets.set(bucket, kept);
      wanted.set(groupName(group), buckets);
    }
    const topics = new Set(again.map(({ group }) => group.topic));
    const stretches = this.#extents
      .filter(({ topic }) => topics.has(topic))
      .flatMap(({ partitions }) => partitions)
      .map((extent) => {
        const { topic, partition, next: until } = extent;
        return { topic, partition, from: this.#beginOf(extent), until };
      });
    const visit = (record: KeptRecord): void => {
      const kept = wanted.get(groupName(record))?.get(bucketOf(record.id));
      kept?.push({ digest: recordDigest(record), isReplay: record.source === "replay", place: 0 });
    };
    const troubles = await this.#reader.read({ stretches, signal, visit });
    for (const { group, merged } of again) {
      const kept = wanted.get(groupName(group))?.get(merged.parts[0]?.bucket ?? "");
      judging.one(group, merged, () => (troubles.length === 0 ? kept : undefined));
    }
  }

  #result(
    findings: Findings,
    judging: Judging,
    streams: readonly ResolvedStream[],
    live: ReadonlySet<string>,
  ): VerifyResult {
    const unknown = [...this.#troubles.keys(), ...judging.unknown];
    const { manifests } = this.#options;
    if (streams.length === 0 && findings.all.length === 0) unknown.push(`there are no manifests in ${manifests}`);
    for (const [version, count] of this.#book.otherVersions)
      unknown.push(`${count} manifests are of version ${version}, which this program does not know: use a newer one`);
    const nodes = judging.nodes(this.#evidence.groups);
    const isProven = nodes.every((node) => node.isProven);
    const all = findings.all;
    const result = all.length > 0 ? "incomplete" : unknown.length > 0 ? "unknown" : isProven ? "complete" : "unproven";
    return {
      result,
      findings: all,
      findingsLeftOut: findings.leftOut,
      unknown: unknown.slice(0, maxReasons),
      warnings: topicWarnings(manifests, [...this.#policies.values()]).map(topicWarningText),
      nodes,
      manifests: this.#book.count,
      records: this.#evidence.records,
      foreignRecords: this.#evidence.foreign,
      digestsChecked: judging.digestsChecked,
      streams,
      live,
      isUnread: this.#troubles.size > 0,
    };
  }
}

function groupName({ topic, handler, node }: Pick<KeptRecord, "topic" | "handler" | "node">): string {
  return JSON.stringify([topic, handler, node]);
}
