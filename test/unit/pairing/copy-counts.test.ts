import assert from "node:assert/strict";
import { test } from "node:test";
import { CopyCounts, fingerprintOf, maxCopies } from "../../../daemon/pairing/copy-counts.ts";
import { seededRandom } from "../../rig/random.ts";

test("agrees with a Map over random changes, also when half full and with colliding home slots", () => {
  const random = seededRandom(3);
  const table = new CopyCounts(256);
  const model = new Map<string, { tail: number; socket: number }>();
  // Few low halves: long runs that wrap round the end of the table.
  const draw = () => ({ high: Math.floor(random() * 40), low: (0xffffffff - Math.floor(random() * 12)) >>> 0 });
  for (let step = 0; step < 100_000; step++) {
    const print = draw();
    const key = `${print.high}.${print.low}`;
    const isRemoval = random() < 0.45 || (model.size >= 256 && !model.has(key));
    const copies = isRemoval
      ? { tail: 0, socket: 0 }
      : { tail: Math.floor(random() * 3), socket: 1 + Math.floor(random() * 3) };
    table.set(print, copies);
    if (isRemoval) model.delete(key);
    else model.set(key, copies);
    const probe = draw();
    assert.deepEqual(table.get(probe), model.get(`${probe.high}.${probe.low}`) ?? { tail: 0, socket: 0 });
    assert.equal(table.size, model.size);
  }
  for (const [key, copies] of model) {
    const [high, low] = key.split(".").map(Number);
    assert.deepEqual(table.get({ high: high ?? 0, low: low ?? 0 }), copies);
  }
});

test("the data of an entry moves with it when others are removed, and is removed with it", () => {
  const random = seededRandom(4);
  const table = new CopyCounts(64);
  const model = new Map<number, number>();
  for (let step = 0; step < 20_000; step++) {
    const low = Math.floor(random() * 60);
    const print = { high: 1, low: (0xfffffff0 + (low % 5)) >>> 0 };
    const key = print.low;
    if (random() < 0.4) {
      table.set(print, { tail: 0, socket: 0 });
      model.delete(key);
    } else {
      table.set(print, { tail: 1, socket: 0 });
      if (!model.has(key)) model.set(key, 0);
      if (random() < 0.5) {
        table.setContent(print, { high: step, low: step + 1 });
        model.set(key, step);
      }
    }
    for (const [at, content] of model) {
      const found = table.content({ high: 1, low: at });
      assert.deepEqual(found, { high: content, low: content === 0 ? 0 : content + 1 });
    }
  }
});

test("holds as many entries as promised, and reports when one more comes", () => {
  const table = new CopyCounts(1000);
  for (let i = 0; i < 1000; i++) table.set({ high: i, low: i * 7 }, { tail: 1, socket: 0 });
  assert.throws(() => table.set({ high: 1000, low: 7000 }, { tail: 1, socket: 0 }), /full/);
  table.set({ high: 5, low: 35 }, { tail: 0, socket: 0 });
  table.set({ high: 1000, low: 7000 }, { tail: 1, socket: 0 });
  assert.equal(table.size, 1000);
});

test("counts stop at their maximum instead of overflowing into each other", () => {
  const table = new CopyCounts(4);
  const print = { high: 1, low: 1 };
  table.set(print, { tail: maxCopies + 5, socket: 3 });
  assert.deepEqual(table.get(print), { tail: maxCopies, socket: 3 });
  table.set(print, { tail: 2, socket: maxCopies + 5 });
  assert.deepEqual(table.get(print), { tail: 2, socket: maxCopies });
});

test("a fingerprint depends on where one part ends and the next begins", () => {
  assert.notDeepEqual(fingerprintOf(["ab", "c"], 0), fingerprintOf(["a", "bc"], 0));
  assert.notDeepEqual(fingerprintOf(["ab", ""], 0), fingerprintOf(["ab"], 0));
  assert.notDeepEqual(fingerprintOf(["ab"], 0), fingerprintOf(["ab"], 1));
  assert.deepEqual(fingerprintOf(["ab", "c"], 0), fingerprintOf(["ab", "c"], 0));
});

test("the fingerprints of ids as a busy manager assigns them are as different as random ones", () => {
  const count = 200_000;
  const seen = new Set<bigint>();
  const highs = new Set<number>();
  const lows = new Set<number>();
  let offset = 0;
  for (let i = 0; i < count; i++) {
    const second = 1_763_700_000 + Math.floor(i / 500);
    offset += 900 + (i % 13);
    const time = `2026-11-21T03:${String(Math.floor(i / 30_000) % 60).padStart(2, "0")}:00.${i % 1000}+0100`;
    const { high, low } = fingerprintOf(["manager", `${second}.${offset}`, time, "001", "60122"], 0);
    seen.add((BigInt(high) << 32n) | BigInt(low));
    highs.add(high);
    lows.add(low);
  }
  assert.equal(seen.size, count);
  // Of 32 random bits each, about 4.7 would be the same.
  assert.ok(count - highs.size < 30, `${count - highs.size} high halves repeat`);
  assert.ok(count - lows.size < 30, `${count - lows.size} low halves repeat`);
});
