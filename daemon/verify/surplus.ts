/** Finds out how records differ from what was announced, from numbers, sums and the digests of those that are there. */
import { DigestSum } from "../manifest/record-digest.ts";
import type { Counted } from "./evidence.ts";

/** How they differ. */
export interface Surplus {
  readonly kind: "missing" | "doubled" | "altered" | "invented" | "differs";
  /** Records, at least. */
  readonly count: number;
  readonly why: string;
}

/**
 * Digests are as good as random, so a set of records whose removal makes the sum fit is the one that is too much: those of
 * which there is another copy, a pair of any, or a run of neighbours in the order of reading.
 * @param digests in the order in which they were read; undefined: they were not kept
 * @param known   digests elsewhere that make a record a repetition
 */
export function surplusOf(
  digests: readonly Buffer[] | undefined,
  there: Counted,
  announced: Counted,
  known: ReadonlySet<string> = new Set(),
): Surplus {
  const more = there.count - announced.count;
  const numbers = `${announced.count} were announced, and ${there.count} are there`;
  if (digests === undefined) {
    const why = `${numbers}; there are too many to look at each`;
    return { kind: "differs", count: Math.max(1, Math.abs(more)), why };
  }
  const copies = copiesIn(digests, known);
  if (more < 0) {
    if (copies.length === 0 || known.size > 0) return { kind: "missing", count: -more, why: numbers };
    const why = `${numbers}, ${copies.length} of them more than once`;
    return { kind: "differs", count: -more, why };
  }
  if (more === 0) {
    if (copies.length === 0 || known.size > 0) return { kind: "altered", count: 1, why: numbers };
    return { kind: "differs", count: 1, why: `${numbers}, ${copies.length} of them more than once` };
  }
  if (announced.count === 0) {
    if (copies.length === more) return { kind: "doubled", count: more, why: numbers };
    return { kind: copies.length === 0 || known.size === 0 ? "invented" : "differs", count: more, why: numbers };
  }
  const tooMuch = new DigestSum(there.sum.hex);
  tooMuch.subtract(announced.sum);
  if (copies.length >= more && sumOf(copies.slice(-more)).equals(tooMuch) && copies.length === more)
    return { kind: "doubled", count: more, why: numbers };
  const removed = runOf(digests, more, tooMuch) ?? runOf(copies, more, tooMuch) ?? pairOf(digests, more, tooMuch);
  if (removed === undefined) return { kind: "differs", count: more, why: numbers };
  const names = new Set(copies.map(nameOf));
  const repeated = removed.filter((digest) => names.has(nameOf(digest))).length;
  if (repeated === more) return { kind: "doubled", count: more, why: numbers };
  return { kind: repeated === 0 ? "invented" : "differs", count: more, why: numbers };
}

/** Records that are there before, or elsewhere. */
function copiesIn(digests: readonly Buffer[], known: ReadonlySet<string>): readonly Buffer[] {
  const seen = new Set(known);
  return digests.filter((digest) => {
    const name = nameOf(digest);
    if (seen.has(name)) return true;
    seen.add(name);
    return false;
  });
}

/** Neighbours, so many of them, with this sum. */
function runOf(digests: readonly Buffer[], count: number, sum: DigestSum): readonly Buffer[] | undefined {
  if (digests.length < count) return undefined;
  const window = sumOf(digests.slice(0, count));
  for (let from = 0; ; from++) {
    if (window.equals(sum)) return digests.slice(from, from + count);
    const [first, next] = [digests[from], digests[from + count]];
    if (first === undefined || next === undefined) return undefined;
    window.subtract(sumOf([first]));
    window.addBytes(next, 0);
  }
}

/** Any two with this sum. */
function pairOf(digests: readonly Buffer[], count: number, sum: DigestSum): readonly Buffer[] | undefined {
  if (count !== 2) return undefined;
  const byHex = new Map(digests.map((digest) => [digest.toString("hex"), digest]));
  for (const digest of digests) {
    const rest = new DigestSum(sum.hex);
    rest.subtract(sumOf([digest]));
    const other = byHex.get(rest.hex);
    if (other !== undefined) return [digest, other];
  }
  return undefined;
}

function sumOf(digests: readonly Buffer[]): DigestSum {
  const sum = new DigestSum();
  for (const digest of digests) sum.addBytes(digest, 0);
  return sum;
}

function nameOf(digest: Buffer): string {
  return digest.toString("latin1");
}
