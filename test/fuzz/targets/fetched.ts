import assert from "node:assert/strict";
import { MissingCodec } from "../../../daemon/sinks/kafka/protocol/compression.ts";
import { visitRecords, type FetchedRecord } from "../../../daemon/sinks/kafka/protocol/record-reader.ts";
import { AppendedSearch } from "../../../daemon/sinks/kafka/producer/appended-search.ts";
import { sealedBatch } from "../../unit/sinks/kafka/rig.ts";
import { batchOf, packedBatch, recordOf } from "../../unit/sinks/kafka/stored.ts";
import type { Target } from "../target.ts";

const mostHeaders = 64;
const small = Buffer.from("value");

const one = recordOf(0, small);
/** Of less than 60 bytes: their number, and one literal. */
const snappy = Buffer.concat([Buffer.from([one.length, (one.length - 1) << 2]), one]);
/** A frame with one block that is not compressed. */
const lz4 = Buffer.concat([
  Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0, one.length, 0, 0, 0x80]),
  one,
  Buffer.alloc(4),
]);

const seeds = [
  await sealedBatch("1763700000.1"),
  batchOf(3, [recordOf(0, small), recordOf(1, Buffer.alloc(5000), [["wazuh-alert-id", "1.1"]])]),
  batchOf(1, [
    recordOf(
      0,
      small,
      Array.from({ length: 70 }, () => ["h", ""] as const),
    ),
  ]),
  batchOf(0, [recordOf(0, small)], 200_000),
  packedBatch(2, snappy, { codec: 2, count: 1 }),
  packedBatch(4, lz4, { codec: 3, count: 1 }),
  Buffer.alloc(0),
];

/** What a broker returns from a topic that others write to as well: it ends in a known error, or in records. */
export const fetched: Target = {
  name: "fetched",
  seeds: [...seeds, Buffer.concat(seeds)],
  words: [
    "\x00\x00\x00\x00\x00\x00\x00\x00",
    "\xff\xff\xff\xff",
    "\x7f\xff\xff\xff",
    "\xfe\xff\xff\xff\x0f",
    "\x01",
    "\x02",
  ],
  testInputs: 500,
  open: async () => {
    const [good = Buffer.alloc(0)] = seeds;
    const [expected] = await visited(good);
    return {
      // What comes before is read, whatever follows it.
      judge: async (input) => {
        const [records, end] = await visited(Buffer.concat([good, input]));
        assert.deepEqual(records[0], expected?.[0]);
        return `${Math.min(records.length, 4)} ${end}`;
      },
    };
  },
};

async function visited(bytes: Buffer): Promise<[FetchedRecord[], string]> {
  const records: FetchedRecord[] = [];
  const search = new AppendedSearch([]);
  let end: string;
  try {
    const next = await visitRecords(bytes, (record) => {
      assert.ok(record.headers.length <= mostHeaders);
      search.visit(record);
      records.push(record);
    });
    end = next === undefined ? "nothing" : "all";
  } catch (reason) {
    assert.ok(reason instanceof RangeError || reason instanceof MissingCodec, String(reason));
    end = reason.message;
  }
  assert.equal(search.found.size, 0);
  return [records, end];
}
