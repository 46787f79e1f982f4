import assert from "node:assert/strict";
import { renameSync, unlinkSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { eventually } from "../rig/eventually.ts";
import { killDescriptor } from "../unit/sources/tail/support/dead-descriptor.ts";
import { LogTree } from "../unit/sources/tail/support/log-tree.ts";
import { KeepingIntake, TestTail } from "../unit/sources/tail/support/test-tail.ts";

/** Looks again and again, as over some seconds. */
async function seconds(tail: TestTail, count: number): Promise<void> {
  for (let second = 0; second < count; second++) {
    tail.nowMs += 1000;
    await tail.turn(2);
  }
}

test("a descriptor that died is replaced, even in the middle of a line, and nothing is lost or comes twice", async () => {
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
  assert.equal(tail.logged.find("warn", /could no longer be read: EIO.*opened again/).length, 1);
  assert.equal(tail.tail.status()?.state, "following");
  tree.rotate("22");
  tree.write("22");
  await tail.turn();
  await tail.stop();
  await using again = await TestTail.start(tree);
  assert.deepEqual([tail.texts.at(-1), ...again.texts], ["22"]);
});

test("a descriptor that died after the rotation, or when the file was already compressed, is replaced by a file with the same content", async () => {
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

test("while the path is missing the dead descriptor is kept, and it is replaced when the path is back", async () => {
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

test("a stop right after a descriptor was replaced in the middle of a line leaves that line whole", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  const first = await TestTail.start(tree);
  let stopped: Promise<void> | undefined;
  first.logged.heard = (text) => {
    if (text.includes("opened again")) stopped = first.stop();
  };
  tree.write("one", "t".repeat(10_000));
  tree.writeRaw("th");
  await first.turn();
  killDescriptor(tree.alertsJson);
  tree.writeRaw("re");
  first.waker.wake();
  await eventually("the stop", () => stopped !== undefined);
  await stopped;
  tree.writeRaw("e\n");
  await using second = await TestTail.start(tree);
  assert.deepEqual(second.texts, ["three"]);
});

test("a file whose descriptor died is found at the path of alerts.json when its dated name is gone", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  await using tail = await TestTail.start(tree);
  tree.write("x".repeat(10_000));
  await tail.turn();
  killDescriptor(tree.alertsJson);
  unlinkSync(tree.dated("21"));
  tree.write("unread");
  await seconds(tail, 2);
  assert.deepEqual(tail.texts.slice(1), ["unread"]);
});

for (const [other, content] of [
  ["another beginning", `${"y".repeat(2000)}${"x".repeat(8000)}\nof another file\n`],
  ["the same beginning", `${"x".repeat(2000)}${"y".repeat(8000)}\nof another file\n`],
] as const) {
  test(`a file with ${other} and other content in place of one whose descriptor died is not taken for it`, async () => {
    using tree = new LogTree();
    tree.rotate("21");
    await using tail = await TestTail.start(tree);
    tree.write("x".repeat(10_000));
    await tail.turn();
    killDescriptor(tree.alertsJson);
    tree.write("lost");
    unlinkSync(tree.dated("21"));
    tree.rotate("22");
    tree.write("22");
    writeFileSync(tree.dated("21"), content);
    await seconds(tail, 59);
    assert.equal(tail.texts.length, 1);
    await seconds(tail, 50);
    assert.equal(tail.logged.find("warn", /opened again/).length, 0);
    assert.equal(tail.logged.find("error", /What followed byte 10001 is lost unless/).length, 1);
    assert.equal(tail.texts.at(-1), "22");
  });
}

test("a file whose descriptor died and that no longer exists is given up after a minute, and the log continues", async () => {
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

test("a read that failed once is no longer a trouble when reading has got past it, even in the middle of a long file", async () => {
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

test("a descriptor that failed once and can be read again is no longer a trouble, even in the middle of a long file", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  const intake = new KeepingIntake();
  await using tail = await TestTail.start(tree, { intake });
  tree.write("one");
  await tail.turn();
  const revive = killDescriptor(tree.alertsJson);
  const alerts = `${tree.root}/alerts`;
  renameSync(alerts, `${alerts}.away`);
  await tail.turn();
  assert.match(tail.tail.status()?.state ?? "", /EIO/);
  revive(`${alerts}.away/alerts.json`);
  tree.write("two", "x".repeat(900_000), "y".repeat(900_000));
  // There is room for part of it only.
  intake.settlesAtOnce = false;
  const room = intake.room.bind(intake);
  intake.room = () => {
    if (intake.texts.length === 3) intake.fill();
    return room();
  };
  tail.waker.wake();
  await intake.waitedFor();
  await tail.checkpoint(); // It measures, too.
  assert.equal(tail.tail.status()?.state, "catching-up");
  assert.equal(tail.logged.find("warn", /opened again/).length, 0);
  intake.empty();
});
