import assert from "node:assert/strict";
import { test } from "node:test";
import { Visits, type VisitedFile } from "../../../daemon/proof/visits.ts";

function file(name: string | null, text = name ?? "live"): () => VisitedFile {
  return () => ({ name, head: { length: 64, hash: Buffer.from(text).toString("hex").padEnd(64, "0") } });
}

function shown(visits: ReturnType<Visits["upTo"]>): unknown[] {
  return visits.map(({ file: name, from, to, visit, lost_bytes: lost }) => [name, from, to, visit, lost]);
}

test("a stretch goes over the files in the order in which they were read, up to the position", () => {
  const visits = new Visits();
  visits.begin(1, file("a"), 5, undefined);
  visits.begin(2, file("b"), 0, 100);
  visits.begin(3, file("c"), 0, 70);
  assert.deepEqual(shown(visits.upTo({ reading: 2, offset: 30 })), [
    ["a", 5, 100, 1, undefined],
    ["b", 0, 30, 2, undefined],
  ]);
  visits.cut({ reading: 2, offset: 30 });
  assert.deepEqual(shown(visits.upTo({ reading: 3, offset: 9 })), [
    ["b", 30, 70, 2, undefined],
    ["c", 0, 9, 3, undefined],
  ]);
});

test("a truncated file ends its visit with the bytes that were lost, and is another visit from its beginning", () => {
  const visits = new Visits();
  visits.begin(1, file("a"), 0, undefined);
  visits.begin(2, file("a"), 0, 50, 12);
  assert.deepEqual(shown(visits.upTo({ reading: 2, offset: 8 })), [
    ["a", 0, 50, 1, 12],
    ["a", 0, 8, 2, undefined],
  ]);
});

test("after a restart a file that is read on from the saved place is the same visit; any other is a new one", () => {
  for (const [name, from, visit] of [
    ["a", 30, 1],
    ["a", 20, 2],
    ["b", 30, 2],
  ] as const) {
    const visits = new Visits();
    visits.begin(1, file("a"), 0, undefined);
    const saved = visits.upTo({ reading: 1, offset: 30 });
    const again = new Visits();
    again.restore(JSON.parse(JSON.stringify(saved)), 1);
    again.begin(1, file(name), from, undefined);
    const rest =
      visit === 1
        ? [["a", 0, 44, 1, undefined]]
        : [
            ["a", 0, 30, 1, undefined],
            [name, from, 44, 2, undefined],
          ];
    assert.deepEqual(shown(again.upTo({ reading: 1, offset: 44 })), rest);
  }
});

test("without a position there is what was saved, until it is cut", () => {
  const visits = new Visits();
  visits.restore([{ file: null, head: null, from: 0, to: 5, visit: 3 }], 3);
  assert.deepEqual(shown(visits.upTo(undefined)), [[null, 0, 5, 3, undefined]]);
  visits.cut(undefined);
  assert.deepEqual(visits.upTo(undefined), []);
});
