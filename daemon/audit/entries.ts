/**
 * What is compared: for each record that must be in the sink, for each that is there, and for each dead letter, an entry of
 * fixed size, so that many millions can be on disk and be sorted without an object for each.
 *
 *     identity 16 | value 16 | content 8 | second 4 | place 4 | offset 6 | node 2 | handler 1 | topic 1 | kind 1 | flags 1 | 4
 */
import { hash } from "node:crypto";

/** Of one entry. */
export const entryBytes = 64;

/**
 * - expected: a record that the log's alerts make.
 * - kept: a record that is in the sink.
 * - letter: a dead letter.
 */
export const entryKinds = { expected: 1, kept: 2, letter: 3 } as const;

export const entryFlags = {
  /** expected: the forwarder is not done with the line. */
  pending: 1,
  /** expected: it was in the log before the first start, so it was not asked for. */
  early: 2,
  /** expected: the handler fails, so it makes no value. */
  failed: 4,
  /** expected: a dead letter names its place. */
  hasLetter: 8,
  /** kept: only its name is known. */
  nameOnly: 16,
  /** kept: it may be what integratord printed again. */
  maybeReprint: 32,
  /** letter, or expected with `hasLetter`: somebody has acknowledged it. */
  acknowledged: 64,
} as const;

const valueBytes = 16;
const contentBytes = 8;
const noSecond = 0xffff_ffff;

/** See above. */
export interface Entry {
  readonly kind: (typeof entryKinds)[keyof typeof entryKinds];
  /** A sum of `entryFlags`. */
  readonly flags: number;
  /** Of `identityOf`. */
  readonly identity: Buffer;
  /** SHA-256 of the value, of which 128 bits are kept; undefined if there is none. */
  readonly value: Buffer | undefined;
  /** The value's content digest (`valueDigest`): the same for a record and its re-print. */
  readonly content: Buffer | undefined;
  /** Of the alert, since 1970; -1 if it is not known. */
  readonly second: number;
  /** Number of the file, or of the partition. */
  readonly place: number;
  /** In it. */
  readonly offset: number;
  readonly node: number;
  readonly handler: number;
  /** `anyTopic` if it is not known. */
  readonly topic: number;
}

export const anyTopic = 255;

/** What the two sides know a record by: 128 bits of the hash of its handler, node and alert id. */
export function identityOf(handler: string, node: string, id: string): Buffer {
  return hash("sha256", `${handler}\u0000${node}\u0000${id}`, "buffer").subarray(0, 16);
}

/** Writes an entry at an offset of a buffer. */
export function writeEntry(entry: Entry, into: Buffer, at: number): void {
  into.fill(0, at, at + entryBytes);
  entry.identity.copy(into, at, 0, 16);
  entry.value?.copy(into, at + 16, 0, valueBytes);
  entry.content?.copy(into, at + 32, 0, contentBytes);
  into.writeUInt32BE(entry.second < 0 ? noSecond : entry.second, at + 40);
  into.writeUInt32BE(entry.place, at + 44);
  into.writeUIntBE(entry.offset, at + 48, 6);
  into.writeUInt16BE(entry.node, at + 54);
  into[at + 56] = entry.handler;
  into[at + 57] = entry.topic;
  into[at + 58] = entry.kind;
  into[at + 59] = entry.flags;
}

/** Entries in one buffer, by their number. */
export class EntryBlock {
  readonly count: number;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.count = Math.floor(bytes.length / entryBytes);
  }

  kind(index: number): number {
    return this.#bytes[index * entryBytes + 58]!;
  }

  has(index: number, flag: keyof typeof entryFlags): boolean {
    return (this.#bytes[index * entryBytes + 59]! & entryFlags[flag]) !== 0;
  }

  second(index: number): number {
    const second = this.#bytes.readUInt32BE(index * entryBytes + 40);
    return second === noSecond ? -1 : second;
  }

  place(index: number): number {
    return this.#bytes.readUInt32BE(index * entryBytes + 44);
  }

  offset(index: number): number {
    return this.#bytes.readUIntBE(index * entryBytes + 48, 6);
  }

  node(index: number): number {
    return this.#bytes.readUInt16BE(index * entryBytes + 54);
  }

  handler(index: number): number {
    return this.#bytes[index * entryBytes + 56]!;
  }

  topic(index: number): number {
    return this.#bytes[index * entryBytes + 57]!;
  }

  /** The value's hash, as a text that can be compared. */
  value(index: number): string {
    return this.#text(index, 16, valueBytes);
  }

  /** The content digest, as a text that can be compared. */
  content(index: number): string {
    return this.#text(index, 32, contentBytes);
  }

  /** Whether the value's hash is also a content digest: then the value has the form of a re-print. */
  valueIsContentOf(kept: number, expected: number): boolean {
    const at = kept * entryBytes + 16;
    const other = expected * entryBytes + 32;
    return this.#bytes.compare(this.#bytes, other, other + contentBytes, at, at + contentBytes) === 0;
  }

  /** See `sendKey`. */
  sendKey(index: number): Buffer {
    const at = index * entryBytes;
    return Buffer.concat([this.#bytes.subarray(at, at + 8), this.#bytes.subarray(at + 32, at + 32 + contentBytes)]);
  }

  hasSameIdentity(one: number, other: number): boolean {
    return this.#compare(one, other) === 0;
  }

  /** The numbers of all entries, so that those of one identity follow one another, in the order in which they were written. */
  sorted(): Uint32Array {
    const keys = new Float64Array(this.count);
    const order = new Uint32Array(this.count);
    for (let index = 0; index < this.count; index++) {
      // All entries of a block may begin with the same byte.
      keys[index] = this.#bytes.readUIntBE(index * entryBytes + 1, 6);
      order[index] = index;
    }
    return order.toSorted((one, other) => keys[one]! - keys[other]! || this.#compare(one, other) || one - other);
  }

  #compare(one: number, other: number): number {
    const [at, to] = [one * entryBytes, other * entryBytes];
    return this.#bytes.compare(this.#bytes, to, to + 16, at, at + 16);
  }

  #text(index: number, from: number, length: number): string {
    const at = index * entryBytes + from;
    return this.#bytes.toString("latin1", at, at + length);
  }
}

/** What a record that has to be sent is known by when its line comes by again: 64 bits each of its identity and its content. */
export function sendKey(identity: Buffer, content: Buffer): Buffer {
  return Buffer.concat([identity.subarray(0, 8), content.subarray(0, contentBytes)]);
}
