import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CopyCounts,
  maxCopies,
  nowhere,
  unknownContent,
  unpacked,
  type Content,
  type Copies,
} from "../../../daemon/pairing/copy-counts.ts";
import type { Fingerprint } from "../../../daemon/pairing/fingerprint.ts";
import { seededRandom } from "../../rig/random.ts";

const noCopies: Copies = { tail: 0, socket: 0 };

function copiesOf(table: CopyCounts, print: Fingerprint): Copies {
  const place = table.find(print);
  if (place === nowhere) return noCopies;
  assert.deepEqual(unpacked(table.countsAt(place)), { tail: table.tailAt(place), socket: table.socketAt(place) });
  return { tail: table.tailAt(place), socket: table.socketAt(place) };
}

/** With both counts 0 the entry is removed. */
function setCopies(table: CopyCounts, print: Fingerprint, { tail, socket }: Copies): void {
  const place = table.find(print);
  if (tail > 0 || socket > 0) {
    if (place === nowhere) table.insert(print, tail, socket);
    else table.setCopies(place, tail, socket);
  } else if (place !== nowhere) table.remove(place);
}

function contentOf(table: CopyCounts, print: Fingerprint): Content {
  const place = table.find(print);
  return place === nowhere ? unknownContent : { high: table.contentHighAt(place), low: table.contentLowAt(place) };
}

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
    setCopies(table, print, copies);
    if (isRemoval) model.delete(key);
    else model.set(key, copies);
    const probe = draw();
    assert.deepEqual(copiesOf(table, probe), model.get(`${probe.high}.${probe.low}`) ?? { tail: 0, socket: 0 });
    assert.equal(table.size, model.size);
  }
  for (const [key, copies] of model) {
    const [high, low] = key.split(".").map(Number);
    assert.deepEqual(copiesOf(table, { high: high ?? 0, low: low ?? 0 }), copies);
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
      setCopies(table, print, { tail: 0, socket: 0 });
      model.delete(key);
    } else {
      setCopies(table, print, { tail: 1, socket: 0 });
      if (!model.has(key)) model.set(key, 0);
      if (random() < 0.5) {
        table.setContent(table.find(print), { high: step, low: step + 1 });
        table.setHandle(table.find(print), step + 2);
        model.set(key, step);
      }
    }
    for (const [at, content] of model) {
      const found = contentOf(table, { high: 1, low: at });
      assert.deepEqual(found, { high: content, low: content === 0 ? 0 : content + 1 });
      assert.equal(table.handleAt(table.find({ high: 1, low: at })), content === 0 ? 0 : content + 2);
    }
  }
});

test("holds as many entries as promised, and reports when one more comes", () => {
  const table = new CopyCounts(1000);
  for (let i = 0; i < 1000; i++) setCopies(table, { high: i, low: i * 7 }, { tail: 1, socket: 0 });
  assert.throws(() => setCopies(table, { high: 1000, low: 7000 }, { tail: 1, socket: 0 }), /full/);
  setCopies(table, { high: 5, low: 35 }, { tail: 0, socket: 0 });
  setCopies(table, { high: 1000, low: 7000 }, { tail: 1, socket: 0 });
  assert.equal(table.size, 1000);
});

test("both ways of writing the halves of a fingerprint, signed and unsigned, are the same", () => {
  const table = new CopyCounts(4);
  table.insert({ high: 0xffffffff, low: 0x80000000 }, 1, 0);
  table.insert({ high: 5, low: 5 }, 2, 0);
  assert.deepEqual(copiesOf(table, { high: -1, low: -0x80000000 }), { tail: 1, socket: 0 });
  assert.deepEqual(copiesOf(table, { high: 0xffffffff, low: 0x80000000 }), { tail: 1, socket: 0 });
});

test("counts stop at their maximum instead of overflowing into each other", () => {
  const table = new CopyCounts(4);
  const print = { high: 1, low: 1 };
  setCopies(table, print, { tail: maxCopies + 5, socket: 3 });
  assert.deepEqual(copiesOf(table, print), { tail: maxCopies, socket: 3 });
  setCopies(table, print, { tail: 2, socket: maxCopies + 5 });
  assert.deepEqual(copiesOf(table, print), { tail: 2, socket: maxCopies });
});
