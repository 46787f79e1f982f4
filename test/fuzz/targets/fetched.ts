import assert from "node:assert/strict";
import { MissingCodec } from "../../../daemon/sinks/kafka/compression.ts";
import { visitRecords, type StoredRecord } from "../../../daemon/sinks/kafka/record-reader.ts";
import { StandingSearch } from "../../../daemon/sinks/kafka/standing.ts";
import { sealedBatch } from "../../unit/sinks/kafka/rig.ts";
import { batchOf, recordOf } from "../../unit/sinks/kafka/stored.ts";
import type { Target } from "../target.ts";

const mostHeaders = 64;
const small = Buffer.from("value");

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
  Buffer.alloc(0),
];

/** What a broker hands out of a topic that others write to as well: it ends in an error that is known, or in records. */
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
      // What stands before is read, whatever follows it.
      judge: async (input) => {
        const [records, end] = await visited(Buffer.concat([good, input]));
        assert.deepEqual(records[0], expected?.[0]);
        return `${Math.min(records.length, 4)} ${end}`;
      },
    };
  },
};

async function visited(bytes: Buffer): Promise<[StoredRecord[], string]> {
  const records: StoredRecord[] = [];
  const search = new StandingSearch([]);
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
