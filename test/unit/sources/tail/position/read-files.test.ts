import assert from "node:assert/strict";
import { test } from "node:test";
import { rankOfDay } from "../../../../../daemon/sources/tail/log/dated-name.ts";
import { ReadFiles } from "../../../../../daemon/sources/tail/position/read-files.ts";

test("what is remembered of dated files stays small however many there were, and a day long before them stays unread", () => {
  const files = new ReadFiles();
  files.note(rankOfDay(1970, 0, 1), Buffer.from("stray"), 5, "1");
  for (let day = 0; day < 3000; day++) {
    const rank = rankOfDay(2020 + Math.floor(day / 372), Math.floor(day / 31) % 12, (day % 31) + 1);
    for (const number of [0, 1, 2]) files.note(rank + number, Buffer.from(`${rank} ${number}`), 17, "99");
  }
  assert.ok(files.text.length < 64 * 1024);
  const again = new ReadFiles();
  again.restore(files.text);
  assert.equal(again.text, files.text);
  const newest = again.newest;
  assert.equal(again.of(newest).length, 1);
  assert.ok(again.isCovered(rankOfDay(2020, 5, 5)) && again.isCovered(rankOfDay(2027, 6, 6)));
  assert.ok(!again.isCovered(newest + 1) && !again.isCovered(rankOfDay(1970, 0, 2)));
  assert.equal(again.of(rankOfDay(1970, 0, 1)).length, 1);
});

test("a file that grows has one entry, and another one with its name keeps its own", () => {
  const files = new ReadFiles();
  const rank = rankOfDay(2026, 10, 21);
  files.note(rank, Buffer.from("an older file, compressed"), 25, "1");
  const head = Buffer.from("x".repeat(300));
  for (let length = 1; length <= head.length; length++) files.note(rank, head.subarray(0, length), length, "2");
  assert.deepEqual(
    files.of(rank).map(({ end, inode }) => [end, inode]),
    [
      [25, "1"],
      [300, "2"],
    ],
  );
});
