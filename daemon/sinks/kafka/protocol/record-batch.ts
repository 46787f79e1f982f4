import { headerNames, type Header, type SinkRecord } from "../../../contract.ts";
import { crc32c } from "./crc32c.ts";

/**
 * Kafka's record batch, format 2 (Apache Kafka documentation, "Record Batch"):
 *
 *     base offset 8 | length 4 | leader epoch 4 | magic 1 | CRC-32C 4 | attributes 2 | last offset delta 4 |
 *     first timestamp 8 | max timestamp 8 | producer id 8 | epoch 2 | base sequence 4 | count 4 | records
 *
 * The records are encoded (and compressed) once; the header, with producer id and sequence number, is stamped on
 * afterwards, so that renumbering needs no second compression.
 */
export const batchHeaderBytes = 61;

const lengthCountsFrom = 12;
const crcAt = 17;
const crcCoversFrom = 21;

/** Who sends a batch, and its place in that producer's order: what the broker knows a repetition by. */
export interface BatchNumber {
  readonly producerId: bigint;
  readonly epoch: number;
  /** Sequence number of the first record, 0 to 2^31 - 1. */
  readonly sequence: number;
}

/** Sequence numbers count to 2^31 - 1 and begin again at 0 (Apache Kafka 4.1: DefaultRecordBatch.incrementSequence). */
export function sequenceAfter(sequence: number, count: number): number {
  return (sequence + count) % 2 ** 31;
}

/** The name of the header that each record has for itself, with its length in front. */
const idName = encodeText(headerNames.id);
const encodedHeaders = new WeakMap<readonly Header[], Buffer>();

/** The headers that a record shares with others, ready to be copied. */
function encodeHeaders(headers: readonly Header[]): Buffer {
  let encoded = encodedHeaders.get(headers);
  if (encoded === undefined) {
    encoded = Buffer.concat(headers.flatMap(([name, value]) => [encodeText(name), encodeBytes(value)]));
    encodedHeaders.set(headers, encoded);
  }
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

/** Bytes of a record after its length field. */
function bodySize(record: SinkRecord, offsetDelta: number): number {
  // One byte of attributes, one of timestamp delta (always 0).
  let size = 2 + sizeOfVarint(offsetDelta) + sizeOfBytes(record.key) + sizeOfBytes(record.value);
  size += sizeOfVarint(headerCount(record)) + encodeHeaders(record.headers).length;
  if (record.id !== undefined) {
    const bytes = Buffer.byteLength(record.id);
    size += idName.length + sizeOfVarint(bytes) + bytes;
  }
  return size;
}

function headerCount({ id, headers }: SinkRecord): number {
  return headers.length + (id === undefined ? 0 : 1);
}

function writeBytes(target: Buffer, position: number, bytes: Buffer | null): number {
  if (bytes === null) return writeVarint(target, position, -1);
  const at = writeVarint(target, position, bytes.length);
  target.set(bytes, at);
  return at + bytes.length;
}

function writeText(target: Buffer, position: number, text: string): number {
  const at = writeVarint(target, position, Buffer.byteLength(text));
  return at + target.write(text, at);
}

/**
 * Encodes records one after the other, uncompressed, behind `headRoom` bytes left free for the batch's header.
 * One pass for the sizes, one allocation, one pass that writes.
 * @param allocate gives a buffer of this length, whatever it holds
 */
export function encodeRecords(
  records: readonly SinkRecord[],
  headRoom: number,
  allocate: (bytes: number) => Buffer = (bytes) => Buffer.allocUnsafe(bytes),
): Buffer {
  const sizes = records.map(bodySize);
  let total = headRoom;
  for (const size of sizes) total += sizeOfVarint(size) + size;
  const target = allocate(total);
  let at = headRoom;
  for (const [index, record] of records.entries()) {
    at = writeVarint(target, at, sizes[index]!);
    target[at++] = 0;
    target[at++] = 0;
    at = writeVarint(target, at, index);
    at = writeBytes(target, at, record.key);
    at = writeBytes(target, at, record.value);
    at = writeVarint(target, at, headerCount(record));
    if (record.id !== undefined) {
      target.set(idName, at);
      at = writeText(target, at + idName.length, record.id);
    }
    const headers = encodeHeaders(record.headers);
    target.set(headers, at);
    at += headers.length;
  }
  return target;
}

/**
 * Writes the header into the first 61 bytes of `batch`, whose records follow it already.
 * @param attributes  the compression codec's number
 * @param timestampMs of all records, milliseconds since 1970
 */
export function stampHeader(
  batch: Buffer,
  fields: { readonly count: number; readonly attributes: number; readonly timestampMs: number },
  number: BatchNumber,
): void {
  const timestamp = BigInt(fields.timestampMs);
  batch.writeBigInt64BE(0n, 0);
  batch.writeInt32BE(batch.length - lengthCountsFrom, 8);
  batch.writeInt32BE(-1, 12);
  batch.writeInt8(2, 16);
  batch.writeInt16BE(fields.attributes, 21);
  batch.writeInt32BE(fields.count - 1, 23);
  batch.writeBigInt64BE(timestamp, 27);
  batch.writeBigInt64BE(timestamp, 35);
  batch.writeBigInt64BE(number.producerId, 43);
  batch.writeInt16BE(number.epoch, 51);
  batch.writeInt32BE(number.sequence, 53);
  batch.writeInt32BE(fields.count, 57);
  batch.writeUInt32BE(crc32c(batch, crcCoversFrom), crcAt);
}

/**
 * Bytes that a signed 32-bit integer takes in a record. Its integers have variable lengths: zigzag, seven bits a byte, least
 * significant first.
 */
export function sizeOfVarint(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  if (zigzag < 0x80) return 1;
  if (zigzag < 0x4000) return 2;
  if (zigzag < 0x200000) return 3;
  return zigzag < 0x10000000 ? 4 : 5;
}

/** Writes a signed 32-bit integer, see `sizeOfVarint`, and returns the position after it. */
export function writeVarint(target: Uint8Array, position: number, value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  let at = position;
  while (rest >= 0x80) {
    target[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[at++] = rest;
  return at;
}
