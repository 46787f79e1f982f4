import { z } from "zod";
import { hourOfBucket } from "../manifest/bucket.ts";
import type { Manifest, ManifestEntry } from "../manifest/manifest.ts";
import { copyDigest, digestBytes, digestOfAll, DigestSum, wordsOf } from "../manifest/record-digest.ts";
import type { CountedEntry, CountedRecord } from "./contribution.ts";
import type { NameTable } from "./name-table.ts";

const firstDigests = 16;
/** Enough for a full stretch. A larger piece, from a time when the topic was away, is not kept. */
const keptBytes = 2 ** 15 * digestBytes;
/** Above this many entries minutes become hours. */
const manyEntries = 1000;

/** Digests as the checkpoint has them: index of the entry, how many came by the socket, and all digests in base64. */
export const savedTallyForm = z.tuple([z.int().min(0), z.int().min(0), z.string().regex(/^[A-Za-z0-9+/]*={0,2}$/)]);
type SavedTally = z.infer<typeof savedTallyForm>;

/** The records of one topic, handler, node and bucket. */
class Tally {
  readonly of: CountedEntry;
  count = 0;
  socket = 0;
  #digests: Buffer;
  /** The same memory. */
  #words: Int32Array;

  /** @param memory nothing else may use it */
  constructor(of: CountedEntry, memory: Buffer) {
    this.of = of;
    this.#digests = memory;
    this.#words = wordsOf(memory);
  }

  /** For whoever uses it next; this tally must not be used any more. */
  get memory(): Buffer {
    return this.#digests;
  }

  get digests(): Buffer {
    return this.#digests.subarray(0, this.count * digestBytes);
  }

  /** @throws Error without a digest */
  add(digest: string, isFromSocket: boolean): void {
    if (digest.length !== digestBytes) throw new Error("a record is counted without its digest");
    this.#makeRoom(1);
    this.#digests.write(digest, this.count * digestBytes, digestBytes, "latin1");
    this.count += 1;
    if (isFromSocket) this.socket += 1;
  }

  /** A record that the log brought. @param digests as `wordsOf` gives them */
  addFrom(digests: Int32Array, index: number): void {
    this.#makeRoom(1);
    copyDigest(digests, index, this.#words, this.count);
    this.count += 1;
  }

  addAll(digests: Buffer, socket: number): void {
    const count = Math.floor(digests.length / digestBytes);
    this.#makeRoom(count);
    digests.copy(this.#digests, this.count * digestBytes, 0, count * digestBytes);
    this.count += count;
    this.socket += Math.min(socket, count);
  }

  /** The entry of a manifest. */
  get entry(): ManifestEntry {
    const { topic, handler, node, bucket } = this.of;
    const { count, socket, digests } = this;
    const sum = new DigestSum();
    sum.addAll(digests);
    return {
      topic,
      handler,
      node,
      bucket,
      count,
      socket,
      sum: sum.hex,
      digest: digestOfAll(digests),
    };
  }

  #makeRoom(more: number): void {
    const needed = (this.count + more) * digestBytes;
    if (needed <= this.#digests.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#digests.length, needed));
    this.#digests.copy(larger, 0, 0, this.count * digestBytes);
    this.#digests = larger;
    this.#words = wordsOf(larger);
  }
}

/** Records that are counted for a manifest, by entry. */
export class Tallies {
  readonly #all = new Map<string, Tally>();
  #last: Tally | undefined;
  /** What it was asked for as. */
  #lastOf: CountedEntry | undefined;
  /** Buckets are hours from now on. */
  #isCoarse = false;
  #count = 0;
  /**
   * The largest buffer of the former stretch, for the next one: most records are of one entry, and a new buffer for each
   * manifest makes V8 collect garbage after every other one.
   */
  #spare: Buffer | undefined;

  /** Records. */
  get count(): number {
    return this.#count;
  }

  get entries(): number {
    return this.#all.size;
  }

  add(record: CountedRecord): void {
    this.#tallyOf(record.entry).add(record.digest, record.isFromSocket);
    this.#added();
  }

  /** A record that the log brought. @param digests as `wordsOf` gives them */
  addFrom(entry: CountedEntry, digests: Int32Array, index: number): void {
    this.#tallyOf(entry).addFrom(digests, index);
    this.#added();
  }

  /** The entries of a manifest, in the order in which they began. */
  get manifestEntries(): Manifest["records"] {
    return [...this.#all.values()].map((tally) => tally.entry);
  }

  /** Forgets everything that was counted. */
  clear(): void {
    for (const { memory } of this.#all.values())
      if (memory.length > (this.#spare?.length ?? 0) && memory.length <= keptBytes) this.#spare = memory;
    this.#all.clear();
    this.#last = undefined;
    this.#isCoarse = false;
    this.#count = 0;
  }

  save(table: NameTable): SavedTally[] {
    return [...this.#all.values()].map(({ of: { topic, handler, node, bucket }, socket, digests }) => [
      table.indexOf([topic, handler, node, bucket]),
      socket,
      digests.toString("base64"),
    ]);
  }

  /** Adds what `save` gave. @returns false if an index is not in the table */
  restore(saved: readonly SavedTally[], { names }: NameTable): boolean {
    for (const [index, socket, digests] of saved) {
      const name = names[index];
      if (name === undefined) return false;
      const [topic, handler, node, bucket] = name;
      const bytes = Buffer.from(digests, "base64");
      this.#tallyOf({ topic, handler, node, bucket }).addAll(bytes, socket);
      this.#count += Math.floor(bytes.length / digestBytes);
    }
    return true;
  }

  #added(): void {
    this.#count += 1;
    if (this.#all.size > manyEntries && !this.#isCoarse) this.#coarsen();
  }

  #tallyOf(of: CountedEntry): Tally {
    if (this.#lastOf === of && this.#last !== undefined) return this.#last;
    const { topic, handler, node } = of;
    const bucket = this.#isCoarse ? hourOfBucket(of.bucket) : of.bucket;
    const name = JSON.stringify([topic, handler, node, bucket]);
    let tally = this.#all.get(name);
    if (tally === undefined) {
      tally = new Tally({ topic, handler, node, bucket }, this.#newMemory());
      this.#all.set(name, tally);
    }
    this.#last = tally;
    this.#lastOf = of;
    return tally;
  }

  #newMemory(): Buffer {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare ?? Buffer.allocUnsafeSlow(firstDigests * digestBytes);
  }

  #coarsen(): void {
    this.#isCoarse = true;
    const fine = [...this.#all.values()];
    this.#all.clear();
    this.#last = undefined;
    for (const tally of fine) this.#tallyOf(tally.of).addAll(tally.digests, tally.socket);
  }
}
