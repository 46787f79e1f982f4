import assert from "node:assert/strict";
import { statSync, truncateSync } from "node:fs";
import { test } from "node:test";
import { LogTree } from "../unit/sources/tail/support/log-tree.ts";
import { TestTail } from "../unit/sources/tail/support/test-tail.ts";

const line = (number: number, filler = 300): string =>
  `{"timestamp":"2026-11-21T10:00:00.${String(number % 1000).padStart(3, "0")}+0100","n":${number},"x":"${"x".repeat(filler)}"}`;
const lines = (from: number, to: number, filler?: number): string[] =>
  Array.from({ length: to - from }, (_, index) => line(from + index, filler));

/** Truncates alerts.json as a power loss does, which takes what was not on disk yet. */
function loseEnd(tree: LogTree, bytes: number): void {
  truncateSync(tree.alertsJson, statSync(tree.alertsJson).size - bytes);
  // analysisd starts again, and appends.
  tree.open("21");
}

const lengthOf = (texts: readonly string[]): number => texts.join("\n").length + 1;

for (const [what, appended] of [
  ["nothing was written since", []],
  ["little was written since", lines(900, 902)],
  ["more was written since than was lost", lines(900, 950)],
] as const) {
  for (const stop of ["a crash", "a stop"] as const) {
    test(`alerts.json lost its end, ${what}, after ${stop}: nothing of what is left comes again, everything new comes`, async () => {
      using tree = new LogTree();
      tree.rotate("21");
      const first = await TestTail.start(tree);
      tree.write(...lines(0, 50));
      await first.turn();
      await first.checkpoint();
      tree.write(...lines(50, 100));
      await first.turn();
      await first.checkpoint();
      await (stop === "a crash" ? first.crash() : first.stop());
      loseEnd(tree, lengthOf(lines(96, 100)));
      tree.write(...appended);
      const second = await TestTail.start(tree);
      assert.deepEqual(second.texts, appended);
      assert.equal(second.logged.find("warn", /lost its end .*Continuing there/).length, 1);
      assert.deepEqual(second.logged.find("error", /./), []);
      tree.write(line(960));
      await second.turn();
      assert.deepEqual(second.texts, [...appended, line(960)]);
      await second.stop();
    });
  }
}

test("alerts.json lost its end in the middle of a line, and a new alert is in that line: it is taken from its beginning", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  const first = await TestTail.start(tree);
  tree.write(...lines(0, 100));
  await first.turn();
  await first.checkpoint();
  await first.crash();
  loseEnd(tree, lengthOf(lines(96, 100)) - 50);
  tree.write(line(900), line(901));
  const second = await TestTail.start(tree);
  assert.deepEqual(second.texts, [`${line(96).slice(0, 50)}${line(900)}`, line(901)]);
  await second.stop();
});

test("more was lost than the last lines that are remembered individually: only part of what is left comes again", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  const first = await TestTail.start(tree);
  for (let chunk = 0; chunk < 20; chunk++) {
    tree.write(...lines(chunk * 100, chunk * 100 + 100, 3000));
    await first.turn();
    await first.checkpoint();
  }
  await first.crash();
  loseEnd(tree, lengthOf(lines(1000, 2000, 3000)));
  tree.write(line(5000));
  const second = await TestTail.start(tree);
  assert.equal(second.texts.at(-1), line(5000));
  assert.ok(second.texts.length <= 300, `${second.texts.length} came`);
  assert.equal(second.logged.find("warn", /lost its end/).length, 1);
  await second.stop();
});

test("lines that were done beyond the position are not skipped if other lines are at their positions", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  const first = await TestTail.start(tree, {}, false);
  tree.write(...lines(0, 10));
  await first.turn();
  for (const at of [0, 1, 2, 5, 7, 9]) first.intake.taken[at]?.settle();
  await first.checkpoint();
  await first.crash();
  loseEnd(tree, lengthOf(lines(6, 10)));
  tree.write(...lines(106, 110));
  const second = await TestTail.start(tree);
  const expected = [...lines(3, 6), ...lines(106, 110)];
  assert.deepEqual(second.texts, expected);
  assert.equal(second.logged.find("warn", /3 lines in it that were done are read again/).length, 1);
  await second.stop();
});

test("lines that were done beyond the position are skipped if they are still there, even in a later file", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  const first = await TestTail.start(tree, {}, false);
  tree.write(...lines(0, 10));
  tree.rotate("22");
  tree.write(...lines(10, 20));
  await first.turn();
  for (const at of [1, 2, 5, 12, 19]) first.intake.taken[at]?.settle();
  await first.checkpoint();
  await first.crash();
  tree.write(line(20));
  const second = await TestTail.start(tree);
  assert.deepEqual(
    second.texts,
    lines(0, 21).filter((_, at) => ![1, 2, 5, 12, 19].includes(at)),
  );
  await second.stop();
});
