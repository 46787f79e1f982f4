import assert from "node:assert/strict";
import { renameSync, unlinkSync } from "node:fs";
import { test } from "node:test";
import { killDescriptor } from "../unit/sources/tail/support/dead-descriptor.ts";
import { LogTree } from "../unit/sources/tail/support/log-tree.ts";
import { TestTail } from "../unit/sources/tail/support/test-tail.ts";

/** Looks again and again, as in some seconds. */
async function seconds(tail: TestTail, count: number): Promise<void> {
  for (let second = 0; second < count; second++) {
    tail.nowMs += 1000;
    await tail.turn(2);
  }
}

test("a descriptor that died is replaced, in the middle of a line too, and nothing is lost or comes twice", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  await using tail = await TestTail.start(tree);
  tree.write("one", "t".repeat(10_000));
  tree.writeRaw("th");
  await tail.turn();
  killDescriptor(tree.alertsJson);
  tree.writeRaw("ree\n");
  tree.write("four");
  await tail.turn();
  assert.deepEqual(tail.texts, ["one", "t".repeat(10_000), "three", "four"]);
  assert.equal(tail.logged.find("warn", /could not be read any more: EIO.*opened again/).length, 1);
  assert.equal(tail.tail.status()?.state, "following");
  tree.rotate("22");
  tree.write("22");
  await tail.turn();
  await tail.stop();
  await using again = await TestTail.start(tree);
  assert.deepEqual([tail.texts.at(-1), ...again.texts], ["22"]);
});

test("a descriptor that died after the rotation, or when the file was compressed already, is replaced by what holds the same", async () => {
  for (const isCompressed of [false, true]) {
    using tree = new LogTree();
    tree.rotate("21");
    await using tail = await TestTail.start(tree);
    tree.write("x".repeat(10_000));
    await tail.turn();
    tree.write("last of 21");
    killDescriptor(tree.alertsJson);
    tree.rotate("22");
    tree.write("22");
    if (isCompressed) tree.compress("21");
    await seconds(tail, 1);
    assert.deepEqual(tail.texts.slice(1), ["last of 21", "22"]);
    assert.deepEqual(tail.logged.find("error", /./), []);
  }
});

test("while the path is away the dead descriptor is kept, and other content at the path is not taken for it", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  await using tail = await TestTail.start(tree);
  tree.write("x".repeat(10_000));
  await tail.turn();
  killDescriptor(tree.alertsJson);
  tree.write("unread");
  const alerts = `${tree.root}/alerts`;
  renameSync(alerts, `${alerts}.away`);
  await seconds(tail, 300);
  assert.match(tail.tail.status()?.state ?? "", /^waiting: .*EIO/);
  assert.equal(tail.tail.status()?.lagBytes, undefined);
  renameSync(`${alerts}.away`, alerts);
  await seconds(tail, 40);
  assert.deepEqual(tail.texts.slice(1), ["unread"]);
  assert.equal(tail.tail.status()?.state, "following");
});

test("a file that died and is nowhere any more is given up after a minute, and the log goes on", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  await using tail = await TestTail.start(tree);
  tree.write("x".repeat(10_000));
  await tail.turn();
  killDescriptor(tree.alertsJson);
  tree.write("lost");
  tree.rotate("22");
  tree.write("22");
  unlinkSync(tree.dated("21"));
  await seconds(tail, 50);
  assert.equal(tail.texts.length, 1);
  await seconds(tail, 60);
  assert.deepEqual(tail.texts.slice(1), ["22"]);
  assert.equal(tail.logged.find("error", /What followed byte 10001 is lost unless .*--at .*:10001/).length, 1);
});

test("a read that failed once is no trouble any more when reading has got past it, also in the middle of a long file", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  await using tail = await TestTail.start(tree);
  tree.write("one");
  await tail.turn();
  killDescriptor(tree.alertsJson);
  const alerts = `${tree.root}/alerts`;
  renameSync(alerts, `${alerts}.away`);
  await tail.turn();
  assert.match(tail.tail.status()?.state ?? "", /EIO/);
  renameSync(`${alerts}.away`, alerts);
  tree.write("two");
  tail.intake.fill();
  await seconds(tail, 2);
  await tail.checkpoint(); // It measures, too.
  assert.equal(tail.tail.status()?.state, "catching-up");
  tail.intake.empty();
});
