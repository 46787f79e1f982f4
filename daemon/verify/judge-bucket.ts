/** Judges one bucket: what was announced against what was seen. */
import { digestOfAll, DigestSum } from "../manifest/record-digest.ts";
import type { Announcement, BucketEvidence } from "./evidence.ts";
import { Counted } from "./evidence.ts";
import type { KeptDigest } from "./kept-digests.ts";
import { surplusOf, type Surplus } from "./surplus.ts";

/**
 * What became of a bucket.
 * - complete: all that was announced is there, once. mended: what was missing was sent again. repeated: more was sent again
 *   on purpose. unproven: it agrees with manifests that are not trusted, which are findings themselves.
 * - before: records from before the first manifest.
 * - unknown: it cannot be known, and why.
 * - the others as in `FindingKind`.
 */
export interface BucketVerdict {
  readonly verdict:
    | "complete"
    | "mended"
    | "repeated"
    | "unproven"
    | "before"
    | "unknown"
    | "missing"
    | "doubled"
    | "altered"
    | "invented"
    | "differs";
  /** Records that it is about, at least. */
  readonly count: number;
  /** Details of what differs, or why it is unknown. */
  readonly why?: string;
  /** Whether the digest of all records was compared too, and not their sum alone. */
  readonly isDigestChecked?: boolean;
}

/** What is known in addition to the sums. */
export interface BucketContext {
  /** Why records that were announced may not be there any more, or cannot be read; undefined: they must be there. */
  readonly cut: string | undefined;
  /** Why records may be there that were not announced; `before` for those before the first manifest. */
  readonly hole: string | undefined;
  /** The node has not closed what it sends again. */
  readonly isAdding: boolean;
  /** Streams whose word counts. */
  readonly streams: ReadonlySet<string>;
}

/** The sums of a bucket. */
interface Sums {
  readonly announced: Counted;
  readonly distrusted: Counted;
  readonly additions: Counted;
  readonly base: Counted;
  readonly replays: Counted;
}

/** @param look at all records that were seen, as they were read; undefined if they were not kept */
export function judgeBucket(
  parts: readonly BucketEvidence[],
  look: () => readonly KeptDigest[] | undefined,
  context: BucketContext,
): BucketVerdict {
  const all = parts.flatMap(({ announced }) => announced);
  const sums = sumsOf(parts, all, context);
  const { announced, distrusted, additions, base, replays } = sums;
  const areReplaysRight = replays.equals(additions);
  if (base.equals(announced) && (areReplaysRight || context.isAdding)) {
    if (replays.count === 0)
      return { verdict: "complete", count: base.count, ...digestsCompared(look(), all, context) };
    const isFirst = additions.count > 0 && all.every(({ kind, isDeadLetter }) => kind !== "addition" || isDeadLetter);
    return { verdict: isFirst ? "complete" : "repeated", count: replays.count, isDigestChecked: false };
  }
  if (distrusted.count > 0) {
    const both = new Counted();
    both.add(announced.count, announced.sum);
    both.add(distrusted.count, distrusted.sum);
    if (base.equals(both) && areReplaysRight) return { verdict: "unproven", count: distrusted.count };
  }
  const kept = look();
  if (kept !== undefined && replays.count > 0 && isMended(kept, announced) && (areReplaysRight || context.isAdding))
    return { verdict: "mended", count: announced.count - base.count };
  return inContext(fault(sums, kept, context), sums, context);
}

function sumsOf(parts: readonly BucketEvidence[], all: readonly Announcement[], { streams }: BucketContext): Sums {
  const sums = {
    announced: new Counted(),
    distrusted: new Counted(),
    additions: new Counted(),
    base: new Counted(),
    replays: new Counted(),
  };
  for (const { manifest, kind, entry } of all) {
    const isTrusted = manifest.standing === "trusted";
    // What another node says of this one's records is nothing; what was forged is a finding itself.
    if (manifest.standing === "superseded" || (isTrusted && !streams.has(manifest.stream))) continue;
    const into = isTrusted ? (kind === "addition" ? sums.additions : sums.announced) : sums.distrusted;
    into.add(entry.count, new DigestSum(entry.sum));
  }
  for (const { base, replays } of parts) {
    sums.base.add(base.count, base.sum);
    sums.replays.add(replays.count, replays.sum);
  }
  return sums;
}

/** What the node has sent, and sent again, without repetitions, is what it announced. */
function isMended(kept: readonly KeptDigest[], announced: Counted): boolean {
  const found = new Counted();
  const seen = new Set<string>();
  for (const isReplay of [false, true])
    for (const one of kept) {
      const digest = one.digest.toString("latin1");
      if (one.isReplay !== isReplay || (isReplay && seen.has(digest))) continue;
      seen.add(digest);
      found.count += 1;
      found.sum.addBytes(one.digest, 0);
    }
  return found.equals(announced);
}

function fault(
  { announced, additions, base, replays }: Sums,
  kept: readonly KeptDigest[] | undefined,
  context: BucketContext,
): BucketVerdict {
  const own = kept?.filter(({ isReplay }) => !isReplay).map(({ digest }) => digest);
  const again = kept?.filter(({ isReplay }) => isReplay).map(({ digest }) => digest);
  const isBaseRight = base.equals(announced);
  if (!isBaseRight && (replays.equals(additions) || context.isAdding))
    return verdictOf(surplusOf(own, base, announced));
  if (isBaseRight) {
    const known = new Set(own?.map((digest) => digest.toString("latin1")));
    return verdictOf(surplusOf(again, replays, additions, known));
  }
  return {
    verdict: "differs",
    count: Math.max(1, Math.abs(base.count - announced.count)),
    why: `${announced.count} were announced, and ${base.count} are there; ${additions.count} were announced to be sent again, and ${replays.count} are there`,
  };
}

function verdictOf({ kind, count, why }: Surplus): BucketVerdict {
  return { verdict: kind, count, why };
}

/** A verdict that what is not known may explain is none. */
function inContext(verdict: BucketVerdict, sums: Sums, { cut, hole }: BucketContext): BucketVerdict {
  const { announced, base, replays, additions } = sums;
  const surplus = base.count + replays.count - announced.count - additions.count;
  const isSurplus = verdict.verdict === "doubled" || verdict.verdict === "invented" || surplus > 0;
  if (isSurplus && hole === "before") return { verdict: "before", count: surplus };
  if (isSurplus && hole !== undefined) return { verdict: "unknown", count: surplus, why: hole };
  if (!isSurplus && cut !== undefined) return { verdict: "unknown", count: verdict.count, why: cut };
  if (surplus === 0 && hole !== undefined && hole !== "before") return { verdict: "unknown", count: 1, why: hole };
  return verdict;
}

/**
 * Compares `digest` of the manifests with the records: where they fall into the manifests in the order of their alerts, or
 * there is one manifest alone. A sum that fits while the digest of its only manifest does not was made to fit.
 */
function digestsCompared(
  kept: readonly KeptDigest[] | undefined,
  all: readonly Announcement[],
  { streams }: BucketContext,
): Pick<BucketVerdict, "isDigestChecked"> & Partial<BucketVerdict> {
  const entries = all
    .filter(({ manifest: { standing, stream }, kind }) => {
      return standing === "trusted" && streams.has(stream) && kind !== "addition";
    })
    .toSorted((a, b) => a.manifest.place - b.manifest.place);
  if (kept === undefined) return { isDigestChecked: false };
  const ordered = kept.toSorted((a, b) => a.place - b.place).map(({ digest }) => digest);
  let at = 0;
  const isEqual = entries.every(({ entry }) => {
    const piece = ordered.slice(at, at + entry.count);
    at += entry.count;
    return digestOfAll(Buffer.concat(piece)) === entry.digest;
  });
  if (isEqual) return { isDigestChecked: true };
  if (entries.length > 1) return { isDigestChecked: false };
  return { verdict: "altered", count: 1, why: "the sum of the digests fits, and the digest of them all does not" };
}
