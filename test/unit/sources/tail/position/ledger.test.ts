import assert from "node:assert/strict";
import { test } from "node:test";
import { type Passing, type OpenLine, Ledger } from "../../../../../daemon/sources/tail/position/ledger.ts";
import { seededRandom } from "../../../../rig/random.ts";
import { PassingCallback } from "../../../../rig/passing.ts";

/** A ledger of offsets, with the functions that settle them and the offsets that were passed. */
function ledgerOf(offsets: number[]) {
  const ledger = new Ledger<number>();
  const settle = new Map<number, () => void>();
  const passed: number[] = [];
  for (const offset of offsets) {
    ledger.take(offset, (line) => {
      settle.set(offset, () => line.settled());
      return new PassingCallback(() => void passed.push(offset));
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

test("a line that is settled while it is being passed on counts as passed once that is done", () => {
  const ledger = new Ledger<number>();
  const seen: string[] = [];
  ledger.take(1, (line) => {
    line.settled();
    seen.push(`held: ${ledger.size}`);
    return new PassingCallback(() => void seen.push("passed"));
  });
  assert.deepEqual(seen, ["held: 1", "passed"]);
  assert.equal(ledger.size, 0);
});

test("settling again, or settling others from a passed line, does no harm", () => {
  const ledger = new Ledger<number>();
  const settle: (() => void)[] = [];
  const passed: number[] = [];
  for (const offset of [1, 2, 3]) {
    ledger.take(offset, (line) => {
      settle.push(() => line.settled());
      return new PassingCallback(() => {
        passed.push(offset);
        settle[1]?.();
      });
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

test("with any order of outcomes the first line without one is the oldest, and memory is freed", () => {
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

test("one open line keeps nothing of the ignored lines behind it, and a limited part of the done ones", () => {
  const ledger = new Ledger<number>(100);
  const passed: number[] = [];
  const oldest: OpenLine[] = [];
  ledger.take(0, (line) => {
    oldest.push(line);
    return new Counting(passed, 0);
  });
  for (let line = 1; line <= 100_000; line++) {
    if (line % 2 === 0) ledger.ignored(3);
    // A handler that parsed it does not want it.
    else if (line % 3 === 0)
      ledger.take(line, (open) => {
        open.settled();
        return undefined;
      });
    else ledger.take(line, (open) => (open.settled(), new Counting(passed, line)));
    assert.ok(ledger.size <= 202, `${ledger.size} are kept`);
  }
  const named = [...ledger.doneBeyond()];
  assert.ok(named.length >= 100);
  assert.deepEqual(named.slice(0, 4), [1, 5, 7, 11]);
  assert.deepEqual(ledger.readAgain, { ignored: 150_000 + 16_667, done: 33_333 - named.length });
  oldest[0]?.settled();
  assert.deepEqual(passed, [0, 99_997], "the run is passed as one, by its last line");
  assert.equal(ledger.size, 0);
  assert.deepEqual(ledger.readAgain, { ignored: 0, done: 0 });
});

test("the named lines are the oldest done ones in any order of outcomes, and all of them if few are done", () => {
  const random = seededRandom(11);
  for (const most of [5, 1000]) {
    const ledger = new Ledger<number>(most);
    const open = new Map<number, () => void>();
    const done: number[] = [];
    for (let line = 0; line < 400; line++) {
      ledger.take(line, (open_) => {
        open.set(line, () => open_.settled());
        return new PassingCallback(() => undefined);
      });
      if (random() < 0.7) {
        const lines = [...open.keys()].slice(1);
        const pick = lines[Math.floor(random() * lines.length)];
        if (pick !== undefined) {
          open.get(pick)?.();
          open.delete(pick);
          done.push(pick);
        }
      }
      const named = [...ledger.doneBeyond()];
      assert.deepEqual(
        named,
        named.toSorted((a, b) => a - b),
      );
      if (most === 1000)
        assert.deepEqual(
          named,
          done.toSorted((a, b) => a - b),
        );
      else assert.ok(named.length <= 2 * most);
      assert.ok(named.every((each) => done.includes(each)));
      assert.equal(ledger.readAgain.done, done.length - named.length);
    }
  }
});

test("beyond the maximum of done lines the tail waits for the oldest open one", async () => {
  const ledger = new Ledger<number>(10, 100);
  const open: OpenLine[] = [];
  const take = (line: number, isOpen: boolean): void =>
    ledger.take(line, (entry) => {
      if (isOpen) open.push(entry);
      else entry.settled();
      return new PassingCallback(() => undefined);
    });
  take(0, true);
  for (let line = 1; line <= 99; line++) {
    take(line, line === 50);
    assert.equal(ledger.room(), undefined);
  }
  take(100, false);
  assert.equal(ledger.room(), undefined);
  take(101, false);
  const room = ledger.room();
  assert.ok(room !== undefined);
  open[0]?.settled();
  await room;
  assert.equal(ledger.room(), undefined);
  assert.equal(ledger.oldest, 50);
});

/** A line that is reported for others as well, by the newest of them. */
class Counting implements Passing {
  readonly #passed: number[];
  #newest: number;

  constructor(passed: number[], line: number) {
    this.#passed = passed;
    this.#newest = line;
  }

  passed(): void {
    this.#passed.push(this.#newest);
  }

  join(later: Counting): void {
    this.#newest = later.#newest;
  }
}
