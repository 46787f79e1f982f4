/** What the manifests of all streams say of a node header: from when on, up to when, and with which gaps. */
import { hourBucket } from "../manifest/bucket.ts";
import type { ResolvedStream } from "./chain.ts";
import type { Findings } from "./finding.ts";
import type { NotedManifest } from "./noted-manifest.ts";

/** A stretch of buckets in which records may be that nobody has announced. */
export interface Hole {
  readonly fromMs: number;
  readonly toMs: number;
  /** Before the first manifest, which is not a fault; or why it cannot be known. */
  readonly why: string;
}

/** What is known of the records of one node header. */
export interface Coverage {
  /** Buckets that end after this may still grow; milliseconds since 1970. */
  openFromMs: number;
  /** The node has sent something again, and is not done with it. */
  isAdding: boolean;
  isProven: boolean;
  readonly holes: Hole[];
  /** Streams whose word counts for this node header. */
  readonly streams: ReadonlySet<string>;
}

/** What the streams say together. */
export interface Covered {
  /** By node header. */
  readonly coverages: ReadonlyMap<string, Coverage>;
  /** Streams that no other one has taken the place of. */
  readonly live: ReadonlySet<string>;
}

/** What is known of streams from elsewhere than the topic. */
export interface CoverageContext {
  readonly nowMs: number;
  /** Streams that were accepted by hand, as `NODE=STREAM`. */
  readonly accepted: ReadonlySet<string>;
  /** Streams of a node that an earlier run has seen. */
  formerStreams(node: string): readonly string[];
  readonly findings: Findings;
}

/** Intervals after which a node that says nothing is silent. */
const silentAfterIntervals = 3;

/**
 * Judges how streams follow one another, marks what was announced twice, and puts together what is said of each node header.
 */
export function coverageOf(streams: readonly ResolvedStream[], context: CoverageContext): Covered {
  const over = new Set<ResolvedStream>();
  const holes = new Map<ResolvedStream, Hole[]>();
  for (const stream of streams)
    holes.set(
      stream,
      stream.gaps.map((gap) => ({ ...gap, why: manifestsMissing })),
    );
  for (const stream of streams) {
    const [first] = stream.chain;
    if (first?.sequence !== 1) continue;
    const found = first.succeeds === undefined ? [] : succession(stream, first, first.succeeds, streams, context);
    const former = first.succeeds === undefined ? newStream(stream, first, streams, context) : found;
    for (const { stream: before, hole } of former) {
      over.add(before);
      if (hole !== undefined) holes.get(stream)?.push(hole);
    }
  }
  const live = streams.filter((stream) => !over.has(stream));
  for (const stream of live) findSilence(stream, context);
  const coverages = new Map<string, Coverage>();
  for (const name of new Set(streams.flatMap(({ names }) => names))) {
    const speaking = speakingFor(name, streams);
    const speakers = new Set(speaking.map(({ stream }) => stream));
    for (const stream of speaking)
      cover(coverages, name, stream, { isLive: live.includes(stream), holes: holes.get(stream) ?? [], speakers });
  }
  return { coverages, live: new Set(live.map(({ stream }) => stream)) };
}

/** Whose word counts for a node header: others may name it too, but not against the signature of the node itself. */
function speakingFor(name: string, streams: readonly ResolvedStream[]): readonly ResolvedStream[] {
  const all = streams.filter(({ names }) => names.includes(name));
  const proven = all.filter(({ isProven }) => isProven);
  const own = proven.filter(({ chain }) => chain.some(({ node }) => node === name));
  return own.length > 0 ? own : proven.length > 0 ? proven : all;
}

const manifestsMissing = "manifests of that time are missing";

interface Former {
  readonly stream: ResolvedStream;
  readonly hole: Hole | undefined;
}

/** A stream that says which one it goes on from. */
function succession(
  stream: ResolvedStream,
  first: NotedManifest,
  { stream: name, sequence, hash, reason }: NonNullable<NotedManifest["succeeds"]>,
  streams: readonly ResolvedStream[],
  { findings }: CoverageContext,
): Former[] {
  const before = streams.find((one) => one.stream === name);
  if (before === undefined || before === stream) return [];
  const named = before.chain.find((one) => one.sequence === sequence);
  if (named !== undefined && named.hash !== hash) {
    const text = `it goes on from another content of sequence ${sequence} of ${name} than the one in the topic`;
    findings.add({
      ...about(stream, first),
      kind: "chain-broken",
      text,
      ask: "ask the node's administrator which is right",
    });
  }
  if (reason === "cloned") return [];
  // It reads again what came after that manifest, and announces it once more.
  if (reason !== "lost") {
    for (const one of before.chain) if (one.sequence > sequence) one.standing = "superseded";
    return [{ stream: before, hole: undefined }];
  }
  return [{ stream: before, hole: between(before, first, "its state directory was lost at that time") }];
}

/** A stream that goes on from none: the first of its node, or one that has to be explained. */
function newStream(
  stream: ResolvedStream,
  first: NotedManifest,
  streams: readonly ResolvedStream[],
  context: CoverageContext,
): Former[] {
  const { accepted, findings } = context;
  const earlier = streams.filter(
    (one) => one !== stream && one.names.includes(first.node) && (one.chain[0]?.place ?? 0) < first.place,
  );
  const known = context.formerStreams(first.node);
  const former = known.filter((name) => name !== stream.stream);
  const isKnown = known.includes(stream.stream);
  if (earlier.length === 0 && (former.length === 0 || isKnown)) return [];
  if (!accepted.has(`${first.node}=${stream.stream}`)) {
    const text = "a new stream, which does not go on from the one that the node had";
    const ask = `ask whether the node was set up again; if so: --accept ${first.node}=${stream.stream}`;
    findings.add({ ...about(stream, first), kind: "new-stream", text, ask });
  }
  return earlier.map((one) => ({ stream: one, hole: between(one, first, "the node began a new stream at that time") }));
}

function about({ stream }: ResolvedStream, { node, timeMs, sequence }: NotedManifest) {
  const sequences: [number, number] = [sequence, sequence];
  return { node, hour: hourBucket(Math.max(0, timeMs)), stream, sequences, count: 1 };
}

function between(before: ResolvedStream, first: NotedManifest, why: string): Hole | undefined {
  const fromMs = before.chain.at(-1)?.openFromMs ?? first.wholeFromMs;
  return { fromMs, toMs: Math.max(fromMs, first.wholeFromMs), why };
}

function findSilence(resolved: ResolvedStream, { nowMs, findings }: CoverageContext): void {
  const last = resolved.chain.at(-1);
  if (last === undefined || last.isStopping) return;
  // Whoever forges its manifests is a finding already.
  if (nowMs - resolved.lastCameMs <= silentAfterIntervals * last.intervalMs) return;
  findings.add({
    ...about(resolved, last),
    kind: "silent",
    text: `nothing has come since ${new Date(last.cameMs).toISOString()}, and a manifest is due every ${last.intervalMs / 1000} s`,
    ask: "ask whether the node and its forwarder run, and reach Kafka: wazuh-dfn status",
  });
}

function cover(
  coverages: Map<string, Coverage>,
  name: string,
  { chain, isProven }: ResolvedStream,
  { isLive, holes, speakers }: { isLive: boolean; holes: readonly Hole[]; speakers: ReadonlySet<string> },
): void {
  const [first] = chain;
  const last = chain.at(-1);
  if (first === undefined || last === undefined) return;
  const closed = new Set(chain.flatMap((one) => one.closed));
  const isAdding = chain.some((one) => one.opened.some((id) => !closed.has(id)));
  const begin: Hole = { fromMs: Number.NEGATIVE_INFINITY, toMs: first.wholeFromMs, why: "before" };
  const openFromMs = isLive ? last.openFromMs : Number.POSITIVE_INFINITY;
  const known = coverages.get(name);
  if (known === undefined) {
    coverages.set(name, { openFromMs, isAdding, isProven, holes: [begin, ...holes], streams: speakers });
    return;
  }
  known.openFromMs = Math.min(known.openFromMs, openFromMs);
  known.isAdding ||= isAdding;
  known.isProven &&= isProven;
  const [other] = known.holes;
  if (other !== undefined && begin.toMs < other.toMs) known.holes[0] = begin;
  known.holes.push(...holes);
}
