import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { Sent } from "./checkpoint.ts";
import type { CheckpointStore } from "./checkpoint-store.ts";
import { beforeBytes, fingerprint, type Fingerprint } from "./fingerprint.ts";
import type { Origin } from "./generation.ts";
import type { Journal, Spot } from "./journal.ts";

/** So many lines done beyond the position are noted while the forwarder runs; a proper stop notes all. */
const mostDone = 10_000;

const nothing = fingerprint(Buffer.alloc(0));

/** Writes what the journal says into the checkpoint, one writing after the other. */
export class Saver {
  readonly #journal: Journal;
  readonly #store: CheckpointStore;
  readonly #sent: () => Sent;
  #last: Promise<void> = Promise.resolve();
  /** What was read from disk last: on a quiet manager the place stays for hours. */
  #before: { readonly origin: Origin; readonly offset: number; readonly print: Fingerprint } | undefined;

  constructor(journal: Journal, store: CheckpointStore, sent: () => Sent) {
    this.#journal = journal;
    this.#store = store;
    this.#sent = sent;
  }

  /**
   * Writes a checkpoint, unless nothing changed. Never rejects because of the disk: the store reports that.
   * @param notesAll whether every line that is done beyond the position is noted
   */
  save(notesAll: boolean): Promise<void> {
    this.#last = this.#last.then(() => this.#save(notesAll ? Number.POSITIVE_INFINITY : mostDone));
    return this.#last;
  }

  async #save(most: number): Promise<void> {
    // Position and sink offsets belong together, so both are taken before anything is waited for.
    const snapshot = this.#journal.snapshot(most, this.#sent());
    const before = snapshot.spot ? await this.#bytesBefore(snapshot.spot) : nothing;
    await this.#store.save(snapshot.complete(before));
  }

  async #bytesBefore(spot: Spot): Promise<Fingerprint> {
    const { origin } = spot.visit;
    const { offset } = spot;
    if (this.#before?.origin !== origin || this.#before.offset !== offset) {
      const print = await bytesBefore(spot);
      this.#before = print === nothing ? undefined : { origin, offset, print };
      return print;
    }
    return this.#before.print;
  }
}

/**
 * Fingerprint of the bytes before a place, read from disk. The file may be closed, compressed or gone by now: then the
 * head alone proves the place.
 */
async function bytesBefore({ visit: { origin }, offset }: Spot): Promise<Fingerprint> {
  const length = Math.min(offset, beforeBytes);
  if (length === 0 || origin.file.endsWith(".gz")) return nothing;
  try {
    const file = await open(origin.file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const { dev, ino } = await file.stat({ bigint: true });
      if (`${dev}:${ino}` !== origin.id) return nothing;
      const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, offset - length);
      return bytesRead === length ? fingerprint(buffer) : nothing;
    } finally {
      await file.close();
    }
  } catch {
    // Not there or not readable any more; the tail itself reports what keeps it from reading.
    return nothing;
  }
}
