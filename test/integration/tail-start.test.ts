import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { LogTree } from "../unit/sources/tail/support/log-tree.ts";
import { TestTail } from "../unit/sources/tail/support/test-tail.ts";

const at = (time: string, word: string): string => `{"timestamp":"${time}","what":"${word}"}`;

test("the first start begins at the end, before a line that is not finished, and leaves a checkpoint", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  tree.write("old");
  tree.writeRaw("ha");
  await using tail = await TestTail.start(tree);
  assert.ok(existsSync(`${tree.stateDir}/checkpoint.json`));
  tree.write("lf");
  await tail.turn();
  assert.deepEqual(tail.texts, ["half"]);
});

test("a long unfinished line at the end is searched as far back as it goes", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  tree.write("old");
  tree.writeRaw("x".repeat(200_000));
  await using tail = await TestTail.start(tree);
  tree.write("y");
  await tail.turn();
  assert.deepEqual(tail.texts, [`${"x".repeat(200_000)}y`]);
});

test("from the beginning means that of alerts.json, not of the archives", async () => {
  using tree = new LogTree();
  tree.rotate("20");
  tree.write("archived");
  tree.rotate("21");
  tree.write("today");
  await using tail = await TestTail.start(tree, { start: "beginning" });
  assert.deepEqual(tail.texts, ["today"]);
});

test("from a time on: archives of that day, including compressed ones, without older alerts", async () => {
  using tree = new LogTree();
  tree.rotate("10");
  tree.write(at("2026-11-10T12:00:00.000+0100", "long ago"));
  tree.rotate("19");
  tree.write(at("2026-11-19T23:59:59.000+0100", "day before"), at("2026-11-20T00:00:00.500+0100", "late in its file"));
  tree.rotate("20");
  tree.write(at("2026-11-20T00:10:00.000+0100", "same day"), at("2026-11-20T00:20:00.000+0100", "quiet"));
  tree.rotate("20-001");
  tree.write(at("2026-11-20T13:00:00.000+0100", "second part"));
  tree.compress("20");
  tree.rotate("21");
  tree.write(at("2026-11-21T08:00:00.000+0100", "today"));
  await using tail = await TestTail.start(tree, { start: new Date("2026-11-20T00:00:00+01:00") });
  assert.deepEqual(
    tail.texts.map((text) => /"what":"(.*)"/.exec(text)?.[1]),
    ["late in its file", "same day", "second part", "today"],
  );
});

test("a log that appears later is read from its beginning, and the wait is reported within two seconds", async () => {
  using tree = new LogTree();
  await using tail = await TestTail.start(tree);
  await tail.turn();
  assert.deepEqual(tail.logged.find("error", /./), []);
  tail.nowMs = 1900;
  await tail.turn();
  assert.equal(tail.logged.find("error", /alerts\.json does not exist.*jsonout_output/).length, 1);
  assert.match(tail.tail.status()?.state ?? "", /^waiting: .*does not exist/);
  tail.nowMs = 30_000;
  await tail.turn();
  assert.equal(tail.logged.find("error", /./).length, 1);
  tree.rotate("21");
  tree.write("first");
  await tail.turn();
  assert.deepEqual(tail.texts, ["first"]);
  assert.equal(tail.logged.find("info", /can be read again/).length, 1);
  assert.equal(tail.tail.status()?.state, "following");
});

test("a log that was there all day is not repeated if alerts.json was missing at the first start", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  tree.write("old");
  tree.unlink();
  await using tail = await TestTail.start(tree);
  tree.link();
  tree.write("new");
  await tail.turn();
  assert.deepEqual(tail.texts, ["new"]);
});

test("a stop before the log ever existed makes the next start begin at its beginning", async () => {
  using tree = new LogTree();
  const first = await TestTail.start(tree);
  await first.stop();
  tree.rotate("21");
  tree.write("first");
  const second = await TestTail.start(tree);
  assert.deepEqual(second.texts, ["first"]);
  await second.stop();
});

test("the directory may be moved away and come back", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  await using tail = await TestTail.start(tree);
  renameSync(`${tree.root}/alerts`, `${tree.root}/elsewhere`);
  tree.write("meanwhile");
  await tail.turn();
  tail.nowMs = 1500;
  await tail.turn();
  assert.equal(tail.logged.find("error", /alerts\.json does not exist/).length, 1);
  renameSync(`${tree.root}/elsewhere`, `${tree.root}/alerts`);
  tree.write("back");
  await tail.turn();
  assert.deepEqual(tail.texts, ["meanwhile", "back"]);
  assert.equal(tail.logged.find("info", /exists again/).length, 1);
});

test("what cannot be read is reported with its owner and mode, retried and not skipped", async (t) => {
  if (process.getuid?.() === 0) {
    // For root no mode is in the way: something that is not a file is used instead.
    t.diagnostic("as root: with a directory in place of the file");
  }
  using tree = new LogTree();
  tree.rotate("20");
  const first = await TestTail.start(tree);
  tree.write("20");
  await first.turn();
  await first.stop();
  tree.rotate("21");
  tree.write("21");
  tree.rotate("22");
  tree.write("22");
  const isRoot = process.getuid?.() === 0;
  if (isRoot) {
    renameSync(tree.dated("21"), `${tree.root}/kept`);
    mkdirSync(tree.dated("21"));
  } else chmodSync(tree.dated("21"), 0);
  await using second = await TestTail.start(tree);
  second.nowMs = 1500;
  await second.turn(2);
  assert.deepEqual(second.texts, []);
  const expected = isRoot
    ? /ossec-alerts-21\.json.*not a regular file/
    : /ossec-alerts-21\.json.*uid.*mode 0000.*group wazuh/;
  assert.equal(second.logged.find("error", expected).length, 1);
  if (isRoot) {
    renameSync(tree.dated("21"), `${tree.root}/in-the-way`);
    renameSync(`${tree.root}/kept`, tree.dated("21"));
  } else chmodSync(tree.dated("21"), 0o640);
  await second.turn();
  assert.deepEqual(second.texts, ["21", "22"]);
});

test("disposing is safe before the start, while it waits and twice, and writes no checkpoint", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  const unused = new TestTail(tree);
  await unused.crash();
  await unused.tail.placed;
  await unused.crash();
  assert.deepEqual(readdirSync(tree.stateDir), []);
  const used = await TestTail.start(tree);
  writeFileSync(`${tree.stateDir}/checkpoint.json`, "untouched");
  await used.crash();
  await used.crash();
  assert.equal(readdirSync(tree.stateDir).length, 1);
});
