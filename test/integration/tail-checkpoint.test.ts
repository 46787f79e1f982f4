import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { LogTree } from "../unit/sources/tail/support/log-tree.ts";
import { TestTail } from "../unit/sources/tail/support/test-tail.ts";

const long = "x".repeat(100);

/** A tree whose checkpoint is after `a` and whose older one is before it; `b` is new. */
async function stopped(): Promise<LogTree> {
  const tree = new LogTree();
  tree.rotate("21");
  tree.write("old");
  const tail = await TestTail.start(tree);
  await tail.checkpoint();
  tree.write(`a ${long}`);
  await tail.turn();
  await tail.stop();
  tree.write("b");
  return tree;
}

const current = (tree: LogTree): string => `${tree.stateDir}/checkpoint.json`;
const previous = (tree: LogTree): string => `${tree.stateDir}/checkpoint.json.1`;

for (const [what, damage] of [
  ["empty", () => ""],
  ["cut", (text: string) => text.slice(0, -20)],
  ["no JSON", () => "\u0000".repeat(300)],
  ["another program's", () => '{"offset":17}'],
  ["of a newer version", (text: string) => text.replace('"version":1', '"version":2')],
  ["altered", (text: string) => text.replace(/"offset":(\d)/, '"offset":9$1')],
] as const) {
  test(`a checkpoint that is ${what} is kept aside, and the older one is used`, async () => {
    using tree = await stopped();
    const bytes = damage(readFileSync(current(tree), "utf8"));
    writeFileSync(current(tree), bytes);
    const tail = await TestTail.start(tree);
    assert.deepEqual(tail.texts, [`a ${long}`, "b"]);
    assert.ok(tail.logged.find("error", /checkpoint/).length >= 2);
    const aside = readdirSync(tree.stateDir).find((name) => name.includes(".damaged-")) ?? "";
    assert.equal(readFileSync(`${tree.stateDir}/${aside}`, "utf8"), bytes);
    await tail.stop();
  });

  test(`with both ${what}, alerts.json is read from its beginning, and a crash before that changes nothing`, async () => {
    using tree = await stopped();
    for (const path of [current(tree), previous(tree)]) {
      writeFileSync(path, damage(readFileSync(path, "utf8")));
    }
    const loading = new TestTail(tree);
    await loading.tail.load();
    await loading.crash();
    const tail = await TestTail.start(tree);
    assert.deepEqual(tail.texts, ["old", `a ${long}`, "b"]);
    assert.equal(tail.logged.find("error", /read from its beginning/).length, 1);
    await tail.stop();
    assert.deepEqual((await TestTail.start(tree)).texts, []);
  });
}

test("a checkpoint with a wrong checksum is used as far as the log's content proves it", async () => {
  using tree = await stopped();
  rmSync(previous(tree));
  writeFileSync(
    current(tree),
    readFileSync(current(tree), "utf8")
      .replace(/"checksum":"."/, '"checksum":"!"')
      .replace(/"checksum":"../, '"checksum":"!!'),
  );
  const tail = await TestTail.start(tree);
  assert.deepEqual(tail.texts, ["b"]);
  assert.equal(tail.logged.find("error", /proved by content/).length, 1);
  await tail.stop();
});

test("an older checkpoint that was put back does not win over the newer one next to it", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  const tail = await TestTail.start(tree);
  const oldest = readFileSync(current(tree));
  for (const word of ["a", "b", "c"]) {
    tree.write(word);
    await tail.turn();
    await tail.checkpoint();
  }
  await tail.stop();
  writeFileSync(current(tree), oldest);
  const second = await TestTail.start(tree);
  assert.deepEqual(second.texts, ["c"]);
  await second.stop();
});

test("an unchanged checkpoint is not written again", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  await using tail = await TestTail.start(tree);
  tree.write("a");
  await tail.turn();
  await tail.checkpoint();
  const written = readFileSync(current(tree), "utf8");
  writeFileSync(current(tree), "marked");
  await tail.checkpoint();
  assert.equal(readFileSync(current(tree), "utf8"), "marked");
  tree.write("b");
  await tail.turn();
  await tail.checkpoint();
  assert.notEqual(readFileSync(current(tree), "utf8"), written);
});

test("while the state directory cannot be written the tail continues, says so once a minute, and writes when it can", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  await using tail = await TestTail.start(tree);
  // A directory in place of the temporary file stops root as well.
  const temporary = `${current(tree)}.${process.pid}.new`;
  mkdirSync(temporary);
  chmodSync(tree.stateDir, 0o700);
  for (const [nowMs, word] of [
    [0, "a"],
    [1000, "b"],
    [61_000, "c"],
  ] as const) {
    tail.nowMs = nowMs;
    tree.write(word);
    await tail.turn();
    await tail.checkpoint();
  }
  assert.deepEqual(tail.texts, ["a", "b", "c"]);
  assert.equal(tail.logged.find("error", /cannot be written/).length, 2);
  renameSync(temporary, `${tree.stateDir}/away`);
  await tail.checkpoint();
  assert.equal(tail.logged.find("info", /can be written again/).length, 1);
  await tail.stop();
  assert.deepEqual((await TestTail.start(tree)).texts, []);
});
