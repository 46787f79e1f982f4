import { gzipSync } from "node:zlib";
import { visitRecords, type FetchedRecord } from "../../../../daemon/sinks/kafka/protocol/record-reader.ts";
import { writeVarint } from "../../../../daemon/records/varint.ts";
import { int16, int32, int64 } from "./wire.ts";

/** All records that the forwarder finds in a fetch answer, and the offset after the last batch. */
export async function recordsIn(bytes: Buffer): Promise<{ records: FetchedRecord[]; next: number | undefined }> {
  const records: FetchedRecord[] = [];
  const next = await visitRecords(bytes, (record) => void records.push(record));
  return { records, next };
}

/** A batch compressed with gzip as any producer may write one. */
export function batchOf(baseOffset: number, records: readonly Buffer[], count = records.length): Buffer {
  return packedBatch(baseOffset, gzipSync(Buffer.concat(records)), { codec: 1, count });
}

/** A batch as any producer may write one. Its checksum is wrong: checking it is the broker's business. */
export function packedBatch(
  baseOffset: number,
  compressed: Buffer,
  { codec, count }: { readonly codec: number; readonly count: number },
): Buffer {
  const rest = Buffer.concat([
    Buffer.concat([int32(0), Buffer.of(2), int32(0), int16(codec), int32(count - 1)]),
    Buffer.concat([int64(0, 0, 0), int16(0), int32(0, count)]),
    compressed,
  ]);
  return Buffer.concat([int64(baseOffset), int32(rest.length), rest]);
}

/** A record without a key. */
export function recordOf(delta: number, value: Buffer, headers: readonly (readonly [string, string])[] = []): Buffer {
  const rest = Buffer.concat([
    Buffer.of(0, 0),
    Buffer.concat([varint(delta), varint(-1), sized(value), varint(headers.length)]),
    ...headers.flatMap((header) => header.map((text) => sized(Buffer.from(text)))),
  ]);
  return sized(rest);
}

function sized(bytes: Buffer): Buffer {
  return Buffer.concat([varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes = Buffer.alloc(5);
  return bytes.subarray(0, writeVarint(bytes, 0, value));
}
