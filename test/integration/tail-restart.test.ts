import assert from "node:assert/strict";
import { copyFileSync, readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { LogTree } from "../unit/sources/tail/support/log-tree.ts";
import { TestTail } from "../unit/sources/tail/support/test-tail.ts";

test("a proper stop continues at the oldest line without outcome and sends none again that has one", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  const first = await TestTail.start(tree);
  first.intake.settlesAtOnce = false;
  tree.write("a", "b", "c");
  tree.rotate("22");
  tree.write("d", "e");
  await first.turn();
  first.intake.taken[0]?.settle();
  first.intake.taken[2]?.settle();
  first.intake.taken[4]?.settle();
  assert.deepEqual(
    first.intake.taken.map(({ isPassed }) => isPassed),
    [true, false, false, false, false],
  );
  await first.stop();
  const second = await TestTail.start(tree, {}, false);
  assert.deepEqual(second.texts, ["b", "d"]);
  await second.stop();
  const third = await TestTail.start(tree);
  assert.deepEqual(third.texts, ["b", "d"]);
  tree.write("f");
  await third.turn();
  assert.deepEqual(third.texts, ["b", "d", "f"]);
  await third.stop();
});

test("a line is passed when all before it are done, and the sink's offsets are saved with the position", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  const first = await TestTail.start(tree);
  first.intake.settlesAtOnce = false;
  tree.write("a", "b");
  await first.turn();
  const [a, b] = first.intake.taken;
  b?.settle();
  assert.equal(b?.isPassed, false);
  a?.settle();
  assert.equal(b?.isPassed, true);
  first.sink = { "topic/0": 7 };
  await first.checkpoint();
  await first.crash();
  const second = new TestTail(tree);
  assert.deepEqual((await second.tail.load()).sink, { "topic/0": 7 });
  void second.run();
  await second.idle();
  assert.deepEqual(second.texts, []);
  await second.stop();
});

test("after a crash everything since the last checkpoint comes again, and nothing before it", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  const first = await TestTail.start(tree);
  tree.write("a");
  await first.turn();
  await first.checkpoint();
  tree.write("b");
  await first.turn();
  await first.crash();
  const second = await TestTail.start(tree);
  assert.deepEqual(second.texts, ["b"]);
  await second.stop();
});

for (const members of [1, 7]) {
  test(`after a crash or a stop inside a .gz of ${members} members reading continues at the decompressed position`, async () => {
    using tree = new LogTree();
    tree.rotate("20");
    await (await TestTail.start(tree)).stop();
    const lines = Array.from({ length: 500 }, (_, number) => `${number} ${"x".repeat(number)}`);
    tree.write(...lines);
    tree.rotate("21");
    tree.compress("20", members);
    const first = await TestTail.start(tree, {}, false);
    for (const taken of first.intake.taken.slice(0, 100)) taken.settle();
    await first.checkpoint();
    for (const taken of first.intake.taken.slice(100, 200)) taken.settle();
    await first.crash();
    const second = await TestTail.start(tree, {}, false);
    assert.deepEqual(second.texts, lines.slice(100));
    for (const taken of second.intake.taken.slice(0, 150)) taken.settle();
    await second.stop();
    const third = await TestTail.start(tree);
    assert.deepEqual(third.texts, lines.slice(250));
    await third.stop();
  });
}

for (const isRunning of [true, false]) {
  test(`a truncation is reported, and all new content read (${isRunning ? "running" : "stopped"})`, async () => {
    using tree = new LogTree();
    tree.rotate("21");
    const first = await TestTail.start(tree);
    tree.write("a".repeat(100), "b");
    await first.turn();
    if (!isRunning) await first.stop();
    truncateSync(tree.alertsJson);
    tree.write("c");
    const tail = isRunning ? first : await TestTail.start(tree);
    await tail.turn();
    assert.deepEqual(tail.texts.slice(isRunning ? 2 : 0), ["c"]);
    assert.equal(tail.logged.find("error", /truncated or .*beyond byte 103/).length, 1);
    await tail.stop();
  });

  test(`overwriting in place to any size is noticed (${isRunning ? "running" : "stopped"})`, async () => {
    using tree = new LogTree();
    tree.rotate("21");
    const first = await TestTail.start(tree);
    tree.write("a".repeat(100), "b");
    await first.turn();
    if (!isRunning) await first.stop();
    writeFileSync(tree.alertsJson, `${"z".repeat(50)}\n${"y".repeat(500)}\n`);
    const tail = isRunning ? first : await TestTail.start(tree);
    await tail.turn();
    assert.deepEqual(tail.texts.slice(isRunning ? 2 : 0), ["z".repeat(50), "y".repeat(500)]);
    await tail.stop();
  });
}

test("other content with the same beginning is not taken for what was read", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  const first = await TestTail.start(tree);
  tree.write("a".repeat(5000), "b");
  await first.turn();
  await first.stop();
  writeFileSync(tree.alertsJson, `${"a".repeat(4999)}c\n${"d".repeat(100)}\n`);
  const second = await TestTail.start(tree);
  assert.deepEqual(second.texts, [`${"a".repeat(4999)}c`, "d".repeat(100)]);
  await second.stop();
});

test("an inode that is reused is not taken for the file that had it", async () => {
  using tree = new LogTree();
  tree.rotate("20");
  const first = await TestTail.start(tree);
  tree.write("a".repeat(100));
  await first.turn();
  await first.stop();
  tree.write("b");
  tree.rotate("21");
  tree.write("c".repeat(200));
  tree.compress("20");
  // The checkpoint as it is if the file system gives the inode of 20 to 21.
  const path = `${tree.stateDir}/checkpoint.json`;
  const { ino } = statSync(tree.alertsJson, { bigint: true });
  const text = readFileSync(path, "utf8");
  const old = /"id":"(\d+:\d+)"/.exec(text)?.[1] ?? "";
  const { encodeCheckpoint, decodeCheckpoint } = await import("../../daemon/sources/tail/position/checkpoint.ts");
  const decoded = decodeCheckpoint(text);
  assert.ok(decoded.kind === "valid" && decoded.body.position);
  const position = { ...decoded.body.position, id: old.replace(/\d+$/, String(ino)) };
  writeFileSync(path, encodeCheckpoint({ ...decoded.body, position }, 99));
  const second = await TestTail.start(tree);
  assert.deepEqual(second.texts, ["b", "c".repeat(200)]);
  await second.stop();
});

test("device numbers may change, and a file may be found under another name by its content", async () => {
  using tree = new LogTree();
  writeFileSync(tree.alertsJson, "");
  const first = await TestTail.start(tree);
  writeFileSync(tree.alertsJson, `${"a".repeat(100)}\n`, { flag: "a" });
  await first.turn();
  await first.stop();
  writeFileSync(tree.alertsJson, "b\n", { flag: "a" });
  tree.open("21");
  copyFileSync(tree.alertsJson, tree.dated("21"));
  utimesSync(tree.dated("21"), 1, 1);
  rmSync(tree.alertsJson);
  tree.rotate("22");
  tree.write("c");
  const second = await TestTail.start(tree);
  assert.deepEqual(second.texts, ["b", "c"]);
  await second.stop();
});

test("a file that is gone is named, and the next newer one read from its beginning", async () => {
  using tree = new LogTree();
  tree.rotate("20");
  const first = await TestTail.start(tree);
  tree.write("a".repeat(100));
  await first.turn();
  await first.stop();
  tree.write("lost");
  tree.rotate("21");
  tree.write("b");
  rmSync(tree.dated("20"));
  tree.rotate("22");
  tree.write("c");
  const second = await TestTail.start(tree);
  assert.deepEqual(second.texts, ["b", "c"]);
  assert.equal(second.logged.find("error", /ossec-alerts-20\.json, read up to byte 101, is gone/).length, 1);
  await second.stop();
});
