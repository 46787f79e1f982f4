import { ByteReader } from "./byte-reader.ts";
import { decompress, MissingCodec } from "./compression.ts";

/** A record as stored in a topic. */
export interface FetchedRecord {
  readonly offset: number;
  /** Milliseconds since 1970: when its producer made it, or the broker took it, as the topic is set. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[];
}

/**
 * What a batch or record of ours does not exceed: settings allow 100,000 records and 900 KB in a batch, or a single
 * record, which is made of a line of 16 MiB unless `max_line` is raised; its headers are four. Others may write to the
 * same topic, and what they write must not fill the memory.
 */
const max = { records: 100_000, headers: 64, batchBytes: 16 * 1024 * 1024, recordBytes: 256 * 1024 * 1024 } as const;

const controlFlag = 0x20;
const codecMask = 0x07;
/** A batch up to its length field. */
const prefixBytes = 12;
/** The broker has put its own time in the place of the largest of the batch; it holds for all of its records. */
const logAppendTimeFlag = 0x08;
/** Number of the record batch format, the same place in all formats. */
const currentFormat = 2;

/** What the offsets and times of a batch's records are counted from. */
interface BatchBase {
  readonly offset: number;
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  /** 0 if all records have the batch's time, else 1. */
  readonly deltaMs: 0 | 1;
}

/** @returns undefined for a record that is not one of ours */
function readRecord(reader: ByteReader, base: BatchBase): FetchedRecord | undefined {
  const length = reader.varint();
  const end = reader.position + length;
  reader.skip(1);
  const timestampMs = base.timeMs + reader.varlong() * base.deltaMs;
  const offset = base.offset + reader.varint();
  const key = reader.varintBytes();
  const value = reader.varintBytes();
  const count = reader.varint();
  if (count < 0 || count > length) throw new RangeError("a header count that the record cannot hold");
  if (count > max.headers) {
    reader.skip(end - reader.position);
    return undefined;
  }
  const headers = Array.from(
    { length: count },
    () => [reader.varintBytes()?.toString("utf8") ?? "", reader.varintBytes()] as const,
  );
  if (reader.position !== end) throw new RangeError("a record that ends elsewhere than it says");
  return { offset, timestampMs, key, value, headers };
}

/** The end of the newest look into a batch larger than most. */
let large: Promise<unknown> = Promise.resolve();

/** The records of a batch, decompressed; undefined for a batch that is not one of ours. Large ones one after the other. */
async function recordsOf(codec: number, bytes: Buffer, count: number): Promise<Buffer | undefined> {
  if (count > max.records) return undefined;
  const records = await decompress(codec, bytes, max.batchBytes);
  if (records !== undefined || count !== 1) return records;
  const turn = large.then(() => decompress(codec, bytes, max.recordBytes));
  large = turn.catch(() => undefined); // Whoever waits for it gets the error; the next one still has its turn.
  return turn;
}

/** Called for a batch that is left out, wholly or from a damaged record on, because it cannot be read. */
type PassOver = (reason: Error) => void;

/**
 * Reads the record batches of a fetch answer and hands each record to `visit`, in order; batches and records that can
 * not be ours are skipped, those of the formats before Kafka 0.11 among them, which this forwarder never wrote.
 * The last batch may be cut off, which is how Kafka keeps to the size asked for: it is left out. Transaction markers are
 * left out too.
 * @param passOver called for each batch that cannot be read; without it the first one ends the reading
 * @returns the offset after the last whole batch, or undefined if there was none
 * @throws RangeError for bytes that are not a batch; without `passOver` also what is wrong with one: RangeError for
 *         damage, MissingCodec for a codec that this runtime does not have
 */
export async function visitRecords(
  bytes: Buffer,
  visit: (record: FetchedRecord) => void,
  passOver: PassOver = rethrow,
): Promise<number | undefined> {
  const reader = new ByteReader(bytes);
  let next: number | undefined;
  while (reader.remaining >= prefixBytes) {
    const baseOffset = reader.int64();
    const length = reader.int32();
    if (length > reader.remaining) break;
    const batch = new ByteReader(reader.bytes(length));
    batch.skip(4);
    if (batch.int8() !== currentFormat) {
      next = baseOffset + 1;
      continue;
    }
    batch.skip(4);
    const attributes = batch.int16();
    const lastOffsetDelta = batch.int32();
    const firstMs = batch.anyInt64();
    const largestMs = batch.anyInt64();
    const isBrokers = (attributes & logAppendTimeFlag) !== 0;
    const base = { offset: baseOffset, timeMs: isBrokers ? largestMs : firstMs, deltaMs: isBrokers ? 0 : 1 } as const;
    batch.skip(8 + 2 + 4);
    const count = batch.int32();
    next = baseOffset + lastOffsetDelta + 1;
    if ((attributes & controlFlag) !== 0) continue;
    try {
      const records = await recordsOf(attributes & codecMask, batch.bytes(batch.remaining), count);
      if (records !== undefined) visitAll(new ByteReader(records), count, base, visit);
    } catch (reason) {
      if (!isUnreadableBatch(reason)) throw reason;
      passOver(reason);
    }
  }
  return next;
}

/** @throws RangeError for a damaged record, or what `visit` throws */
function visitAll(reader: ByteReader, count: number, base: BatchBase, visit: (record: FetchedRecord) => void): void {
  for (let read = 0; read < count; read++) {
    const record = readRecord(reader, base);
    if (record !== undefined) visit(record);
  }
}

function isUnreadableBatch(reason: unknown): reason is Error {
  return reason instanceof RangeError || reason instanceof MissingCodec;
}

function rethrow(reason: Error): never {
  throw reason;
}
