import assert from "node:assert/strict";
import { test } from "node:test";
import { Ledger } from "../../../../daemon/sources/tail/ledger.ts";
import { seededRandom } from "../../../rig/random.ts";

/** A ledger of offsets, with the functions that settle them and the offsets that were passed. */
function ledgerOf(offsets: number[]) {
  const ledger = new Ledger<number>();
  const settle = new Map<number, () => void>();
  const passed: number[] = [];
  for (const offset of offsets) {
    ledger.take(offset, (line) => {
      settle.set(offset, () => line.settled());
      return { passed: () => void passed.push(offset) };
    });
  }
  return { ledger, settle, passed };
}

test("the position moves over a contiguous prefix of done lines only", () => {
  const { ledger, settle, passed } = ledgerOf([100, 250, 400, 610]);
  settle.get(250)?.();
  settle.get(400)?.();
  assert.equal(ledger.oldest, 100);
  assert.deepEqual([...ledger.doneBeyond()], [250, 400]);
  assert.deepEqual(passed, []);
  settle.get(100)?.();
  assert.equal(ledger.oldest, 610);
  assert.deepEqual([...ledger.doneBeyond()], []);
  assert.deepEqual(passed, [100, 250, 400]);
  settle.get(610)?.();
  assert.equal(ledger.oldest, undefined);
  assert.equal(ledger.size, 0);
});

test("a line that is settled while it is handed over is passed when it was handed over", () => {
  const ledger = new Ledger<number>();
  const seen: string[] = [];
  ledger.take(1, (line) => {
    line.settled();
    seen.push(`held: ${ledger.size}`);
    return { passed: () => void seen.push("passed") };
  });
  assert.deepEqual(seen, ["held: 1", "passed"]);
  assert.equal(ledger.size, 0);
});

test("settling again, and settling others from a passed line, does no harm", () => {
  const ledger = new Ledger<number>();
  const settle: (() => void)[] = [];
  const passed: number[] = [];
  for (const offset of [1, 2, 3]) {
    ledger.take(offset, (line) => {
      settle.push(() => line.settled());
      return {
        passed() {
          passed.push(offset);
          settle[1]?.();
        },
      };
    });
  }
  settle[0]?.();
  settle[0]?.();
  assert.deepEqual(passed, [1, 2]);
  assert.equal(ledger.oldest, 3);
});

test("a noted line counts as done beyond an open one, and needs no entry without one", () => {
  const { ledger, settle } = ledgerOf([1]);
  ledger.note(2);
  assert.deepEqual([...ledger.doneBeyond()], [2]);
  settle.get(1)?.();
  ledger.note(3);
  assert.equal(ledger.size, 0);
});

test("with any order of outcomes the oldest line is the first without one, and memory is given back", () => {
  const random = seededRandom(7);
  const ledger = new Ledger<number>();
  const open = new Map<number, () => void>();
  for (let offset = 0; offset < 20_000; offset++) {
    ledger.take(offset, (line) => {
      open.set(offset, () => line.settled());
      return undefined;
    });
    while (open.size > random() * 100) {
      const offsets = [...open.keys()];
      const pick = offsets[Math.floor(random() * offsets.length)] ?? 0;
      open.get(pick)?.();
      open.delete(pick);
    }
    if (offset % 97 === 0) assert.equal(ledger.oldest, open.size === 0 ? undefined : Math.min(...open.keys()));
  }
  for (const settled of open.values()) settled();
  assert.equal(ledger.size, 0);
});
