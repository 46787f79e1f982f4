import { randomUUID, type KeyObject } from "node:crypto";
import type { Manifest } from "../manifest/manifest.ts";
import { manifestVersion } from "../manifest/manifest.ts";
import { manifestHash } from "../manifest/read-manifest.ts";
import { manifestValue, publicPart } from "../manifest/signature.ts";
import type { SavedChain, Succeeds } from "./saved-proof.ts";
import type { StreamPlace } from "./speaker.ts";

/** Names that one stream may use; whoever may write to the socket may invent any. */
const maxNames = 1000;
/** In characters; the form of a manifest takes no longer ones. */
const longestName = 1024;

/** Who signs. */
export interface SigningKeys {
  /** Undefined: manifests are not signed. */
  readonly current: KeyObject | undefined;
  /** The key that is to take its place. */
  readonly next: KeyObject | undefined;
}

export interface ChainSetup {
  readonly node: string;
  /** Asked when it is saved: the state directory is there then. */
  readonly place: () => StreamPlace;
  readonly keys: SigningKeys;
  readonly intervalMs: number;
  readonly software: string;
  /** The settings that decide records, and their hash. */
  readonly settings: unknown;
  readonly config: string;
}

/** What one manifest says, apart from who says it. */
export type Stretch = Pick<
  Manifest,
  "visits" | "open_from" | "lines" | "dead" | "records" | "unlined" | "additions" | "stopping"
>;

/** A manifest that was cut: its bytes never change. */
export interface Cut {
  readonly stream: string;
  readonly sequence: number;
  readonly value: Buffer;
}

/** The chain of this node's manifests. */
export class ManifestChain {
  readonly #setup: ChainSetup;
  #stream: string;
  #sequence = 0;
  #previous: string | null = null;
  #succeeds: Succeeds | undefined;
  #acknowledged = 0;
  #node: string;
  #key: string | null;
  readonly #names = new Set<string>();
  /** Whether the last manifest was signed by a key that nobody had announced. */
  #isKeyUnannounced = false;

  /** @param saved what the checkpoint has; undefined: a new stream begins */
  constructor(setup: ChainSetup, saved: SavedChain | undefined) {
    this.#setup = setup;
    this.#stream = saved?.stream ?? randomUUID();
    this.#sequence = saved?.sequence ?? 0;
    this.#previous = saved?.previous ?? null;
    this.#succeeds = saved?.succeeds;
    this.#acknowledged = saved?.acknowledged ?? 0;
    const hasSpoken = saved !== undefined && saved.sequence > 0;
    this.#node = hasSpoken ? saved.node : setup.node;
    this.#key = hasSpoken ? saved.key : this.#fingerprint(setup.keys.current);
    for (const name of saved?.names ?? []) this.#names.add(name);
  }

  get stream(): string {
    return this.#stream;
  }

  /** Of the last manifest that was cut; 0 before the first. */
  get sequence(): number {
    return this.#sequence;
  }

  get node(): string {
    return this.#node;
  }

  /** The newest key signs, though the one before did not announce it. */
  get isKeyUnannounced(): boolean {
    return this.#isKeyUnannounced;
  }

  /** The next manifest is the first of a stream that goes on from another one. */
  get isSuccessor(): boolean {
    return this.#sequence === 0 && this.#succeeds !== undefined;
  }

  /** A record has this node header. @returns false if no manifest can name it */
  use(name: string): boolean {
    if (this.#names.has(name)) return true;
    if (this.#names.size >= maxNames || name.length > longestName) return false;
    this.#names.add(name);
    return true;
  }

  /**
   * The next manifest is the first of a new stream.
   * @param former what it goes on from; undefined: this stream, as far as it was cut
   */
  startOver(reason: Succeeds["reason"], former?: Omit<Succeeds, "reason">): void {
    const own =
      this.#sequence > 0 && this.#previous !== null
        ? { stream: this.#stream, sequence: this.#sequence, hash: this.#previous }
        : undefined;
    const before = former ?? own;
    if (before !== undefined) this.#succeeds = { ...before, reason };
    this.#stream = randomUUID();
    this.#sequence = 0;
    this.#previous = null;
    this.#acknowledged = 0;
    this.#node = this.#setup.node;
    this.#key = this.#fingerprint(this.#setup.keys.current);
  }

  /** Makes the next manifest. */
  cut(stretch: Stretch, nowMs: number): Cut {
    const { intervalMs, software, config, node, keys } = this.#setup;
    const { stopping, ...content } = stretch;
    const signer = this.#signer();
    const nextKey = this.#nextAfter(signer);
    const isFirst = this.#sequence === 0;
    const nextNode = !isFirst && this.#node !== node ? node : undefined;
    this.use(this.#node);
    const manifest: Omit<Manifest, "key" | "signature"> = {
      version: manifestVersion,
      stream: this.#stream,
      sequence: this.#sequence + 1,
      node: this.#node,
      names: [...this.#names],
      time: new Date(nowMs).toISOString(),
      interval: intervalMs,
      software,
      previous: this.#previous,
      ...(isFirst && this.#succeeds !== undefined && { succeeds: this.#succeeds }),
      ...(nextKey !== undefined && { next_key: publicPart(nextKey).text }),
      ...(nextNode !== undefined && { next_node: nextNode }),
      ...(stopping === true && { stopping }),
      ...content,
      config,
    };
    const value = manifestValue(manifest, signer);
    this.#isKeyUnannounced = signer !== undefined && signer === keys.current && this.#key !== this.#fingerprint(signer);
    this.#sequence += 1;
    this.#previous = manifestHash(value);
    this.#succeeds = undefined;
    this.#node = nextNode ?? this.#node;
    this.#key = this.#fingerprint(nextKey ?? signer);
    return { stream: this.#stream, sequence: this.#sequence, value };
  }

  /** A manifest is in the topic. */
  acknowledged({ stream, sequence }: Pick<Cut, "stream" | "sequence">): void {
    if (stream === this.#stream) this.#acknowledged = Math.max(this.#acknowledged, sequence);
  }

  /** @param cuts those that are not acknowledged and in no file */
  save(cuts: readonly Cut[], openFrom: string): SavedChain {
    return {
      stream: this.#stream,
      sequence: this.#sequence,
      previous: this.#previous,
      ...(this.#succeeds !== undefined && { succeeds: this.#succeeds }),
      acknowledged: this.#acknowledged,
      cuts: cuts.map(({ stream, sequence, value }) => ({ stream, sequence, value: value.toString("utf8") })),
      node: this.#node,
      key: this.#key,
      names: [...this.#names],
      openFrom,
      place: this.#setup.place(),
    };
  }

  #signer(): KeyObject | undefined {
    const { current, next } = this.#setup.keys;
    return next !== undefined && this.#key === this.#fingerprint(next) ? next : current;
  }

  /** The key to announce. */
  #nextAfter(signer: KeyObject | undefined): KeyObject | undefined {
    const { next } = this.#setup.keys;
    return signer === undefined || next === undefined || next === signer ? undefined : next;
  }

  #fingerprint(key: KeyObject | undefined): string | null {
    return key === undefined ? null : publicPart(key).fingerprint;
  }
}
