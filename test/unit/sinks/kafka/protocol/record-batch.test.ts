import assert from "node:assert/strict";
import { test } from "node:test";
import Decoder from "kafkajs/src/protocol/decoder.js";
import decodeBatch from "kafkajs/src/protocol/recordBatch/v0/decoder.js";
import type { SinkRecord } from "../../../../../daemon/contract.ts";
import { MissingCodec } from "../../../../../daemon/sinks/kafka/protocol/compression.ts";
import { crc32c } from "../../../../../daemon/sinks/kafka/protocol/crc32c.ts";
import { SealedBatch, PendingWrite } from "../../../../../daemon/sinks/kafka/producer/sealed-batch.ts";
import { encodeRecords } from "../../../../../daemon/records/record-buffer.ts";
import { sizeOfVarint, writeVarint } from "../../../../../daemon/records/varint.ts";
import { sequenceAfter } from "../../../../../daemon/sinks/kafka/protocol/record-batch.ts";
import { ByteReader } from "../../../../../daemon/sinks/kafka/protocol/byte-reader.ts";
import { recordsIn } from "../stored.ts";

/** Lengths around which a varint takes one byte more, doubled by zigzag. */
const borders = [0, 1, 62, 63, 64, 65, 8190, 8191, 8192, 8193, 1_048_575, 1_048_576];

function record(value: Buffer | null, key: Buffer | null = null, headers: SinkRecord["headers"] = []): SinkRecord {
  return { key, value, headers };
}

async function sealed(records: readonly SinkRecord[], compression: "none" | "gzip", sequence = 0): Promise<Buffer> {
  const entry = new SealedBatch(new PendingWrite(records.length), encodeRecords(records), compression);
  await entry.sealed;
  entry.stamp({ producerId: 4_611_686_018_427_387_905n, epoch: 3, sequence });
  assert.ok(entry.batch);
  return entry.batch;
}

/** A record in the form that both readers give it. */
interface Seen {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [string, Buffer])[];
}

/** kafkajs's reader, which shares no code with the writer. */
async function readByKafkajs(batch: Buffer): Promise<{ firstSequence: number; producerId: string; records: Seen[] }> {
  const decoded = await decodeBatch(new Decoder(batch));
  const records = decoded.records.map((one: { key: Buffer; value: Buffer; headers: Record<string, Buffer> }) => ({
    key: one.key,
    value: one.value,
    headers: Object.entries(one.headers),
  }));
  return { ...decoded, records };
}

test("every header field is where Kafka's documentation puts it", async () => {
  const batch = await sealed([record(Buffer.from("a")), record(Buffer.from("b"))], "none", 77);
  assert.equal(batch.readBigInt64BE(0), 0n);
  assert.equal(batch.readInt32BE(8), batch.length - 12);
  assert.equal(batch.readInt8(16), 2);
  assert.equal(batch.readUInt32BE(17), crc32c(batch, 21));
  assert.equal(batch.readInt16BE(21), 0);
  assert.equal(batch.readInt32BE(23), 1);
  assert.equal(batch.readBigInt64BE(27), batch.readBigInt64BE(35));
  assert.equal(batch.readBigInt64BE(43), 4_611_686_018_427_387_905n);
  assert.equal(batch.readInt16BE(51), 3);
  assert.equal(batch.readInt32BE(53), 77);
  assert.equal(batch.readInt32BE(57), 2);
  // Length 7, attributes, timestamp, offset 0, no key, one byte of value, no headers.
  assert.deepEqual([...batch.subarray(61, 69)], [14, 0, 0, 0, 1, 2, 97, 0]);
});

for (const compression of ["none", "gzip"] as const) {
  test(`keys, values and headers at every length boundary come back unchanged (${compression})`, async () => {
    for (const size of borders) {
      const bytes = Buffer.alloc(size, 0xa5);
      const records = [
        record(bytes, bytes, [
          ["wazuh-alert-id", bytes],
          ["x".repeat(Math.min(size, 9000)), Buffer.alloc(0)],
        ]),
        record(null, null),
        record(Buffer.alloc(0), Buffer.alloc(0), [["ü", Buffer.from("é")]]),
      ];
      const batch = await sealed(records, compression);
      const { records: seen } = await readByKafkajs(batch);
      const own = await recordsIn(batch);
      assert.equal(own.next, 3);
      for (const [index, one] of records.entries()) {
        const expected = { key: one.key, value: one.value, headers: one.headers };
        assert.deepEqual({ ...seen[index], headers: seen[index]?.headers }, expected, `kafkajs, ${size}`);
        const { offset, timestampMs, ...rest } = own.records[index] ?? assert.fail();
        assert.equal(offset, index);
        assert.equal(timestampMs, Number(batch.readBigInt64BE(27)));
        assert.deepEqual(rest, expected, `own reader, ${size}`);
      }
    }
  });
}

test("every number of records between two offset boundaries comes back in order", async () => {
  const records = Array.from({ length: 8200 }, (_, at) => record(Buffer.from(String(at))));
  const { records: seen } = await readByKafkajs(await sealed(records, "gzip"));
  assert.deepEqual(
    seen.map(({ value }) => String(value)),
    records.map(({ value }) => String(value)),
  );
});

test("renumbering a batch changes its header only, and its checksum is right again", async () => {
  const entry = new SealedBatch(new PendingWrite(1), encodeRecords([record(Buffer.from("value"))]), "gzip");
  await entry.sealed;
  entry.stamp({ producerId: 1n, epoch: 0, sequence: 5 });
  const before = Buffer.from(entry.batch ?? assert.fail());
  entry.stamp({ producerId: 2n, epoch: 0, sequence: 0 });
  const after = entry.batch ?? assert.fail();
  assert.deepEqual(after.subarray(57), before.subarray(57));
  assert.deepEqual(after.subarray(0, 17), before.subarray(0, 17));
  assert.equal(after.readUInt32BE(17), crc32c(after, 21));
  assert.equal((await readByKafkajs(after)).producerId, "2");
});

test("sequence numbers restart at 0 after 2^31 - 1", () => {
  assert.equal(sequenceAfter(0, 450), 450);
  assert.equal(sequenceAfter(2 ** 31 - 1, 1), 0);
  assert.equal(sequenceAfter(2 ** 31 - 3, 10), 7);
});

test("varints of all lengths, including negative ones, are read as they were written", () => {
  const values = [
    0,
    -1,
    1,
    63,
    -64,
    64,
    -65,
    8191,
    8192,
    -8193,
    2 ** 20,
    2 ** 27,
    -(2 ** 27) - 1,
    2 ** 31 - 1,
    -(2 ** 31),
  ];
  for (const value of values) {
    const bytes = Buffer.alloc(5);
    const end = writeVarint(bytes, 0, value);
    assert.equal(end, sizeOfVarint(value));
    assert.equal(new ByteReader(bytes).varint(), value);
  }
});

test("a truncated batch is left out, and damaged bytes are an error and nothing worse", async () => {
  const batch = await sealed([record(Buffer.from("one")), record(Buffer.from("two"))], "none");
  const cut = await recordsIn(Buffer.concat([batch, batch.subarray(0, batch.length - 1)]));
  assert.equal(cut.records.length, 2);
  for (let at = 12; at < batch.length; at++) {
    const damaged = Buffer.from(batch);
    damaged[at] = (damaged[at] ?? 0) ^ 0xff;
    await recordsIn(damaged).catch((reason: unknown) => {
      assert.ok(reason instanceof RangeError || reason instanceof MissingCodec);
    });
  }
});
