import assert from "node:assert/strict";
import { test } from "node:test";
import { Ledger } from "../../../../../daemon/sources/tail/position/ledger.ts";
import { seededRandom } from "../../../../rig/random.ts";

/** A ledger of offsets, with the number of each. */
class Offsets {
  readonly ledger: Ledger<string>;
  readonly lines = new Map<number, number>();

  constructor(offsets: readonly number[] = [], ledger = new Ledger<string>()) {
    this.ledger = ledger;
    for (const offset of offsets) this.take(offset);
  }

  take(offset: number, reading = "a"): number {
    const line = this.ledger.take(reading, offset);
    this.lines.set(offset, line);
    this.ledger.handed(line, false);
    return line;
  }

  settle(offset: number): void {
    this.ledger.settled("acknowledged", this.lines.get(offset) ?? -1);
  }

  get beyond(): number[] {
    return [...this.ledger.doneBeyond()].map(({ offset }) => offset);
  }

  get oldest(): number | undefined {
    return this.ledger.oldest?.offset;
  }
}

test("the position moves over a contiguous prefix of done lines only", () => {
  const log = new Offsets([100, 250, 400, 610]);
  const fronts: number[] = [];
  log.ledger.onFront = (front) => fronts.push(front);
  log.settle(250);
  log.settle(400);
  assert.equal(log.oldest, 100);
  assert.deepEqual(log.beyond, [250, 400]);
  assert.deepEqual(fronts, []);
  log.settle(100);
  assert.equal(log.oldest, 610);
  assert.deepEqual(log.beyond, []);
  assert.deepEqual(fronts, [3]);
  log.settle(610);
  assert.equal(log.oldest, undefined);
  assert.equal(log.ledger.size, 0);
  assert.deepEqual(fronts, [3, 4]);
});

test("a line that is settled while it is being passed on counts as passed once that is done", () => {
  const ledger = new Ledger<string>();
  const fronts: number[] = [];
  ledger.onFront = (front) => fronts.push(front);
  const line = ledger.take("a", 1);
  ledger.settled("acknowledged", line);
  assert.equal(ledger.front, line);
  assert.deepEqual(fronts, []);
  ledger.handed(line, false);
  assert.deepEqual(fronts, [line + 1]);
  assert.equal(ledger.size, 0);
});

test("settling again, or settling others when the position moves, does no harm", () => {
  const log = new Offsets([1, 2, 3]);
  const fronts: number[] = [];
  log.ledger.onFront = (front) => {
    fronts.push(front);
    log.settle(2);
  };
  log.settle(1);
  log.settle(1);
  assert.deepEqual(fronts, [1, 2]);
  assert.equal(log.oldest, 3);
  log.settle(1);
  assert.equal(log.ledger.size, 1);
});

test("a noted line counts as done beyond an open one, and needs no entry without one", () => {
  const log = new Offsets([1]);
  log.ledger.note("a", 2);
  assert.deepEqual(log.beyond, [2]);
  log.settle(1);
  log.ledger.note("a", 3);
  assert.equal(log.ledger.size, 0);
});

test("a line that no handler wants leaves nothing, and the next line gets its number", () => {
  const log = new Offsets([1]);
  const line = log.ledger.take("b", 2);
  log.ledger.handed(line, true);
  assert.equal(log.ledger.size, 1);
  assert.equal(log.take(3, "c"), line);
  assert.deepEqual(log.ledger.readAgain, { ignored: 1, done: 0 });
  log.settle(1);
  assert.deepEqual(log.ledger.oldest, { reading: "c", offset: 3 });
  assert.deepEqual(log.ledger.readAgain, { ignored: 0, done: 0 });
});

test("each line belongs to the reading in which it was taken, over any number of readings", () => {
  const random = seededRandom(3);
  const log = new Offsets();
  const readings = new Map<number, string>();
  const open: number[] = [];
  let file = 0;
  for (let offset = 0; offset < 20_000; offset++) {
    if (random() < 0.01) file++;
    log.take(offset, `file ${file}`);
    readings.set(offset, `file ${file}`);
    open.push(offset);
    while (open.length > 3000 * random()) log.settle(open.splice(Math.floor(random() ** 3 * open.length), 1)[0] ?? -1);
    const { oldest } = log.ledger;
    assert.equal(oldest?.offset, open[0]);
    assert.equal(oldest?.reading, open[0] === undefined ? undefined : readings.get(open[0]));
    if (offset % 500 > 0) continue;
    const done = [...log.ledger.doneBeyond()];
    for (const one of done) assert.equal(one.reading, readings.get(one.offset));
    assert.equal(done.length, log.ledger.size - open.length);
  }
});

test("with any order of outcomes the first line without one is the oldest, and memory is freed", () => {
  const random = seededRandom(7);
  const log = new Offsets();
  const open = new Set<number>();
  for (let offset = 0; offset < 20_000; offset++) {
    log.take(offset);
    open.add(offset);
    while (open.size > random() * 100) {
      const offsets = [...open];
      const pick = offsets[Math.floor(random() * offsets.length)] ?? 0;
      log.settle(pick);
      open.delete(pick);
    }
    if (offset % 97 === 0) assert.equal(log.oldest, open.size === 0 ? undefined : Math.min(...open));
  }
  for (const offset of open) log.settle(offset);
  assert.equal(log.ledger.size, 0);
});

test("behind one open line nothing is kept of ignored and unwanted lines, and a limited part of the done ones is named", () => {
  const log = new Offsets([0], new Ledger<string>(100));
  let done = 0;
  for (let offset = 1; offset <= 100_000; offset++) {
    if (offset % 2 === 0) log.ledger.ignored(3);
    // A handler that parsed it does not want it.
    else if (offset % 3 === 0) log.ledger.handed(log.ledger.take("a", offset), true);
    else {
      log.take(offset);
      log.settle(offset);
      done++;
    }
    assert.equal(log.ledger.size, done + 1);
  }
  const named = log.beyond;
  assert.equal(named.length, 100);
  assert.deepEqual(named.slice(0, 4), [1, 5, 7, 11]);
  assert.deepEqual(log.ledger.readAgain, { ignored: 150_000 + 16_667, done: 33_333 - named.length });
  log.settle(0);
  assert.equal(log.ledger.size, 0);
  assert.deepEqual(log.ledger.readAgain, { ignored: 0, done: 0 });
});

test("the named lines are the oldest done ones in any order of outcomes, and all of them if few are done", () => {
  const random = seededRandom(11);
  for (const most of [5, 1000]) {
    const log = new Offsets([], new Ledger<string>(most));
    const open = new Set<number>();
    const done: number[] = [];
    for (let offset = 0; offset < 400; offset++) {
      log.take(offset);
      open.add(offset);
      if (random() < 0.7) {
        const offsets = [...open].slice(1);
        const pick = offsets[Math.floor(random() * offsets.length)];
        if (pick !== undefined) {
          log.settle(pick);
          open.delete(pick);
          done.push(pick);
        }
      }
      assert.deepEqual(log.beyond, done.toSorted((a, b) => a - b).slice(0, most));
      assert.equal(log.ledger.readAgain.done, done.length - log.beyond.length);
    }
  }
});

test("beyond the maximum of done lines the tail waits for the oldest open one", async () => {
  const log = new Offsets([0], new Ledger<string>(10, 100));
  for (let offset = 1; offset <= 99; offset++) {
    log.take(offset);
    if (offset !== 50) log.settle(offset);
    assert.equal(log.ledger.room(), undefined);
  }
  log.take(100);
  log.settle(100);
  assert.equal(log.ledger.room(), undefined);
  log.take(101);
  log.settle(101);
  const room = log.ledger.room();
  assert.ok(room !== undefined);
  log.settle(0);
  await room;
  assert.equal(log.ledger.room(), undefined);
  assert.equal(log.oldest, 50);
});
