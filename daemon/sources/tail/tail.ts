import { isBelievable } from "../../alert/believable.ts";
import type { OffsetsByPartition } from "../../contract.ts";
import { JoinedSignal } from "../../joined-signal.ts";
import { fileBehind } from "./log/archives.ts";
import { CheckpointStore, type Loaded, type CheckpointStatus } from "./position/checkpoint-store.ts";
import { Follower } from "./follower.ts";
import { ReadProgress } from "./position/read-progress.ts";
import type { ReadAgain } from "./position/ledger.ts";
import type { LoadedProof } from "../../proof/proof.ts";
import type { TailOptions } from "./options.ts";
import { CheckpointWriter } from "./position/checkpoint-writer.ts";
import type { TailStatus } from "./status.ts";
import { every, watching, type Waker } from "./waker.ts";

const saveEveryMs = 1000;
/** A watched log is checked once a second. */
const watchedMs = 1000;
/** If its changes are not reported, it is watched again after this many checks without one, usually two seconds. */
const afterLooks = 20;
/** Changes that follow each other within this part of the time between checks make a busy log, which is not watched. */
const closeShare = 0.5;

/** What an earlier process left in the checkpoint for others. */
export interface Resumed {
  readonly sink: OffsetsByPartition;
  /** Undefined if they are not known. */
  readonly nodes: readonly string[] | undefined;
  /** Second since 1970 of the newest line that was read; -1 if none is known. */
  readonly lastSecond: number;
  /** For `Proof.resume`. */
  readonly proof: LoadedProof;
}

/**
 * The tail source: follows alerts.json over its rotations and hands each relevant line to the intake, in order, none
 * left out. A line counts as done when the intake settles it; a restart continues at the oldest line that is not.
 *
 * Use: `load`, then `run` until its signal is aborted, then (when what is in flight got its outcome) `save`, then
 * dispose. Disposing without `save` is what a crash does: lines done since the last checkpoint are handed on again.
 */
export class Tail implements AsyncDisposable {
  /**
   * Resolves when the place to continue is fixed, so that every line written from then on is read, or is known from the
   * checkpoint, or when it is clear that it cannot be yet.
   */
  readonly placed: Promise<void>;
  #resolvePlaced: () => void = () => undefined;
  readonly #options: TailOptions;
  readonly #now: () => number;
  readonly #store: CheckpointStore;
  readonly #progress: ReadProgress;
  readonly #checkpointWriter: CheckpointWriter;
  readonly #disposed = new AbortController();
  #loaded: Promise<Loaded> | undefined;
  #follower: Follower | undefined;
  #running: Promise<void> | undefined;
  #steps = 0;

  constructor(options: TailOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#progress = new ReadProgress(options.proof);
    this.#store = new CheckpointStore(options.stateDir, options.log, this.#now);
    this.#checkpointWriter = new CheckpointWriter(this.#progress, this.#store, () => ({
      sink: options.sinkOffsets(this.#progress.ledger.front),
      ...(options.nodes !== undefined && { nodes: options.nodes() }),
    }));
    this.placed = new Promise((resolve) => (this.#resolvePlaced = resolve));
  }

  /** Reads the checkpoint. Never rejects: with a damaged one the log says so, and `run` finds a place to continue. */
  async load(): Promise<Resumed> {
    const loaded = await this.#load();
    // Of a checkpoint whose checksum is wrong only the place can be proved.
    const body = loaded.kind === "ok" || loaded.kind === "previous" ? loaded.body : undefined;
    return {
      sink: body?.sink ?? {},
      nodes: body?.nodes,
      lastSecond: believable(body?.newestSecond ?? -1),
      proof: {
        kind: loaded.kind === "ok" ? "newest" : "fallback",
        saved: body?.proof,
        parts: body?.doneBeyond.flatMap(({ parts = [] }) => parts) ?? [],
      },
    };
  }

  /**
   * Reads until the signal is aborted or the tail is disposed; then no further line is delivered.
   * Rejects only with what the intake threw, or with a bug.
   */
  run(drain: AbortSignal): Promise<void> {
    this.#running ??= this.#run(drain);
    return this.#running;
  }

  /** Writes the checkpoint with every line that is done, behind the position and beyond it. */
  async save(): Promise<void> {
    if (this.#follower?.isPlaced === true) await this.#checkpointWriter.save(true);
  }

  /** Undefined before `run`. */
  status(): TailStatus | undefined {
    return this.#follower?.status();
  }

  /**
   * Looks at the log and pieces of files read so far: as long as it does not wait for room it makes one in 10 seconds, or
   * more, also while it looks for its place in a large archive.
   */
  get steps(): number {
    return this.#steps + (this.#follower?.beats ?? 0);
  }

  checkpoint(): CheckpointStatus {
    return this.#store.status();
  }

  /** What was handed on beyond the position, is done, and is handed on again when a checkpoint of now is resumed. */
  get readAgain(): ReadAgain {
    return this.#progress.ledger.readAgain;
  }

  /** Safe in every state: before `load`, while it runs, twice. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed.abort();
    this.#resolvePlaced();
    // How it ended is for the caller of run.
    await this.#running?.catch(() => undefined);
    await this.#follower?.close();
  }

  #load(): Promise<Loaded> {
    this.#loaded ??= this.#store.load();
    return this.#loaded;
  }

  async #run(drain: AbortSignal): Promise<void> {
    using either = new JoinedSignal([drain, this.#disposed.signal]);
    const { signal } = either;
    const loaded = await this.#load();
    if (loaded.kind !== "none") this.#resolvePlaced();
    const follower = new Follower(this.#progress, this.#options, loaded, this.#now);
    this.#follower = follower;
    const ended = new AbortController();
    using savingEnd = new JoinedSignal([signal, ended.signal]);
    const saving = this.#keepSaving(follower, savingEnd.signal);
    try {
      await this.#read(follower, signal);
    } finally {
      ended.abort();
      await saving;
    }
  }

  async #read(follower: Follower, signal: AbortSignal): Promise<void> {
    const waker = await this.#waker();
    let isSaved = false;
    const isStill = (): boolean => {
      this.#steps += 1;
      if (!follower.isStill()) return false;
      // Nothing new is at the end of the log, too: what waits for its line there must not wait for other lines.
      this.#options.onEnd?.(this.#progress.damaged.all.length === 0);
      return true;
    };
    let chunks = 0;
    while (!signal.aborted) {
      const goesOn = await follower.step(signal);
      this.#steps += 1;
      if (!isSaved && follower.isPlaced) {
        // From the first placing on there is a checkpoint.
        await this.#checkpointWriter.save(false);
        isSaved = true;
      }
      this.#resolvePlaced();
      if (goesOn) continue;
      const hasGrown = follower.chunks > chunks;
      chunks = follower.chunks;
      await waker.wait(signal, isStill, hasGrown);
    }
  }

  async #waker(): Promise<Waker> {
    const { waker, path, pollMs } = this.#options;
    if (waker !== undefined) return waker;
    return watching(pollMs, { path: await fileBehind(path), closeMs: pollMs * closeShare, watchedMs, afterLooks });
  }

  async #keepSaving(follower: Follower, signal: AbortSignal): Promise<void> {
    const waker = this.#options.saveWaker ?? every(saveEveryMs);
    for (await waker.wait(signal); !signal.aborted; await waker.wait(signal)) {
      await follower.measure();
      if (follower.isPlaced) await this.#checkpointWriter.save(false);
    }
  }
}

/** An earlier version took over what a single alert from the future said; then the second is not known. */
function believable(second: number): number {
  return isBelievable(second, Date.now()) ? second : -1;
}
