import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import type { Sent } from "./checkpoint.ts";
import type { CheckpointStore } from "./checkpoint-store.ts";
import { beforeBytes, contentHash, type ContentHash } from "../log/content-hash.ts";
import type { FileOrigin } from "../log/log-file.ts";
import type { ReadProgress, LogPosition, Reading } from "./read-progress.ts";
import { TrailKeeper, type Anchor, type Trail } from "./trail.ts";
import { fileStatOf } from "../../../disk/file-stat.ts";

/** How many lines done beyond the position are noted while the forwarder runs; a proper stop notes all. */
const maxDone = 10_000;

/** What proves a place. */
interface Proof {
  readonly before: ContentHash;
  readonly trail: Trail | undefined;
}

const nothingProved: Proof = { before: contentHash(Buffer.alloc(0)), trail: undefined };

/** Writes what the progress says into the checkpoint, one writing after the other. */
export class CheckpointWriter {
  readonly #progress: ReadProgress;
  readonly #store: CheckpointStore;
  readonly #sent: () => Sent;
  #saving: Promise<void> = Promise.resolve();
  /** What was read from disk last: on a quiet manager the place stays for hours. */
  #last: { readonly origin: FileOrigin; readonly offset: number; readonly proof: Proof } | undefined;
  readonly #trail = new TrailKeeper();
  readonly #ends = new WeakMap<Reading, Anchor>();

  constructor(progress: ReadProgress, store: CheckpointStore, sent: () => Sent) {
    this.#progress = progress;
    this.#store = store;
    this.#sent = sent;
  }

  /**
   * Writes a checkpoint, unless nothing changed. Never rejects because of the disk: the store reports that.
   * @param notesAll whether every line that is done beyond the position is noted
   */
  save(notesAll: boolean): Promise<void> {
    this.#saving = this.#saving.then(() => this.#save(notesAll ? Number.POSITIVE_INFINITY : maxDone));
    return this.#saving;
  }

  async #save(max: number): Promise<void> {
    // Position and sink offsets belong together, so both are taken before anything is waited for.
    const snapshot = this.#progress.snapshot(max, this.#sent());
    const { before, trail } = snapshot.position ? await this.#proofOf(snapshot.position) : nothingProved;
    const proofs = [];
    for (const end of snapshot.ends) proofs.push(await this.#endProof(end));
    if (await this.#store.save(snapshot.complete({ before, trail, proofs }))) snapshot.stored();
  }

  async #proofOf(position: LogPosition): Promise<Proof> {
    const { origin } = position.reading;
    const { offset } = position;
    if (this.#last?.origin !== origin || this.#last.offset !== offset) {
      const proof = (await withFile(position, (file) => this.#read(file, position))) ?? nothingProved;
      this.#last = proof === nothingProved ? undefined : { origin, offset, proof };
      return proof;
    }
    return this.#last.proof;
  }

  async #read(file: FileHandle, { reading: { origin }, offset }: LogPosition): Promise<Proof | undefined> {
    const before = await bytesBefore(file, offset);
    return before && { before, trail: await this.#trail.upTo(file, origin.id, offset, before) };
  }

  async #endProof(end: LogPosition): Promise<Anchor | undefined> {
    const known = this.#ends.get(end.reading);
    if (known?.offset === end.offset) return known;
    const before = await withFile(end, (file) => bytesBefore(file, end.offset));
    const proof = before && { offset: end.offset, before };
    if (proof) this.#ends.set(end.reading, proof);
    return proof;
  }
}

/** Undefined if there are fewer. */
async function bytesBefore(file: FileHandle, offset: number): Promise<ContentHash | undefined> {
  const length = Math.min(offset, beforeBytes);
  const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, offset - length);
  return bytesRead === length ? contentHash(buffer) : undefined;
}

/**
 * Reads from a log file on disk. It may be closed, compressed or gone by now: then only its head proves a place.
 * @returns undefined if it is not available
 */
async function withFile<T>(
  { reading: { origin }, offset }: LogPosition,
  read: (file: FileHandle) => Promise<T | undefined>,
): Promise<T | undefined> {
  if (offset === 0 || origin.file.endsWith(".gz")) return undefined;
  try {
    const file = await open(origin.file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const { id } = fileStatOf(await file.stat({ bigint: true }));
      return id === origin.id ? await read(file) : undefined;
    } finally {
      await file.close();
    }
  } catch {
    // Not there or not readable any more; the tail itself reports what keeps it from reading.
    return undefined;
  }
}
