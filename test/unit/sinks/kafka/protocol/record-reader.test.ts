import assert from "node:assert/strict";
import { test } from "node:test";
import { batchOf, recordOf, recordsIn } from "../stored.ts";

const mebibyte = 1024 * 1024;
const small = Buffer.from("v");

function offsets(records: readonly { readonly offset: number }[]): number[] {
  return records.map(({ offset }) => offset);
}

function headers(count: number): [string, string][] {
  return Array.from({ length: count }, () => ["h", ""]);
}

test("a record that alone is larger than a batch of several may be is read", async () => {
  const value = Buffer.alloc(17 * mebibyte, "v");
  const { records, next } = await recordsIn(batchOf(5, [recordOf(0, value)]));
  assert.equal(next, 6);
  assert.deepEqual(offsets(records), [5]);
  assert.ok(records[0]?.value?.equals(value));
});

test("somebody else's batch that would fill the memory is skipped, and what follows it is read", async () => {
  const bombs = [
    batchOf(0, [recordOf(0, Buffer.alloc(9 * mebibyte)), recordOf(1, Buffer.alloc(9 * mebibyte))]),
    batchOf(2, [recordOf(0, Buffer.alloc(257 * mebibyte))]),
    batchOf(3, [Buffer.alloc(600_006, recordOf(0, Buffer.alloc(0)))], 100_001),
  ];
  const { records, next } = await recordsIn(Buffer.concat([...bombs, batchOf(100_004, [recordOf(0, small)])]));
  assert.equal(next, 100_005);
  assert.deepEqual(offsets(records), [100_004]);
});

test("large batches are read one after the other, and a broken one does not keep any other from its turn", async () => {
  const good = batchOf(7, [recordOf(0, Buffer.alloc(17 * mebibyte))]);
  const broken = Buffer.from(good);
  broken[broken.length - 6] = (broken[broken.length - 6] ?? 0) ^ 0xff;
  const results = await Promise.allSettled([recordsIn(good), recordsIn(broken), recordsIn(good)]);
  assert.deepEqual(
    results.map((result) => (result.status === "fulfilled" ? offsets(result.value.records) : String(result.reason))),
    [[7], "RangeError: a batch does not decompress", [7]],
  );
  await assert.rejects(recordsIn(broken), { name: "RangeError" });
  assert.deepEqual(offsets((await recordsIn(good)).records), [7]);
});

test("somebody else's record with more headers than one of ours is skipped, and its neighbours are read", async () => {
  const { records } = await recordsIn(
    batchOf(
      1,
      [64, 65, 100_000, 4].map((count, at) => recordOf(at, small, headers(count))),
    ),
  );
  assert.deepEqual(offsets(records), [1, 4]);
  assert.deepEqual(
    records.map((record) => record.headers.length),
    [64, 4],
  );
});
