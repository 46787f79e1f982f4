import { bucketEndMs, bucketStartMs } from "../manifest/bucket.ts";
import type { Manifest, ManifestEntry } from "../manifest/manifest.ts";
import { readManifest } from "../manifest/read-manifest.ts";
import { isSignedBy, type ManifestKey, readPublicKey } from "../manifest/signature.ts";
import { type Evidence, tooMuch } from "./evidence.ts";
import type { NotedManifest, SignatureState } from "./noted-manifest.ts";

/** Half a kilobyte each, without their entries. */
const maxManifests = 1_000_000;
/** Manifests that wait for their key to be announced by one that is read later; they are kept whole. */
const maxUnchecked = 2000;
const maxNameCharacters = 32 * 1024 * 1024;
/** A name has up to a kilobyte. */
const maxNodes = 100_000;
/** More than anybody reads. */
const maxForeign = 100;

/** Manifests of one stream by their numbers; several of one number have different bytes. */
export type StreamNotes = Map<number, NotedManifest[]>;

/** Where a record of the topic of manifests is, and when it came. */
export interface ManifestPlace {
  readonly partition: number;
  readonly offset: number;
  /** The broker's time in milliseconds since 1970; undefined if the topic has the time of the nodes. */
  readonly brokerMs: number | undefined;
}

/** All manifests that were read. */
export class ManifestBook {
  readonly streams = new Map<string, StreamNotes>();
  /** Records that are not manifests. */
  readonly foreign: { readonly place: string; readonly why: string; readonly node: string; readonly cameMs: number }[] =
    [];
  foreignCount = 0;
  /** Every name that a manifest gives itself. */
  readonly nodes = new Set<string>();
  /** Manifests of other versions, by version. */
  readonly otherVersions = new Map<string, number>();
  count = 0;
  readonly #evidence: Evidence;
  readonly #node: string | undefined;
  readonly #readFromMs: number;
  readonly #keys = new Map<string, ManifestKey>();
  /** The newest names of each stream. */
  readonly #names = new Map<string, readonly string[]>();
  #nameCharacters = 0;
  #unchecked: { readonly manifest: Manifest; readonly noted: NotedManifest }[] = [];

  /**
   * @param keys       that were given
   * @param node       manifests that do not name this node are left out
   * @param readFromMs records that came before this are not read, so what was sent again then cannot be added up
   */
  constructor(evidence: Evidence, keys: readonly ManifestKey[], node: string | undefined, readFromMs: number) {
    this.#evidence = evidence;
    this.#node = node;
    this.#readFromMs = readFromMs;
    for (const key of keys) this.#keys.set(key.fingerprint, key);
  }

  /**
   * @param key of the record, which is the node
   * @throws DfnError UNAVAILABLE when there are too many
   */
  take(value: Buffer | null, key: string, place: ManifestPlace): void {
    const reading = readManifest(value);
    if (reading.kind === "manifest") this.#note(reading.manifest, reading.hash, place);
    else if (this.#node !== undefined && key !== this.#node) return;
    else if (reading.kind === "version") {
      if (this.otherVersions.size < maxForeign || this.otherVersions.has(reading.version))
        this.otherVersions.set(reading.version, (this.otherVersions.get(reading.version) ?? 0) + 1);
    } else {
      this.foreignCount += 1;
      const where = `partition ${place.partition}, offset ${place.offset}`;
      const cameMs = place.brokerMs ?? Number.NaN;
      if (this.foreign.length < maxForeign) this.foreign.push({ place: where, why: reading.why, node: key, cameMs });
    }
  }

  #note(manifest: Manifest, hash: string, { brokerMs }: ManifestPlace): void {
    const { stream, sequence, node, names, next_node: nextNode } = manifest;
    if (this.#node !== undefined && ![node, nextNode, ...names].includes(this.#node)) return;
    let notes = this.streams.get(stream);
    if (notes === undefined) this.streams.set(stream, (notes = new Map()));
    const same = notes.get(sequence) ?? [];
    // Sent again, because the first acknowledgement was lost.
    if (same.some((other) => other.hash === hash)) return;
    this.count += 1;
    if (this.count > maxManifests) throw tooMuch(`${maxManifests} manifests`);
    const noted = {
      ...notedManifest(manifest, hash, this.#stateOf(manifest), brokerMs, this.count, this.#readFromMs),
      names: this.#namesOf(manifest),
    };
    notes.set(sequence, [...same, noted]);
    for (const name of noted.names) if (this.nodes.size < maxNodes) this.nodes.add(name);
    if (noted.signature === "unknown-key" && this.#unchecked.length < maxUnchecked)
      this.#unchecked.push({ manifest, noted });
    this.#learnKey(manifest);
    for (const entry of manifest.records) this.#announce(entry, noted, "records");
    for (const entry of manifest.unlined) this.#announce(entry, noted, "unlined");
    for (const { reason, records } of manifest.additions)
      for (const entry of records ?? []) this.#announce(entry, noted, "addition", reason === "dead-letter");
  }

  /** The names of a manifest; those of one stream are nearly always the same, and kept once. */
  #namesOf({ stream, node, names }: Manifest): readonly string[] {
    const all = [...new Set([node, ...names])];
    const last = this.#names.get(stream);
    if (last?.length === all.length && last.every((name, at) => name === all[at])) return last;
    this.#names.set(stream, all);
    this.#nameCharacters += all.reduce((sum, name) => sum + name.length, 0);
    if (this.#nameCharacters > maxNameCharacters) throw tooMuch(`${maxNameCharacters} characters of node names`);
    return all;
  }

  #announce(
    entry: ManifestEntry,
    manifest: NotedManifest,
    kind: "records" | "unlined" | "addition",
    isDeadLetter = false,
  ): void {
    this.#evidence.announce(entry, { manifest, kind, isDeadLetter });
  }

  #stateOf(manifest: Manifest): SignatureState {
    if (manifest.key === undefined) return "unsigned";
    const key = this.#keys.get(manifest.key);
    if (key === undefined) return "unknown-key";
    return isSignedBy(manifest, key) ? "valid" : "wrong";
  }

  /** A key that is announced is one that signatures can be checked with; who may sign with it is judged later. */
  #learnKey({ next_key: text }: Manifest): void {
    if (text === undefined || this.#keys.size >= maxUnchecked) return;
    const key = readPublicKey(text);
    if (this.#keys.has(key.fingerprint)) return;
    this.#keys.set(key.fingerprint, key);
    for (const { manifest, noted } of this.#unchecked) noted.signature = this.#stateOf(manifest);
    this.#unchecked = this.#unchecked.filter(({ noted }) => noted.signature === "unknown-key");
  }
}

function notedManifest(
  manifest: Manifest,
  hash: string,
  signature: SignatureState,
  brokerMs: number | undefined,
  place: number,
  readFromMs: number,
): Omit<NotedManifest, "names"> {
  const { visits, lines, additions, succeeds, records, unlined } = manifest;
  const [first] = visits;
  const last = visits.at(-1);
  const timeMs = Date.parse(manifest.time);
  const buckets = [...records, ...unlined].map(({ bucket }) => bucket).filter((bucket) => bucket !== "none");
  const sumOfLines = lines.ignored + lines.too_old + lines.relevant + lines.broken;
  return {
    stream: manifest.stream,
    sequence: manifest.sequence,
    hash,
    previous: manifest.previous,
    node: manifest.node,
    timeMs,
    intervalMs: manifest.interval,
    cameMs: brokerMs ?? timeMs,
    key: manifest.key,
    signature,
    succeeds,
    nextKey: manifest.next_key === undefined ? undefined : fingerprintOf(manifest.next_key),
    nextNode: manifest.next_node,
    isStopping: manifest.stopping === true,
    openFromMs: bucketStartMs(manifest.open_from),
    lowestMs: buckets.length === 0 ? undefined : Math.min(...buckets.map(bucketStartMs)),
    highestMs: buckets.length === 0 ? undefined : Math.max(...buckets.map(bucketEndMs)),
    wholeFromMs: wholeFromMs(manifest, buckets),
    firstVisit: first === undefined ? undefined : { visit: first.visit, from: first.from },
    lastVisit: last === undefined ? undefined : { visit: last.visit, to: last.to },
    opened: additions.filter((one) => one.records === null || Date.parse(one.begun) < readFromMs).map(({ id }) => id),
    closed: additions.filter((one) => one.records !== null && Date.parse(one.begun) >= readFromMs).map(({ id }) => id),
    contradiction:
      lines.total === sumOfLines
        ? undefined
        : `it counts ${lines.total} lines, and ${sumOfLines} by what became of them`,
    place,
    standing: "trusted",
  };
}

/** @param buckets of its records, without those that have no time */
function wholeFromMs({ sequence, visits, succeeds, open_from }: Manifest, buckets: readonly string[]): number {
  const [lowest = open_from] = buckets.toSorted((a, b) => bucketStartMs(a) - bucketStartMs(b));
  // An hour may hold alerts of two files, where the zone's day begins within it.
  const isFirst = sequence === 1 && succeeds === undefined && visits[0]?.from === 0 && lowest.length === 17;
  return isFirst ? bucketStartMs(lowest) : bucketEndMs(lowest);
}

function fingerprintOf(text: string): string {
  return readPublicKey(text).fingerprint;
}
