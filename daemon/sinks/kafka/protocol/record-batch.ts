import { crc32c } from "./crc32c.ts";

/**
 * Kafka's record batch, format 2 (Apache Kafka documentation, "Record Batch"):
 *
 *     base offset 8 | length 4 | leader epoch 4 | magic 1 | CRC-32C 4 | attributes 2 | last offset delta 4 |
 *     first timestamp 8 | max timestamp 8 | producer id 8 | epoch 2 | base sequence 4 | count 4 | records
 *
 * The records are encoded (`records/record-buffer.ts`) and compressed once; the header of 61 bytes, with producer id and
 * sequence number, is stamped on afterwards, so that renumbering needs no second compression.
 */
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
