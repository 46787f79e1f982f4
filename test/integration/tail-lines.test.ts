import assert from "node:assert/strict";
import { appendFileSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { LogTree } from "../unit/sources/tail/support/log-tree.ts";
import { TestTail } from "../unit/sources/tail/support/test-tail.ts";

test("three lines written with a stop at each byte are never split and never early", async () => {
  const block = Buffer.from("first\nsecond\nthird\n");
  for (let cut = 0; cut <= block.length; cut++) {
    using tree = new LogTree();
    tree.rotate("21");
    await using tail = await TestTail.start(tree);
    tree.writeRaw(block.subarray(0, cut));
    await tail.turn(2);
    const whole = block.subarray(0, cut).toString().split("\n").slice(0, -1);
    assert.deepEqual(tail.texts, whole);
    tree.writeRaw(block.subarray(cut));
    await tail.turn();
    assert.deepEqual(tail.texts, ["first", "second", "third"]);
  }
});

test("lines of 60 KB up to the maximum size pass, one byte more is damaged, and the next is read normally", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  const maxLineBytes = 2 * 1024 * 1024;
  await using tail = await TestTail.start(tree, { maxLineBytes });
  const sizes = [60_000, 65_535, 65_536, 1024 * 1024 - 1, 1024 * 1024, maxLineBytes];
  for (const size of sizes) tree.write(Buffer.alloc(size, "x"));
  tree.write(Buffer.alloc(maxLineBytes + 1, "y"), Buffer.alloc(5 * maxLineBytes, "z"), "next");
  await tail.turn();
  const found = tail.intake.taken.map(({ kind, place, text }) => [kind, place.length, text.length]);
  assert.deepEqual(found, [
    ...sizes.map((size) => ["line", size, size]),
    ["over-long", maxLineBytes + 1, maxLineBytes],
    ["over-long", 5 * maxLineBytes, maxLineBytes],
    ["line", 4, 4],
  ]);
});

test("bytes are passed on unchanged: invalid UTF-8, U+2028, large numbers", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  await using tail = await TestTail.start(tree);
  const line = Buffer.concat([
    Buffer.from('{"n":9007199254740993,"s":"\u2028\\ud800'),
    Buffer.from([0xff, 0xc0]),
    Buffer.from('"}\r'),
  ]);
  tree.write(line);
  await tail.turn();
  assert.deepEqual(Buffer.from(tail.texts[0] ?? "", "latin1"), line);
});

test("offsets go beyond 4 GiB", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  truncateSync(tree.alertsJson, 5_000_000_000);
  tree.write("");
  const first = await TestTail.start(tree);
  tree.write("a");
  await first.turn();
  assert.deepEqual(first.intake.taken[0]?.place, { file: tree.dated("21"), offset: 5_000_000_001, length: 1 });
  await first.stop();
  tree.write("b");
  const second = await TestTail.start(tree);
  assert.deepEqual(second.texts, ["b"]);
  await second.stop();
});

test("without room the tail waits before a line, and a drain ends the wait", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  const first = await TestTail.start(tree);
  first.intake.fill();
  tree.write("quiet", "a", "b");
  await first.turn();
  assert.deepEqual(first.texts, []);
  first.intake.empty();
  await first.turn();
  assert.deepEqual(first.texts, ["a", "b"]);
  first.intake.fill();
  tree.write("c");
  await first.turn();
  await first.checkpoint();
  assert.equal(first.tail.status()?.state, "catching-up");
  assert.equal(first.tail.status()?.lagBytes, 2);
  await first.stop();
  assert.deepEqual(first.texts, ["a", "b"]);
  const second = await TestTail.start(tree);
  assert.deepEqual(second.texts, ["c"]);
  await second.stop();
});

test("of a .gz that breaks off the whole lines are read, the position of the break is reported once, and reading continues", async () => {
  using tree = new LogTree();
  tree.rotate("20");
  await (await TestTail.start(tree)).stop();
  tree.rotate("21");
  const lines = Array.from({ length: 3000 }, (_, number) => `${number} ${Math.sin(number)}`);
  tree.write(...lines);
  tree.rotate("22");
  tree.write("22");
  tree.compress("21");
  const gz = `${tree.dated("21")}.gz`;
  truncateSync(gz, Math.floor(statSync(gz).size / 2));
  const tail = await TestTail.start(tree);
  const whole = tail.intake.taken.filter(({ kind }) => kind === "line").map(({ text }) => text);
  assert.ok(whole.length > 1000);
  assert.deepEqual(whole, [...lines.slice(0, whole.length - 1), "22"]);
  const offset = lines.slice(0, whole.length - 1).join("\n").length + 1;
  const breaks = tail.logged.find("error", /21\.json\.gz cannot be decompressed beyond byte \d+/);
  assert.equal(breaks.length, 1);
  assert.ok(breaks[0]?.includes(`wazuh-dfn replay --at ${gz}:${offset}`), breaks[0]);
  await tail.turn(3);
  await tail.stop();
  const again = await TestTail.start(tree);
  assert.deepEqual(again.texts, []);
  assert.deepEqual(again.logged.find("error", /./), []);
  await again.stop();
});

test("what follows the content of a .gz stops nobody: padding of zeros, garbage, an empty member", async () => {
  for (const behind of [
    Buffer.alloc(1),
    Buffer.alloc(512),
    Buffer.alloc(40_960),
    Buffer.alloc(40_960, "g"),
    gzipSync(""),
  ]) {
    using tree = new LogTree();
    tree.rotate("20");
    await (await TestTail.start(tree)).stop();
    const days = ["21", "22", "23", "24"];
    for (const day of days) {
      tree.rotate(day);
      tree.write(`${day} first`, `${day} last`);
    }
    for (const day of days.slice(0, -1)) {
      tree.compress(day);
      appendFileSync(`${tree.dated(day)}.gz`, behind);
    }
    const tail = await TestTail.start(tree);
    await tail.turn(3);
    assert.deepEqual(
      tail.texts,
      days.flatMap((day) => [`${day} first`, `${day} last`]),
    );
    assert.deepEqual(tail.logged.find("error", /./), []);
    assert.equal(tail.logged.find("warn", /40960 bytes behind .* are not gzip/).length, behind.includes("g") ? 3 : 0);
    await tail.stop();
  }
});

test("the status reports the lag across all files, and descriptors do not pile up over rotations", async () => {
  using tree = new LogTree();
  tree.rotate("01");
  await using tail = await TestTail.start(tree);
  tail.intake.fill();
  tree.write("0".repeat(999));
  for (let day = 2; day <= 9; day++) {
    tree.rotate(`0${day}`);
    tree.write(String(day).repeat(999));
  }
  await tail.turn();
  await tail.checkpoint();
  assert.equal(tail.tail.status()?.lagBytes, 9000);
  const descriptors = readdirSync("/proc/self/fd").length;
  tail.intake.empty();
  await tail.turn();
  await tail.checkpoint();
  assert.equal(tail.tail.status()?.lagBytes, 0);
  assert.equal(tail.tail.status()?.state, "following");
  assert.equal(readdirSync("/proc/self/fd").length, descriptors);
  assert.equal(tail.texts.length, 9);
});

test("a line at which the intake throws ends the tail with that error", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  await using tail = new TestTail(tree);
  tail.intake.ignored = () => {
    throw new Error("a fault");
  };
  const running = tail.run();
  await tail.idle();
  tree.write("quiet");
  tail.waker.wake();
  await assert.rejects(running, /a fault/);
  assert.ok(readFileSync(`${tree.stateDir}/checkpoint.json`, "utf8").length > 0);
  writeFileSync(tree.alertsJson, "");
});
