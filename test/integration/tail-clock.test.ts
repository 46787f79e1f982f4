import assert from "node:assert/strict";
import { existsSync, readFileSync, truncateSync, unlinkSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { decodeCheckpoint, encodeCheckpoint } from "../../daemon/sources/tail/position/checkpoint.ts";
import { LogTree } from "../unit/sources/tail/support/log-tree.ts";
import { KeepingIntake, TestTail } from "../unit/sources/tail/support/test-tail.ts";

const two = (number: number): string => String(number).padStart(2, "0");
const part = (day: string, number: number): string =>
  number === 0 ? day : `${day}-${String(number).padStart(3, "0")}`;
const line = (name: string): string => `{"timestamp":"2026-11-21T11:24:00.123+0100","in":"${name.padEnd(100)}"}`;

/** Writes a line into each of many dated files, one after the other; every other day is compressed. */
function archive(tree: LogTree, days: number): void {
  for (let day = 1; day <= days; day++) {
    tree.rotate(two(day));
    tree.write(line(two(day)));
    if (day % 2 === 0) continue;
    tree.rotate(part(two(day), 1));
    tree.write(line(part(two(day), 1)));
    tree.compress(two(day));
  }
}

for (const isRestarted of [false, true]) {
  const how = isRestarted ? "with a restart after each step" : "while it runs";
  test(`the clock goes to 1970 for one alert and back, ${how}: the alert comes once, and no archive comes again`, async () => {
    using tree = new LogTree();
    archive(tree, 28);
    let tail = await TestTail.start(tree);
    const came: string[] = [];
    for (const [name, word] of [
      ["1970/Jan/01", "in 1970"],
      ["29", "right again"],
      ["1970/Jan/01", "in 1970 again"],
      ["29", "right once more"],
      ["30", "next day"],
    ] as const) {
      tree.rotate(name);
      tree.write(line(word));
      await tail.turn();
      if (!isRestarted) continue;
      came.push(...tail.texts);
      await tail.stop();
      tail = await TestTail.start(tree);
    }
    came.push(...tail.texts);
    assert.deepEqual(came, ["in 1970", "right again", "in 1970 again", "right once more", "next day"].map(line));
    await tail.stop();
  });
}

test("a midnight is crossed again with more parts of the day in between than are remembered individually: nothing comes twice", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  let tail = await TestTail.start(tree);
  const expected: string[] = [];
  const write = async (name: string): Promise<void> => {
    tree.rotate(name);
    tree.write(line(`${name} ${expected.length}`));
    expected.push(line(`${name} ${expected.length}`));
    await tail.turn();
  };
  const came: string[] = [];
  for (let number = 0; number < 40; number++) await write(part("22", number));
  came.push(...tail.texts);
  await tail.stop();
  tail = await TestTail.start(tree);
  // Corrected: the day before continues, and then its last parts are appended to.
  await write("21");
  await write("21-001");
  for (let number = 37; number < 45; number++) await write(part("22", number));
  await write("23");
  assert.deepEqual([...came, ...tail.texts], expected);
  await tail.stop();
});

test("files that came and went before the clock was corrected, while the forwarder was stopped, are read once", async () => {
  using tree = new LogTree();
  archive(tree, 20);
  const first = await TestTail.start(tree);
  await first.stop();
  for (const name of ["1970/Jan/01", "1970/Jan/02", "18", "19-001", "19-002", "20", "21"]) {
    tree.rotate(name);
    tree.write(line(`new in ${name}`));
  }
  const second = await TestTail.start(tree);
  const expected = ["1970/Jan/01", "1970/Jan/02", "18", "19-001", "19-002", "20", "21"];
  assert.deepEqual(second.texts.toSorted(), expected.map((name) => line(`new in ${name}`)).toSorted());
  await second.stop();
  const third = await TestTail.start(tree);
  assert.deepEqual(third.texts, []);
  await third.stop();
});

for (const isLive of [true, false]) {
  const where = isLive ? "alerts.json" : "over, too";
  test(`a .gz and a fresh plain file of the same day, which is ${where}, found after a stop: both are read`, async () => {
    using tree = new LogTree();
    tree.rotate("20");
    const first = await TestTail.start(tree);
    tree.write(line("read"));
    await first.turn();
    await first.stop();
    tree.write(line("20 old"));
    tree.rotate("21");
    tree.write(line("21 old"));
    tree.rotate("22");
    tree.write(line("22"));
    tree.compress("20");
    tree.compress("21");
    for (const day of ["20", "21"]) {
      tree.rotate(day);
      tree.write(line(`${day} fresh`));
    }
    if (!isLive) tree.rotate("23");
    if (!isLive) tree.write(line("23"));
    const second = await TestTail.start(tree);
    const words = ["20 old", "20 fresh", "21 old", "21 fresh", "22", ...(isLive ? [] : ["23"])];
    assert.deepEqual(second.texts.toSorted(), words.map(line).toSorted());
    await second.stop();
    const third = await TestTail.start(tree);
    assert.deepEqual(third.texts, []);
    await third.stop();
  });
}

test("a day that is compressed over its older .gz while the forwarder is stopped is read", async () => {
  using tree = new LogTree();
  tree.rotate("20");
  const first = await TestTail.start(tree);
  tree.write(line("20 old"));
  tree.rotate("21");
  tree.compress("20");
  tree.write(line("21"));
  await first.turn();
  await first.stop();
  tree.rotate("20");
  tree.write(line("20 fresh"));
  tree.rotate("21");
  tree.compress("20");
  const second = await TestTail.start(tree);
  assert.deepEqual(second.texts, [line("20 fresh")]);
  await second.stop();
});

test("after a restart, what was written to an older file while the newer one was read is read before the log counts as read", async () => {
  using tree = new LogTree();
  tree.rotate("27");
  const first = await TestTail.start(tree);
  tree.write(line("a"));
  await first.turn();
  await first.stop();
  tree.write(line("b"));
  tree.rotate("26");
  tree.write(line("c"));

  // The clock is right again before the newer file, which the checkpoint names, is at its end.
  const intake = new KeepingIntake();
  intake.fill();
  const ends: string[][] = [];
  const tail = new TestTail(tree, { intake, onEnd: () => ends.push(intake.texts) });
  void tail.run();
  await intake.waitedFor();
  tree.rotate("27");
  intake.empty();
  await tail.waker.asleep();
  assert.deepEqual(intake.texts, ["b", "c"].map(line));
  assert.deepEqual(ends[0], ["b", "c"].map(line));
  tree.write(line("d"));
  await tail.turn();
  assert.deepEqual(intake.texts, ["b", "c", "d"].map(line));
  await tail.stop();
});

for (const isEmpty of [true, false]) {
  const what = isEmpty ? "was empty, and went as empty files do," : "is gone";
  test(`the clock goes back to a day whose file ${what} at a restart: its alerts come, also if they are open at the next`, async () => {
    using tree = new LogTree();
    tree.rotate("01");
    const lines = isEmpty ? [] : ["lost"];
    tree.write(...lines.map(line));
    let tail = await TestTail.start(tree, { start: "beginning" });
    assert.deepEqual(tail.texts, lines.map(line));
    await tail.stop();
    const gone = tree.current;
    tree.rotate("02");
    if (!isEmpty) unlinkSync(gone);
    tail = await TestTail.start(tree);
    tail.settleAtOnce(false);
    tree.write(line("the newer day"));
    await tail.turn();
    tree.rotate("01");
    tree.write(line("the day again"));
    await tail.turn();
    await tail.stop();
    tree.write(line("while it was stopped"));
    tree.rotate("03");
    tail = await TestTail.start(tree);
    await tail.turn(3);
    assert.deepEqual(tail.texts, ["the newer day", "the day again", "while it was stopped"].map(line));
    await tail.stop();
  });
}

test("the clock was ahead for a day, and the file that was read is overwritten at a restart: what follows it is read", async () => {
  using tree = new LogTree();
  tree.rotate("27");
  tree.write(line("before"));
  let tail = await TestTail.start(tree, { start: "beginning" });
  for (const name of ["29", "28"]) {
    tree.rotate(name);
    tree.write(line(`read in ${name}`));
    await tail.turn();
  }
  await tail.checkpoint();
  await tail.crash();
  truncateSync(tree.current);
  tree.write(line("written over it"));
  tree.rotate("28-001");
  tree.compress("28");
  tree.write(line("in a part of that day"));
  tree.rotate("30");
  tree.write(line("a day later"));
  tail = await TestTail.start(tree);
  await tail.turn(4);
  assert.deepEqual(tail.texts, ["written over it", "in a part of that day", "a day later"].map(line));
  await tail.stop();
});

test("the checkpoint of an earlier version, which did not record what was read, repeats nothing and skips nothing", async () => {
  using tree = new LogTree();
  archive(tree, 20);
  const first = await TestTail.start(tree);
  tree.write(line("a"));
  await first.turn();
  await first.stop();
  const path = `${tree.stateDir}/checkpoint.json`;
  const decoded = decodeCheckpoint(readFileSync(path, "utf8"));
  assert.ok(decoded.kind === "valid");
  const { read: _read, ...older } = decoded.body;
  writeFileSync(path, encodeCheckpoint({ ...older, finished: older.finished.slice(-16) }, 99));
  tree.write(line("b"));
  tree.rotate("18");
  tree.write(line("late in 18"));
  tree.rotate("21");
  tree.write(line("c"));
  tree.rotate("1970/Jan/01");
  tree.write(line("d"));
  const second = await TestTail.start(tree);
  assert.deepEqual(second.texts, ["b", "late in 18", "c", "d"].map(line));
  tree.rotate("22");
  tree.write(line("e"));
  await second.turn();
  assert.deepEqual(second.texts, ["b", "late in 18", "c", "d", "e"].map(line));
  await second.stop();
});

test("an archive that is gone and restored from a backup is not sent by the tail, whose error says how to send it", async () => {
  using tree = new LogTree();
  tree.rotate("20");
  const first = await TestTail.start(tree);
  tree.write(line("read"));
  await first.turn();
  await first.stop();
  tree.write(line("not read"));
  tree.rotate("21");
  tree.write(line("21"));
  unlinkSync(tree.dated("20"));
  const second = await TestTail.start(tree);
  assert.deepEqual(second.texts, [line("21")]);
  tree.rotate("20");
  tree.write(line("read"), line("not read"));
  tree.rotate("22");
  tree.write(line("22"));
  assert.ok(existsSync(tree.dated("20")));
  await second.turn();
  assert.deepEqual(second.texts, [line("21"), line("22")]);
  await second.stop();
});
