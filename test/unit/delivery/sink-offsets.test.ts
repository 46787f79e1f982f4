import assert from "node:assert/strict";
import { test } from "node:test";
import { SinkOffsets, type StoredRecord } from "../../../daemon/delivery/sink-offsets.ts";
import { seededRandom } from "../../rig/random.ts";

test("the mark is the lowest record that is not passed, or else the next one; checked against a brute-force search", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seededRandom(seed);
    const offsets = new SinkOffsets();
    offsets.seed({ "a/0": 5, "a/1": 0, "b/0": 1000 });
    const next: Record<string, number> = { "a/0": 5, "a/1": 0, "b/0": 1000 };
    const kept: { partition: string; record: StoredRecord }[] = [];
    for (let step = 0; step < 3000; step++) {
      const partition = ["a/0", "a/1", "b/0"][Math.floor(random() * 3)] ?? "a/0";
      if (random() < 0.5) {
        const offset = (next[partition] ?? 0) + Math.floor(random() * 3);
        kept.push({ partition, record: offsets.stored(partition, offset) });
        next[partition] = offset + 1;
      } else if (kept.length > 0) {
        // Mostly old ones, as the checkpoint advances; sometimes any open one.
        const [passed] = kept.splice(Math.floor(random() ** 3 * kept.length), 1);
        if (passed !== undefined) passed.record.pass();
      }
      if (step % 10 > 0) continue;
      const expected = { ...next };
      for (const { partition: at, record } of kept) {
        expected[at] = Math.min(expected[at] ?? Infinity, record.offset);
      }
      assert.deepEqual(offsets.low(), expected, `seed ${seed}, step ${step}`);
    }
  }
});

test("an earlier process's mark holds until it is passed, whatever is acknowledged in the meantime", () => {
  const offsets = new SinkOffsets();
  const [held] = offsets.hold({ "a/0": 40 });
  offsets.seed({ "a/0": 60, "a/1": 7 });
  offsets.stored("a/0", 60).pass();
  assert.deepEqual(offsets.low(), { "a/0": 40, "a/1": 7 });
  assert.ok(held !== undefined);
  held.pass();
  assert.deepEqual(offsets.low(), { "a/0": 61, "a/1": 7 });
});

test("a mark that is passed before anything is written does not fall back to the beginning", () => {
  for (const next of [{}, { "a/0": 60 }]) {
    const offsets = new SinkOffsets();
    const [held] = offsets.hold({ "a/0": 40 });
    offsets.seed(next);
    assert.ok(held !== undefined);
    held.pass();
    assert.deepEqual(offsets.low(), { "a/0": 40, ...next });
  }
});

test("a recreated file is looked up from its first open record", () => {
  const offsets = new SinkOffsets();
  offsets.seed({ "a/0": 0 });
  const inOldFile = offsets.stored("a/0", 5000);
  const inNewFile = offsets.stored("a/0", 0);
  offsets.stored("a/0", 120).pass();
  assert.deepEqual(offsets.low(), { "a/0": 0 });
  inNewFile.pass();
  assert.deepEqual(offsets.low(), { "a/0": 5000 });
  inOldFile.pass();
  assert.deepEqual(offsets.low(), { "a/0": 121 });
});
