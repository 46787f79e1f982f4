import { ByteReader } from "./byte-reader.ts";
import { decompress } from "./compression.ts";

/** A record as it stands in a topic. */
export interface StoredRecord {
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[];
}

const controlFlag = 0x20;
const codecMask = 0x07;
/** A batch up to its length field. */
const prefixBytes = 12;
/** A batch from the leader epoch to the record count. */
const restOfHeaderBytes = 49;

function readRecord(reader: ByteReader, baseOffset: number): StoredRecord {
  const length = reader.varint();
  const end = reader.position + length;
  reader.skip(1);
  // The timestamp delta is a 64-bit varint; only its end matters.
  while ((reader.int8() & 0x80) !== 0) continue;
  const offset = baseOffset + reader.varint();
  const key = reader.varintBytes();
  const value = reader.varintBytes();
  const count = reader.varint();
  if (count < 0 || count > length) throw new RangeError("a header count that the record cannot hold");
  const headers = Array.from(
    { length: count },
    () => [reader.varintBytes()?.toString("utf8") ?? "", reader.varintBytes()] as const,
  );
  if (reader.position !== end) throw new RangeError("a record that ends elsewhere than it says");
  return { offset, key, value, headers };
}

/** What one answer to a fetch holds of a partition. */
export interface StoredRecords {
  readonly records: readonly StoredRecord[];
  /** The offset after the last whole batch, or undefined where there was none. */
  readonly next: number | undefined;
}

/**
 * Reads the record batches of a fetch answer. The last one may be cut off, which is how Kafka keeps to the size asked
 * for: it is left out. Transaction markers are left out too. Batches of the formats before Kafka 0.11 end the reading:
 * Kafka 4 has none, and this forwarder never wrote one.
 * @throws RangeError for bytes that are no batch; MissingCodec for a codec that this runtime has not got
 */
export async function readBatches(bytes: Buffer): Promise<StoredRecords> {
  const reader = new ByteReader(bytes);
  const records: StoredRecord[] = [];
  let next: number | undefined;
  while (reader.remaining >= prefixBytes + restOfHeaderBytes) {
    const baseOffset = reader.int64();
    const length = reader.int32();
    if (length > reader.remaining) break;
    const batch = new ByteReader(reader.bytes(length));
    batch.skip(4);
    if (batch.int8() !== 2) throw new RangeError("a record batch of an old format");
    batch.skip(4);
    const attributes = batch.int16();
    const lastOffsetDelta = batch.int32();
    batch.skip(8 + 8 + 8 + 2 + 4);
    const count = batch.int32();
    next = baseOffset + lastOffsetDelta + 1;
    if ((attributes & controlFlag) !== 0) continue;
    const inner = new ByteReader(await decompress(attributes & codecMask, batch.bytes(batch.remaining)));
    for (let read = 0; read < count; read++) records.push(readRecord(inner, baseOffset));
  }
  return { records, next };
}
