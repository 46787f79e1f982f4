import { idSecond } from "../alert/id-second.ts";
import type { EncodedRecords, Header, AlertSpan, SinkRecord } from "../contract.ts";
import { headerNames } from "../header-names.ts";
import { BatchMemory, headRoomBytes } from "./batch-memory.ts";
import { decodeRecords } from "./decode.ts";
import { sizeOfVarint, writeVarint } from "./varint.ts";

/** In 1973: an id that begins with a lower number is not Wazuh's. */
const earliestSecond = 100_000_000;
/** Shorter than this, bytes are copied one by one: `set` takes longer to begin. */
const shortBytes = 24;

/** The name of the header that each record has for itself, with its length in front. */
const idName = encodeText(headerNames.id);
const encodedHeaders = new WeakMap<readonly Header[], Buffer>();
/** Nearly always those of the record before. */
let lastHeaders: readonly Header[] = [];
let lastEncodedHeaders: Buffer = Buffer.alloc(0);

/** The headers that a record shares with others, ready to be copied. */
function encodeHeaders(headers: readonly Header[]): Buffer {
  if (headers === lastHeaders) return lastEncodedHeaders;
  let encoded = encodedHeaders.get(headers);
  if (encoded === undefined) {
    encoded = Buffer.concat(headers.flatMap(([name, value]) => [encodeText(name), encodeBytes(value)]));
    encodedHeaders.set(headers, encoded);
  }
  lastHeaders = headers;
  lastEncodedHeaders = encoded;
  return encoded;
}

function encodeText(text: string): Buffer {
  return encodeBytes(Buffer.from(text, "utf8"));
}

function encodeBytes(bytes: Buffer): Buffer {
  const target = Buffer.alloc(sizeOfBytes(bytes));
  writeBytes(target, 0, bytes);
  return target;
}

function sizeOfBytes(bytes: Buffer | null): number {
  return bytes === null ? 1 : sizeOfVarint(bytes.length) + bytes.length;
}

function writeBytes(target: Buffer, position: number, bytes: Buffer | null): number {
  if (bytes === null) return writeVarint(target, position, -1);
  return copy(target, writeVarint(target, position, bytes.length), bytes);
}

function copy(target: Buffer, position: number, bytes: Buffer): number {
  if (bytes.length < shortBytes) for (let at = 0; at < bytes.length; at++) target[position + at] = bytes[at]!;
  else target.set(bytes, position);
  return position + bytes.length;
}

/** Bytes of a text in UTF-8. */
function sizeOfText(text: string): number {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) >= 0x80) return Buffer.byteLength(text);
  return text.length;
}

/** @param size as `sizeOfText` says */
function writeText(target: Buffer, position: number, text: string, size: number): number {
  const start = writeVarint(target, position, size);
  if (size !== text.length) return start + target.write(text, start);
  for (let at = 0; at < size; at++) target[start + at] = text.charCodeAt(at);
  return start + size;
}

/**
 * Records, each encoded when it is added: what is in a Kafka batch behind its header, uncompressed (Apache Kafka
 * documentation, "Record"). Besides the bytes, where the alert of each is from.
 *
 *     length | attributes 1 | timestamp delta | offset delta | key | value | headers: count, then name and value of each
 *
 * All but the attributes are varints, or bytes behind their length as one. Attributes and timestamp delta are 0.
 */
export class RecordBuffer implements EncodedRecords {
  readonly #memory: BatchMemory;
  /** Undefined once it was released. */
  #bytes: Buffer | undefined;
  #end = headRoomBytes;
  #count = 0;
  #firstSecond = Infinity;
  #lastSecond = -Infinity;
  // Three columns: an object for each record would live as long as the batch.
  readonly #files: (string | undefined)[] = [];
  readonly #offsets: number[] = [];
  readonly #lengths: number[] = [];

  /** @param expectedBytes see `BatchMemory.take` */
  constructor(memory: BatchMemory, expectedBytes: number) {
    this.#memory = memory;
    this.#bytes = memory.take(expectedBytes);
  }

  get count(): number {
    return this.#count;
  }

  /** @throws Error once it was released */
  get encoded(): Buffer {
    return this.#held().subarray(0, this.#end);
  }

  get span(): AlertSpan {
    const hasSecond = this.#lastSecond >= this.#firstSecond;
    return {
      firstSecond: hasSecond ? this.#firstSecond : undefined,
      lastSecond: hasSecond ? this.#lastSecond : undefined,
      place: this.#beginning(),
    };
  }

  /** @throws Error once it was released */
  add(record: SinkRecord): void {
    const { key, id, headers, value, place } = record;
    const shared = encodeHeaders(headers);
    const headerCount = headers.length + (id === undefined ? 0 : 1);
    const idBytes = id === undefined ? 0 : sizeOfText(id);
    let size = 2 + sizeOfVarint(this.#count) + sizeOfBytes(key) + sizeOfBytes(value);
    size += sizeOfVarint(headerCount) + shared.length;
    if (id !== undefined) size += idName.length + sizeOfVarint(idBytes) + idBytes;
    const target = this.#withRoomFor(sizeOfVarint(size) + size);
    let at = writeVarint(target, this.#end, size);
    target[at++] = 0;
    target[at++] = 0;
    at = writeVarint(target, at, this.#count);
    at = writeBytes(target, at, key);
    at = writeBytes(target, at, value);
    at = writeVarint(target, at, headerCount);
    if (id !== undefined) at = writeText(target, copy(target, at, idName), id, idBytes);
    this.#end = copy(target, at, shared);
    this.#count += 1;
    this.#files.push(place?.file);
    this.#offsets.push(place?.offset ?? 0);
    this.#lengths.push(place?.length ?? 0);
    this.#noteSecond(idSecond(id ?? idAmong(headers)));
  }

  records(): readonly SinkRecord[] {
    const bytes = this.encoded.subarray(headRoomBytes);
    const isUsedAgain = this.#memory.isUsedAgain(this.#held());
    const records = decodeRecords(isUsedAgain ? Buffer.from(bytes) : bytes, this.#count);
    return records.map((record, index) => {
      const file = this.#files[index];
      if (file === undefined) return record;
      return { ...record, place: { file, offset: this.#offsets[index] ?? 0, length: this.#lengths[index] ?? 0 } };
    });
  }

  /** Gives its memory back: all records have an outcome, and nobody uses the bytes any more. */
  release(): void {
    if (this.#bytes !== undefined) this.#memory.give(this.#bytes);
    this.#bytes = undefined;
  }

  #held(): Buffer {
    if (this.#bytes === undefined) throw new Error("records that have their outcome are not used any more");
    return this.#bytes;
  }

  #withRoomFor(bytes: number): Buffer {
    let held = this.#held();
    const needed = this.#end + bytes;
    if (needed > held.length) this.#bytes = held = this.#memory.grown(held, this.#end, needed);
    return held;
  }

  #noteSecond(second: number): void {
    if (second < earliestSecond) return;
    if (second < this.#firstSecond) this.#firstSecond = second;
    if (second > this.#lastSecond) this.#lastSecond = second;
  }

  /** The first of the places, if all are known and in one file. */
  #beginning(): AlertSpan["place"] {
    const [file] = this.#files;
    if (file === undefined || !file.startsWith("/") || !this.#files.every((other) => other === file)) return undefined;
    let offset = Infinity;
    for (const one of this.#offsets) offset = Math.min(offset, one);
    return { file, offset };
  }
}

/** The largest batch that the settings allow. */
const usualBytes = 1024 * 1024;

/** Records that are encoded all at once, in memory of their own. */
export function encodeRecords(records: readonly SinkRecord[]): EncodedRecords {
  const buffer = new RecordBuffer(new BatchMemory(usualBytes), 0);
  for (const record of records) buffer.add(record);
  return buffer;
}

function idAmong(headers: readonly Header[]): string {
  return headers.find(([name]) => name === headerNames.id)?.[1].toString("latin1") ?? "";
}
