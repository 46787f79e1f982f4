import assert from "node:assert/strict";
import { test } from "node:test";
import { unknownLine } from "../../../daemon/contract.ts";
import { passedLine, SinkOffsets, type StoredRecord } from "../../../daemon/delivery/sink-offsets.ts";
import { seededRandom } from "../../rig/random.ts";

test("the mark is the lowest record whose line is not passed, or else the next one; checked against a brute-force search", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seededRandom(seed);
    const offsets = new SinkOffsets();
    offsets.seed({ "a/0": 5, "a/1": 0, "b/0": 1000 });
    const next: Record<string, number> = { "a/0": 5, "a/1": 0, "b/0": 1000 };
    let kept: { partition: string; offset: number; line: number; record?: StoredRecord | undefined }[] = [];
    let [front, line] = [0, 0];
    for (let step = 0; step < 3000; step++) {
      const partition = ["a/0", "a/1", "b/0"][Math.floor(random() * 3)] ?? "a/0";
      const what = random();
      if (what < 0.5) {
        const offset = (next[partition] ?? 0) + Math.floor(random() * 3);
        // Of the socket, and so without a line at first; or one of the lines that are read next to each other.
        const of = random() < 0.3 ? unknownLine : Math.max(front, line++ - Math.floor(random() * 20));
        kept.push({ partition, offset, line: of, record: offsets.stored(partition, offset, of) });
        next[partition] = offset + 1;
      } else if (what < 0.75) {
        // The log brings one that the socket had brought, or no line ever will.
        const unmet = kept.filter((one) => one.line === unknownLine);
        const one = unmet[Math.floor(random() * unmet.length)];
        if (one !== undefined) {
          one.line = random() < 0.2 ? passedLine : line++;
          if (one.line === passedLine) one.record?.pass();
          else one.record?.coveredBy(one.line);
        }
      } else front = Math.min(line, front + Math.floor(random() * 4));
      if (step % 10 > 0) continue;
      kept = kept.filter((one) => one.line >= front);
      const expected = { ...next };
      for (const one of kept) expected[one.partition] = Math.min(expected[one.partition] ?? Infinity, one.offset);
      assert.deepEqual(offsets.low(front), expected, `seed ${seed}, step ${step}`);
    }
  }
});

test("however many records are behind one open line, little is kept of them, and the mark is never ahead", () => {
  const offsets = new SinkOffsets();
  for (let line = 1; line <= 100_000; line++) offsets.stored("a/0", line + 500, line);
  assert.ok(offsets.size <= 1024, `${offsets.size} are kept`);
  assert.deepEqual(offsets.low(0), { "a/0": 501 });
  for (let front = 0; front <= 100_000; front += 999) {
    const low = offsets.low(front)["a/0"] ?? Infinity;
    assert.ok(low <= Math.max(front, 1) + 500, `it says ${low} when ${front} is open`);
    assert.ok(low > front + 500 - 1024, `it says ${low} when ${front} is open`);
  }
  assert.deepEqual(offsets.low(100_001), { "a/0": 100_501 });
  assert.equal(offsets.size, 0);
});

test("an earlier process's mark holds until it is released, whatever is acknowledged in the meantime", () => {
  const offsets = new SinkOffsets();
  offsets.hold({ "a/0": 40 });
  offsets.seed({ "a/0": 60, "a/1": 7 });
  offsets.stored("a/0", 60, 0);
  assert.deepEqual(offsets.low(1), { "a/0": 40, "a/1": 7 });
  offsets.release();
  assert.deepEqual(offsets.low(1), { "a/0": 61, "a/1": 7 });
});

test("a mark that is released before anything is written does not fall back to the beginning", () => {
  for (const next of [{}, { "a/0": 60 }]) {
    const offsets = new SinkOffsets();
    offsets.hold({ "a/0": 40 });
    offsets.seed(next);
    offsets.release();
    assert.deepEqual(offsets.low(0), { "a/0": 40, ...next });
  }
});

test("a recreated file is looked up from its first open record", () => {
  const offsets = new SinkOffsets();
  offsets.seed({ "a/0": 0 });
  offsets.stored("a/0", 5000, 2);
  offsets.stored("a/0", 0, 1);
  offsets.stored("a/0", 120, 0);
  assert.deepEqual(offsets.low(1), { "a/0": 0 });
  assert.deepEqual(offsets.low(2), { "a/0": 5000 });
  assert.deepEqual(offsets.low(3), { "a/0": 121 });
});
