import assert from "node:assert/strict";
import { test } from "node:test";
import { bareLine, type Contribution } from "../../../daemon/proof/contribution.ts";
import { PendingLines } from "../../../daemon/proof/pending-lines.ts";
import { seededRandom } from "../../rig/random.ts";

function withPieces(salvaged: number): Contribution {
  return { ...bareLine, kind: "broken", salvaged };
}

test("what is known of lines comes when the position passes them, however far apart they are", () => {
  const random = seededRandom(7);
  const pending = new PendingLines();
  const expected = new Map<number, number>();
  while (pending.front < 40_000) {
    for (let noted = 0; noted < 50; noted++) {
      const ahead = random() < 0.02 ? 30_000 : 300;
      const line = pending.front + Math.floor(random() * ahead);
      const pieces = 1 + Math.floor(random() * 9);
      pending.note(line, withPieces(pieces));
      expected.set(line, (expected.get(line) ?? 0) + pieces);
      assert.equal(pending.of(line)?.salvaged, expected.get(line));
    }
    for (let passed = Math.floor(random() * 200); passed > 0; passed--) {
      const line = pending.front;
      assert.equal(pending.pass()?.salvaged, expected.get(line), `line ${line}`);
      assert.equal(pending.of(line), undefined);
    }
  }
  assert.equal(pending.of(pending.front + 10_000_000), undefined);
  assert.throws(() => pending.note(pending.front - 1, bareLine), /passed/);
});
