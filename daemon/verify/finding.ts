/** What verifying finds. */

/**
 * What is wrong.
 * - missing, doubled, altered, invented: records of a bucket that are not there, there more often, there with another
 *   content under the same count, or there though nobody announced them.
 * - differs: a bucket is not as announced, and arithmetic cannot tell which of these it is.
 * - manifest-missing: numbers of a stream that are not in the topic, or no longer.
 * - manifest-forged: signed by nobody whose key is known; manifest-unsigned: not signed at all though there is a key.
 * - manifest-foreign: a record in the topic of manifests that is not one.
 * - fork: one number with two contents. chain-broken: a manifest that does not follow the one before.
 * - new-stream: a stream that goes on from none, of a node that had one.
 * - key-changed, node-renamed: without being announced.
 * - inconsistent: a manifest that contradicts itself, or the one before it.
 * - silent: nothing for three intervals.
 */
export type FindingKind =
  | "missing"
  | "doubled"
  | "altered"
  | "invented"
  | "differs"
  | "manifest-missing"
  | "manifest-forged"
  | "manifest-unsigned"
  | "manifest-foreign"
  | "fork"
  | "chain-broken"
  | "new-stream"
  | "key-changed"
  | "node-renamed"
  | "inconsistent"
  | "silent";

/** All kinds, in the order in which they are shown. */
export const findingKinds: readonly FindingKind[] = [
  "missing",
  "altered",
  "doubled",
  "invented",
  "differs",
  "silent",
  "manifest-missing",
  "manifest-forged",
  "manifest-unsigned",
  "fork",
  "chain-broken",
  "new-stream",
  "key-changed",
  "node-renamed",
  "inconsistent",
  "manifest-foreign",
];

/** One thing that is wrong, of one node and one hour. Texts come from the topics. */
export interface VerifyFinding {
  readonly kind: FindingKind;
  /** Header `wazuh-node` of the records, or the node of the manifest; empty if a record does not name one. */
  readonly node: string;
  /** A UTC hour, `2026-11-29T10Z`; `none` for ids without a second; null if it is not about one. */
  readonly hour: string | null;
  readonly topic?: string;
  readonly handler?: string;
  /** Records, or manifests, at least. */
  count: number;
  /** The first buckets that it is about. */
  readonly buckets: string[];
  readonly stream?: string;
  /** The first and the last number. */
  readonly sequences?: [first: number, last: number];
  /** What is wrong, a sentence without a full stop. */
  readonly text: string;
  /** What to ask of whom. */
  readonly ask: string;
}

const maxFindings = 10_000;
/** An hour has sixty. */
const maxBuckets = 60;

/** Findings, one for all that is alike in an hour of a node. */
export class Findings {
  readonly #byName = new Map<string, VerifyFinding>();
  /** How many were left out because there are too many. */
  leftOut = 0;

  add(finding: Omit<VerifyFinding, "buckets"> & { readonly bucket?: string }): void {
    const { bucket, ...rest } = finding;
    const { kind, node, hour, topic, handler, stream } = finding;
    const name = JSON.stringify([kind, node, hour, topic, handler, stream]);
    const known = this.#byName.get(name);
    if (known === undefined) {
      if (this.#byName.size >= maxFindings) this.leftOut += 1;
      else this.#byName.set(name, { ...rest, buckets: bucket === undefined ? [] : [bucket] });
      return;
    }
    known.count += finding.count;
    if (bucket !== undefined && known.buckets.length < maxBuckets) known.buckets.push(bucket);
    if (known.sequences !== undefined && finding.sequences !== undefined) {
      known.sequences[0] = Math.min(known.sequences[0], finding.sequences[0]);
      known.sequences[1] = Math.max(known.sequences[1], finding.sequences[1]);
    }
  }

  /** By kind, node and hour. */
  get all(): readonly VerifyFinding[] {
    return [...this.#byName.values()].toSorted(
      (a, b) =>
        findingKinds.indexOf(a.kind) - findingKinds.indexOf(b.kind) ||
        compare(a.node, b.node) ||
        compare(a.hour ?? "", b.hour ?? ""),
    );
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A node's name for a person. */
export function nodeText(node: string): string {
  return node === "" ? "an unnamed node" : node;
}
