import assert from "node:assert/strict";
import { existsSync, truncateSync, unlinkSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { LogTree } from "../unit/sources/tail/support/log-tree.ts";
import { TestTail } from "../unit/sources/tail/support/test-tail.ts";

test("lines are passed on as they are written, and a part of a line only when its newline is there", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  await using tail = await TestTail.start(tree);
  tree.write("one", "a quiet one", "two");
  await tail.turn();
  assert.deepEqual(tail.texts, ["one", "two"]);
  assert.equal(tail.intake.ignoredLines, 1);
  for (const part of ["th", "re", "e"]) {
    tree.writeRaw(part);
    await tail.turn();
  }
  assert.deepEqual(tail.texts, ["one", "two"]);
  tree.writeRaw("\nfo");
  await tail.turn();
  assert.deepEqual(tail.texts, ["one", "two", "three"]);
  const place = tail.intake.taken[2]?.place;
  assert.deepEqual(place, { file: tree.dated("21"), offset: 20, length: 5 });
});

test("while alerts.json is missing during a rotation the open file is still read", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  await using tail = await TestTail.start(tree);
  tree.unlink();
  tree.write("while away");
  await tail.turn();
  assert.deepEqual(tail.texts, ["while away"]);
  tree.link();
  tree.write("back");
  await tail.turn();
  assert.deepEqual(tail.texts, ["while away", "back"]);
  assert.deepEqual(tail.logged.find("info", /read to the end/), []);
});

test("a dated file that has not become alerts.json yet is left alone", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  await using tail = await TestTail.start(tree);
  tree.open("22");
  tree.write("early");
  await tail.turn();
  tree.unlink();
  await tail.turn();
  assert.deepEqual(tail.texts, []);
  tree.link();
  await tail.turn();
  assert.deepEqual(tail.texts, ["early"]);
});

test("what was flushed just before the link moved is read before the new file, whatever its date", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  await using tail = await TestTail.start(tree);
  tree.write("last of 21");
  tree.rotate("22");
  tree.write("first of 22");
  await tail.turn();
  assert.deepEqual(tail.texts, ["last of 21", "first of 22"]);
});

test("parts of a day that came and went between two looks are read in order", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  await using tail = await TestTail.start(tree);
  const names = ["21-001", "21-002", "21-010", "21-100", "22", "2026/Dec/01", "2027/Jan/01"];
  tree.write("21");
  for (const name of names) {
    tree.rotate(name);
    tree.write(name);
  }
  await tail.turn();
  assert.deepEqual(tail.texts, ["21", ...names]);
});

test("a .gz is ignored while its plain file is there", async () => {
  using tree = new LogTree();
  tree.rotate("20");
  const first = await TestTail.start(tree);
  await first.stop();
  tree.rotate("21");
  tree.write("21");
  tree.rotate("22");
  writeFileSync(`${tree.dated("21")}.gz`, "half written");
  const second = await TestTail.start(tree);
  assert.deepEqual(second.texts, ["21"]);
  assert.deepEqual(second.logged.find("error", /./), []);
  await second.stop();
});

test("after three rotations and a compression while the forwarder was stopped nothing is missing and nothing comes twice", async () => {
  using tree = new LogTree();
  tree.rotate("20");
  const first = await TestTail.start(tree);
  tree.write("a".repeat(300), "b");
  await first.turn();
  await first.stop();
  tree.write("c");
  tree.rotate("20-001");
  tree.write("d");
  tree.rotate("21");
  tree.write("e");
  tree.compress("20", 3);
  tree.rotate("22");
  tree.write("f");
  const second = await TestTail.start(tree);
  assert.deepEqual(second.texts, ["c", "d", "e", "f"]);
  await second.stop();
});

test("what a killed analysisd left without a newline joins what the next one appends, in one line", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  await using tail = await TestTail.start(tree);
  tree.writeRaw('{"torn');
  await tail.turn();
  tree.rotate("21");
  tree.write('{"whole":1}');
  await tail.turn();
  assert.deepEqual(tail.texts, ['{"torn{"whole":1}']);
});

test("a last line without newline is an alert if it is whole, otherwise it is passed on as torn", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  await using tail = await TestTail.start(tree);
  tree.writeRaw('{"whole":1}');
  await tail.turn();
  tree.rotate("22");
  await tail.turn();
  tree.writeRaw('{"torn":');
  tree.rotate("23");
  await tail.turn();
  assert.deepEqual(
    tail.intake.taken.map(({ kind, text }) => [kind, text]),
    [
      ["line", '{"whole":1}'],
      ["torn", '{"torn":'],
    ],
  );
});

test("an alerts.json without archives may be replaced", async () => {
  using tree = new LogTree();
  writeFileSync(tree.alertsJson, "old\n");
  await using tail = await TestTail.start(tree);
  writeFileSync(tree.alertsJson, "last\n", { flag: "a" });
  unlinkSync(tree.alertsJson);
  writeFileSync(tree.alertsJson, "first\n");
  await tail.turn();
  assert.deepEqual(tail.texts, ["last", "first"]);
  assert.ok(existsSync(tree.alertsJson));
});

test("an empty file that somebody put at the path of alerts.json ends no file", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  await using tail = await TestTail.start(tree);
  tree.write("a");
  unlinkSync(tree.alertsJson);
  writeFileSync(tree.alertsJson, ""); // An administrator's touch; analysisd still writes to the dated file.
  await tail.turn();
  tree.write("b");
  await tail.turn();
  assert.deepEqual(tail.texts, ["a", "b"]);
  tree.rotate("22");
  tree.write("c");
  await tail.turn();
  assert.deepEqual(tail.texts, ["a", "b", "c"]);
});

test("a file that was written to after another one appeared is read on at the next rotation", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  await using tail = await TestTail.start(tree);
  tree.write("a");
  unlinkSync(tree.alertsJson);
  writeFileSync(tree.alertsJson, "by hand\n");
  await tail.turn();
  tree.write("b");
  await tail.turn();
  tree.rotate("22");
  tree.write("c");
  await tail.turn();
  assert.deepEqual(tail.texts, ["a", "by hand", "b", "c"]);
});

test("an empty file that lost its dated name ends no file, whatever was opened after it", async () => {
  using tree = new LogTree();
  tree.rotate("20");
  const first = await TestTail.start(tree);
  tree.write("20");
  tree.rotate("21");
  tree.discardEmpty();
  tree.open("22");
  await first.turn();
  tree.unlink();
  tree.link();
  tree.write("22");
  await first.stop();
  tree.rotate("23");
  tree.compress("22");
  const second = await TestTail.start(tree);
  assert.deepEqual([...first.texts, ...second.texts], ["20", "22"]);
  await second.stop();
});

test("while alerts.json is missing, archives that were not read are read", async () => {
  using tree = new LogTree();
  tree.rotate("20");
  await (await TestTail.start(tree)).stop();
  tree.write("20");
  tree.rotate("21");
  tree.write("21");
  tree.open("22");
  tree.write("22");
  tree.unlink();
  await using tail = await TestTail.start(tree);
  assert.deepEqual(tail.texts, ["20", "21", "22"]);
});

test("after a rotation the size of the previous file is not lag", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  await using tail = await TestTail.start(tree);
  tree.write("x".repeat(50_000));
  await tail.turn();
  await tail.checkpoint(); // It measures, too.
  tree.rotate("22");
  tree.write("new");
  await tail.turn();
  tail.intake.fill();
  tree.write("not read yet");
  await tail.turn();
  const { file, lagBytes = NaN } = tail.tail.status() ?? {};
  assert.equal(file, tree.dated("22"));
  assert.ok(lagBytes < 100, `${lagBytes} bytes`);
  tail.intake.empty();
});

test("after the clock was set back, what was read of newer files is not lag", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  await using tail = await TestTail.start(tree);
  tree.write("x".repeat(500));
  tree.rotate("22");
  tree.write("y".repeat(50_000));
  tree.rotate("23");
  tree.write("z".repeat(50_000));
  await tail.turn();
  tree.rotate("21");
  tail.intake.fill();
  tree.write("again");
  await tail.turn();
  await tail.checkpoint(); // It measures, too.
  const { file, lagBytes } = tail.tail.status() ?? {};
  assert.deepEqual([file, lagBytes], [tree.dated("21"), 6]);
  tail.intake.empty();
});

test("a truncated file has the lag of what it contains now", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  await using tail = await TestTail.start(tree);
  tree.write("x".repeat(50_000));
  await tail.turn();
  await tail.checkpoint();
  truncateSync(tree.alertsJson);
  tree.write("quiet", "new");
  tail.intake.fill();
  await tail.turn();
  assert.equal(tail.tail.status()?.offset, 6);
  assert.equal(tail.tail.status()?.size, 10);
  tail.intake.empty();
});
