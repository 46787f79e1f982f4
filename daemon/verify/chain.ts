/** The manifests of one stream, put in the order of their numbers: which of them count, and what is wrong with the chain. */
import { hourBucket } from "../manifest/bucket.ts";
import type { Findings } from "./finding.ts";
import type { StreamNotes } from "./manifest-book.ts";
import type { NotedManifest } from "./noted-manifest.ts";

/** Where records of a stream may be that no manifest in the topic announces. */
export interface ChainGap {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A stream as it counts. */
export interface ResolvedStream {
  readonly stream: string;
  /** In the order of their numbers, one for each. Not empty. */
  readonly chain: readonly NotedManifest[];
  readonly gaps: readonly ChainGap[];
  /** Its signatures were checked with a key that was given, or that such a key announced. */
  readonly isProven: boolean;
  /** Every node header that it used. */
  readonly names: readonly string[];
  /** When the last manifest in its name came, whether it counts or not; milliseconds since 1970. */
  readonly lastCameMs: number;
}

/** What is known of streams from elsewhere than the topic. */
export interface ChainContext {
  /** Fingerprints of the keys that were given for a node; undefined: none. */
  keysOf(node: string): ReadonlySet<string> | undefined;
  /** The last manifest of a stream that an earlier run has seen. */
  lastSeen(stream: string): { readonly sequence: number; readonly hash: string } | undefined;
  /** Why the first manifests of a stream may not be there: they are older than what was read. Undefined: they must be. */
  readonly cut: string | undefined;
  readonly findings: Findings;
}

const askAdministrator = "ask the node's administrator for wazuh-dfn audit of that time";

/**
 * Puts a stream in order. Sets the standing of each of its manifests.
 * @returns undefined if none of them counts
 */
export function resolveStream(stream: string, notes: StreamNotes, context: ChainContext): ResolvedStream | undefined {
  return new Chain(stream, notes, context).resolve();
}

class Chain {
  readonly #stream: string;
  readonly #notes: StreamNotes;
  readonly #context: ChainContext;
  readonly #chain: NotedManifest[] = [];
  readonly #gaps: ChainGap[] = [];
  readonly #names = new Set<string>();
  /** Who may sign the next one; undefined while no key is known of this stream. */
  #signers: ReadonlySet<string> | undefined;

  constructor(stream: string, notes: StreamNotes, context: ChainContext) {
    this.#stream = stream;
    this.#notes = notes;
    this.#context = context;
  }

  resolve(): ResolvedStream | undefined {
    const sequences = [...this.#notes.keys()].toSorted((a, b) => a - b);
    for (const [at, sequence] of sequences.entries()) {
      const candidates = this.#accepted(this.#notes.get(sequence) ?? []);
      const picked = this.#pick(candidates, this.#notes.get(sequences[at + 1] ?? -1) ?? []);
      if (picked === undefined) continue;
      const before = this.#chain.at(-1);
      if (before === undefined) this.#begin(picked);
      else this.#follow(before, picked);
      this.#chain.push(picked);
      for (const name of picked.names) this.#names.add(name);
      if (picked.contradiction !== undefined) this.#find("inconsistent", picked, picked.contradiction);
      if (picked.nextKey !== undefined && this.#signers !== undefined) this.#signers = new Set([picked.nextKey]);
    }
    const last = this.#chain.at(-1);
    if (last === undefined) return undefined;
    this.#compareWithLastSeen(last);
    const isProven = this.#chain.every(({ signature, key }) => signature === "valid" && key !== undefined);
    const came = [...this.#notes.values()].flat().map(({ cameMs }) => cameMs);
    return {
      stream: this.#stream,
      chain: this.#chain,
      gaps: this.#gaps,
      isProven: isProven && this.#signers !== undefined,
      names: [...this.#names],
      lastCameMs: came.reduce((a, b) => Math.max(a, b)),
    };
  }

  /** Those that count as said by the node; the others are findings. */
  #accepted(candidates: readonly NotedManifest[]): readonly NotedManifest[] {
    const signers = this.#signers ?? this.#givenFor(candidates);
    if (signers === undefined) {
      for (const one of candidates) one.standing = "trusted";
      return candidates;
    }
    const isSigned = (one: NotedManifest): boolean => one.signature === "valid" && signers.has(one.key ?? "");
    const isAnySigned = candidates.some(isSigned);
    return candidates.filter((one) => {
      const isUnsigned = one.signature === "unsigned";
      const counts = isSigned(one) || (isUnsigned && !isAnySigned);
      one.standing = counts ? "trusted" : "distrusted";
      if (isUnsigned)
        this.#find(
          "manifest-unsigned",
          one,
          "it bears no signature, and a key was given",
          "ask whether signing was switched off",
        );
      else if (!counts) this.#find("manifest-forged", one, forgery(one), "ask who may write to the topic of manifests");
      return counts;
    });
  }

  /** Those whose keys were given for the nodes that are named; once one is signed, for that node. */
  #givenFor(candidates: readonly NotedManifest[]): ReadonlySet<string> | undefined {
    const given = candidates.map((one) => ({ one, keys: this.#context.keysOf(one.node) }));
    const signed = given.find(({ one, keys }) => one.signature === "valid" && keys?.has(one.key ?? "") === true);
    this.#signers = signed?.keys;
    if (signed !== undefined) return signed.keys;
    const all = given.flatMap(({ keys }) => [...(keys ?? [])]);
    return all.length === 0 ? undefined : new Set(all);
  }

  /** One content of a number. Of several, that which the next manifest follows. */
  #pick(candidates: readonly NotedManifest[], next: readonly NotedManifest[]): NotedManifest | undefined {
    const [first, ...others] = candidates;
    if (first === undefined || others.length === 0) return first;
    const before = this.#chain.at(-1);
    const follows = candidates.filter(({ previous }) => before === undefined || previous === before.hash);
    const followed = (follows.length === 0 ? candidates : follows).find(({ hash }) =>
      next.some(({ previous }) => previous === hash),
    );
    const picked = followed ?? follows[0] ?? first;
    for (const one of candidates) if (one !== picked) one.standing = "distrusted";
    const text = `sequence ${first.sequence} has ${candidates.length} contents`;
    this.#find("fork", picked, text, "ask whether two forwarders run with copies of one state directory");
    return picked;
  }

  #begin(first: NotedManifest): void {
    const seen = this.#context.lastSeen(this.#stream);
    if (first.sequence === 1) return;
    const isKnown = seen !== undefined && seen.sequence + 1 >= first.sequence;
    if (isKnown || this.#context.cut !== undefined) return;
    const from = (seen?.sequence ?? 0) + 1;
    this.#missing(from, first.sequence - 1, first, first.timeMs - first.intervalMs);
  }

  #follow(before: NotedManifest, picked: NotedManifest): void {
    if (before.sequence + 1 < picked.sequence) {
      this.#missing(before.sequence + 1, picked.sequence - 1, before, before.timeMs + before.intervalMs);
      const toMs = Math.max(picked.openFromMs + 1, picked.highestMs ?? 0);
      this.#gaps.push({ fromMs: Math.min(before.openFromMs, picked.lowestMs ?? before.openFromMs), toMs });
      return;
    }
    if (picked.previous !== before.hash) {
      const text = `sequence ${picked.sequence} follows another content of sequence ${before.sequence} than the one in the topic`;
      this.#find("chain-broken", picked, text, askAdministrator);
    }
    if (picked.node !== before.node && before.nextNode !== picked.node) {
      this.#find("node-renamed", picked, "the node has another name, which was not announced", askAdministrator);
    }
    const isRotated = before.nextKey !== undefined && before.nextKey === picked.key;
    if (this.#signers === undefined && picked.key !== before.key && !isRotated) {
      this.#find("key-changed", picked, "it names another key, which was not announced", askAdministrator);
    }
    const { lastVisit } = before;
    const { firstVisit } = picked;
    if (lastVisit !== undefined && firstVisit?.visit === lastVisit.visit && firstVisit.from !== lastVisit.to) {
      const text = `its stretch begins at byte ${firstVisit.from}, and the one before ended at ${lastVisit.to}`;
      this.#find("inconsistent", picked, text, askAdministrator);
    }
  }

  #compareWithLastSeen(last: NotedManifest): void {
    const seen = this.#context.lastSeen(this.#stream);
    if (seen === undefined) return;
    if (last.sequence < seen.sequence) {
      this.#missing(last.sequence + 1, seen.sequence, last, last.timeMs + last.intervalMs);
      return;
    }
    const same = this.#chain.find(({ sequence }) => sequence === seen.sequence);
    if (same === undefined || same.hash === seen.hash) return;
    const text = `sequence ${seen.sequence} has another content than an earlier run has seen`;
    this.#find("fork", same, text, "ask who may write to the topic of manifests, or has made it again");
  }

  #missing(from: number, to: number, { node }: NotedManifest, timeMs: number): void {
    this.#context.findings.add({
      kind: "manifest-missing",
      node,
      hour: hourOf(timeMs),
      stream: this.#stream,
      sequences: [from, to],
      count: to - from + 1,
      text: "manifests that the node has numbered are not in the topic",
      ask: askAdministrator,
    });
  }

  #find(
    kind:
      | "manifest-forged"
      | "manifest-unsigned"
      | "fork"
      | "chain-broken"
      | "key-changed"
      | "node-renamed"
      | "inconsistent",
    { node, timeMs, sequence }: NotedManifest,
    text: string,
    ask = askAdministrator,
  ): void {
    const [hour, stream] = [hourOf(timeMs), this.#stream];
    this.#context.findings.add({ kind, node, hour, stream, sequences: [sequence, sequence], count: 1, text, ask });
  }
}

function forgery({ signature }: NotedManifest): string {
  if (signature === "wrong") return "its signature is not that of the key that it names";
  if (signature === "unknown-key") return "it names a key that was neither given nor announced";
  return "it is signed by a key that may not sign it: of another node, or replaced by a later one";
}

/** The hour of a time in a manifest, whatever that is. */
function hourOf(timeMs: number): string {
  return hourBucket(Math.max(0, timeMs));
}
