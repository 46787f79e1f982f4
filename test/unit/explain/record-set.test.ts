import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { RecordSet } from "../../../daemon/explain/record-set.ts";
import { seededRandom } from "../../rig/random.ts";

function hashOf(number: number): Buffer {
  return createHash("sha256").update(String(number)).digest();
}

test("each hash can be taken as often as it was added, over all sizes", () => {
  const random = seededRandom(7);
  const set = new RecordSet();
  const expected = new Map<number, number>();
  const draw = (): number => Math.floor(random() ** 2 * 8000);
  for (let step = 0; step < 60_000; step++) {
    const number = draw();
    const count = expected.get(number) ?? 0;
    if (random() < 0.6) {
      assert.equal(set.add(hashOf(number)), true);
      expected.set(number, count + 1);
    } else {
      assert.equal(set.take(hashOf(number)), count > 0, `${number} at step ${step}`);
      if (count > 0) expected.set(number, count - 1);
    }
  }
  for (const [number, count] of expected) {
    for (let left = count; left > 0; left--) assert.equal(set.take(hashOf(number)), true);
    assert.equal(set.take(hashOf(number)), false);
  }
  assert.equal(set.size, expected.size);
});

test("hashes that begin in the same slot are kept apart", () => {
  const set = new RecordSet();
  const hashes = Array.from({ length: 50 }, (_, at) => Buffer.concat([Buffer.alloc(12), Buffer.from([at, 0, 0, 0])]));
  for (const hash of hashes) set.add(hash);
  assert.deepEqual(
    hashes.map((hash) => [set.take(hash), set.take(hash)]),
    hashes.map(() => [true, false]),
  );
});
