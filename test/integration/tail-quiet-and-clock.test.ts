import assert from "node:assert/strict";
import { test } from "node:test";
import { LogTree } from "../unit/sources/tail/support/log-tree.ts";
import { TestTail } from "../unit/sources/tail/support/test-tail.ts";

test("on a quiet manager, lines that only the unlinked inode of a compressed day holds are read, and the .gz is not read again", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  await using tail = await TestTail.start(tree);
  tree.write("before midnight");
  await tail.turn();
  tree.compress("21");
  tree.write("after midnight");
  tree.rotate("22");
  tree.write("next day");
  await tail.turn();
  assert.deepEqual(tail.texts, ["before midnight", "after midnight", "next day"]);
});

test("on a quiet manager, a restart continues in the unlinked inode", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  const first = await TestTail.start(tree);
  tree.write("x".repeat(100), "before midnight");
  await first.turn();
  await first.stop();
  tree.compress("21");
  tree.write("after midnight");
  const second = await TestTail.start(tree);
  assert.deepEqual(second.texts, ["after midnight"]);
  tree.rotate("22");
  tree.write("next day");
  await second.turn();
  assert.deepEqual(second.texts, ["after midnight", "next day"]);
  await second.stop();
});

test("on a quiet manager, a backlog that ends in the unlinked inode is read once", async () => {
  using tree = new LogTree();
  tree.rotate("20");
  const first = await TestTail.start(tree);
  await first.stop();
  tree.write("20");
  tree.rotate("21");
  tree.write("21".repeat(50));
  tree.compress("21");
  tree.write("after midnight");
  const second = await TestTail.start(tree);
  assert.deepEqual(second.texts, ["20", "21".repeat(50), "after midnight"]);
  await second.stop();
});

test("on a quiet manager, each look that finds nothing new is one at the end of the log", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  let ends = 0;
  await using tail = await TestTail.start(tree, { onEnd: () => (ends += 1) });
  tree.write("one");
  await tail.turn();
  // Shortly after a write the file is looked at thoroughly.
  while (tail.waker.wake()) await tail.idle();
  const before = ends;
  assert.equal(tail.waker.wake(), false);
  assert.equal(tail.waker.wake(), false);
  assert.equal(ends, before + 2);
});

test("when the clock steps back, the older file is continued where it was left, and the newer one later too", async () => {
  using tree = new LogTree();
  tree.rotate("20");
  await using tail = await TestTail.start(tree);
  tree.write("20 a");
  tree.rotate("21");
  tree.write("21 a");
  await tail.turn();
  tree.rotate("20");
  tree.write("20 b");
  await tail.turn();
  tree.rotate("21");
  tree.write("21 b");
  await tail.turn();
  tree.rotate("22");
  tree.write("22");
  await tail.turn();
  assert.deepEqual(tail.texts, ["20 a", "21 a", "20 b", "21 b", "22"]);
});

test("when the clock steps back to an archive from before the first start, only what is added is read", async () => {
  using tree = new LogTree();
  tree.rotate("20");
  tree.write("old");
  tree.rotate("21");
  await using tail = await TestTail.start(tree);
  tree.rotate("20");
  tree.write("new");
  await tail.turn();
  assert.deepEqual(tail.texts, ["new"]);
});

test("when the clock steps back, a fresh file under the name of a compressed day is read from its beginning", async () => {
  using tree = new LogTree();
  tree.rotate("20");
  await using tail = await TestTail.start(tree);
  tree.write("20 a".repeat(30));
  tree.rotate("21");
  tree.write("21 a");
  await tail.turn();
  tree.compress("20");
  tree.rotate("20");
  tree.write("20 fresh");
  await tail.turn();
  assert.deepEqual(tail.texts.slice(1), ["21 a", "20 fresh"]);
});

test("on a quiet manager, a restart before a .gz that lacks what was read from the unlinked inode repeats nothing", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  const first = await TestTail.start(tree);
  tree.write("x".repeat(2000));
  await first.turn();
  tree.compress("21");
  tree.write("after midnight");
  await first.turn();
  await first.stop();
  tree.rotate("22");
  tree.write("22");
  const second = await TestTail.start(tree);
  assert.deepEqual(second.texts, ["22"]);
  assert.equal(second.logged.find("warn", /21\.json\.gz ends at byte 2001, before byte 2016/).length, 1);
  assert.deepEqual(second.logged.find("error", /./), []);
  await second.stop();
});

for (const isFresh of [false, true]) {
  const what = isFresh ? "a fresh file" : "an older file";
  test(`when the clock steps back, what was read from ${what} comes again if an older line is still open`, async () => {
    using tree = new LogTree();
    tree.rotate("20");
    const first = await TestTail.start(tree, {}, false);
    tree.write("20 a".repeat(30));
    tree.rotate("21");
    await first.turn();
    if (isFresh) tree.compress("20");
    first.settle();
    tree.write("21 a");
    tree.rotate("20");
    tree.write("20 b", "20 c");
    await first.turn();
    first.intake.taken.at(-1)?.settle();
    await first.stop();
    tree.rotate("22");
    tree.write("22");
    const second = await TestTail.start(tree);
    assert.deepEqual(second.texts.toSorted(), ["20 b", "21 a", "22"]);
    await second.stop();
  });
}

test("when the clock steps back, a newer file that was not read yet is read before the older one is continued", async () => {
  using tree = new LogTree();
  tree.rotate("20");
  tree.rotate("21");
  await (await TestTail.start(tree)).stop();
  tree.write("21");
  tree.rotate("22");
  tree.write("22");
  tree.rotate("20");
  tree.write("20");
  await using tail = await TestTail.start(tree);
  assert.deepEqual(tail.texts, ["21", "22", "20"]);
});
