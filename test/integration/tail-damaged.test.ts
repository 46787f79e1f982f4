import assert from "node:assert/strict";
import { readFileSync, renameSync, truncateSync, unlinkSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { lookupKey } from "../../daemon/contract.ts";
import { Relevance } from "../../daemon/delivery/relevance.ts";
import { PipelineIntake } from "../../daemon/forwarder/tail-intake.ts";
import { alertBytes, Delivery, settle, wantedHandler } from "../rig/delivery.ts";
import { idIn, MemorySink } from "../rig/memory-sink.ts";
import { LogTree } from "../unit/sources/tail/support/log-tree.ts";
import { TestTail } from "../unit/sources/tail/support/test-tail.ts";

const lines = Array.from({ length: 3000 }, (_, number) => `${number} ${Math.sin(number)}`);

/** A log whose archive of the 21st is truncated when it is reached, with the whole archive at hand. */
async function cutArchive(tree: LogTree): Promise<{ gz: string; whole: Buffer; cut: Buffer }> {
  tree.rotate("20");
  await (await TestTail.start(tree)).stop();
  tree.rotate("21");
  tree.write(...lines);
  tree.rotate("22");
  tree.write("22");
  tree.compress("21");
  const gz = `${tree.dated("21")}.gz`;
  const whole = readFileSync(gz);
  truncateSync(gz, Math.floor(whole.length / 2));
  return { gz, whole, cut: readFileSync(gz) };
}

/** Replaces a file's content as careful copying does: it is another file then. */
function put(path: string, content: Buffer): void {
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
}

/** Looks again and again, as over some seconds. */
async function seconds(tail: TestTail, count: number): Promise<void> {
  for (let second = 0; second < count; second++) {
    tail.nowMs += 1000;
    await tail.turn(2);
  }
}

function damagedIn(tree: LogTree): unknown {
  return JSON.parse(readFileSync(`${tree.stateDir}/checkpoint.json`, "utf8")).body.damaged;
}

test("an archive that is truncated when it is reached is continued where it broke off once it is whole, and the log is read on after it", async () => {
  for (const replace of [put, (path: string, content: Buffer) => writeFileSync(path, content)]) {
    using tree = new LogTree();
    const { gz, whole } = await cutArchive(tree);
    await using tail = await TestTail.start(tree);
    const first = tail.texts.length;
    assert.deepEqual(tail.texts, [...lines.slice(0, first - 1), "22"]);
    assert.ok(first > 1000 && first < 3000, String(first));
    await seconds(tail, 3);
    assert.equal(tail.texts.length, first);
    const offset = lines.slice(0, first - 1).join("\n").length + 1;
    assert.deepEqual(tail.tail.status()?.damagedArchives, [{ file: gz, offset }]);
    replace(gz, whole);
    tree.write("while it is whole");
    await seconds(tail, 3);
    tree.write("and behind");
    await tail.turn();
    assert.deepEqual(
      new Set(tail.texts.slice(first)),
      new Set([...lines.slice(first - 1), "while it is whole", "and behind"]),
    );
    assert.equal(tail.texts.length, 3000 + 3);
    assert.equal(tail.logged.find("info", /damaged, was read from byte \d+ to its end/).length, 1);
    assert.equal(tail.logged.find("error", /./).length, 1);
    assert.deepEqual(tail.tail.status()?.damagedArchives, []);
    tree.rotate("23");
    tree.write("23");
    await tail.turn();
    assert.equal(tail.texts.at(-1), "23");
    await tail.stop();
    assert.equal(damagedIn(tree), undefined);
    await using again = await TestTail.start(tree);
    await seconds(again, 3);
    assert.deepEqual(again.texts, []);
  }
});

test("what became whole while the forwarder was stopped is read at its next start, compressed or not", async () => {
  for (const isPlain of [false, true]) {
    using tree = new LogTree();
    const { gz, whole } = await cutArchive(tree);
    const first = await TestTail.start(tree);
    await first.stop();
    if (isPlain) {
      unlinkSync(gz);
      put(tree.dated("21"), gunzipSync(whole));
    } else put(gz, whole);
    await using tail = await TestTail.start(tree);
    await seconds(tail, 3);
    assert.deepEqual([...first.texts.filter((text) => text !== "22"), ...tail.texts], lines);
  }
});

test("a copy in progress is not read before it is the same twice, and one that breaks off later is read up to there", async () => {
  using tree = new LogTree();
  const { gz, whole, cut } = await cutArchive(tree);
  await using tail = await TestTail.start(tree);
  const first = tail.texts.length;
  const step = Math.ceil((whole.length - cut.length) / 10);
  for (let length = cut.length; length < whole.length - 2 * step; length += step) {
    writeFileSync(gz, whole.subarray(0, length));
    await seconds(tail, 1);
    assert.equal(tail.texts.length, first);
  }
  await seconds(tail, 3);
  const more = tail.texts.length;
  assert.ok(more > first && more < 3001);
  assert.equal(tail.logged.find("error", /cannot be decompressed/).length, 2);
  writeFileSync(gz, whole);
  await seconds(tail, 3);
  assert.deepEqual([...tail.texts.slice(0, first - 1), ...tail.texts.slice(first)], lines);
});

test("a stop while late lines are in progress loses none of them and repeats none, a crash loses none", async () => {
  for (const isCrash of [false, true]) {
    using tree = new LogTree();
    const { gz, whole } = await cutArchive(tree);
    const first = await TestTail.start(tree);
    tree.write("stuck");
    first.settleAtOnce(false);
    await first.turn();
    first.settleAtOnce(true);
    put(gz, whole);
    await seconds(first, 3);
    tree.write("last");
    await first.turn();
    assert.equal(first.texts.length, 3003);
    await first.checkpoint();
    if (isCrash) await first.crash();
    else await first.stop();
    await using tail = await TestTail.start(tree);
    await seconds(tail, 4);
    assert.deepEqual(tail.texts.slice(0, 1), ["stuck"]);
    assert.deepEqual(tail.texts, ["stuck"], "what is done beyond the position is not passed on again");
    tree.rotate("23");
    tree.write("23");
    await tail.turn(2);
    assert.deepEqual(tail.texts, ["stuck", "23"]);
    await tail.stop();
    assert.equal(damagedIn(tree), undefined);
  }
});

test("a crash before late lines have their outcome loses none of them", async () => {
  using tree = new LogTree();
  const { gz, whole } = await cutArchive(tree);
  const first = await TestTail.start(tree);
  const begun = first.texts.length - 1;
  first.settleAtOnce(false);
  tree.write("stuck");
  await first.turn();
  writeFileSync(gz, whole);
  await seconds(first, 3);
  assert.equal(first.texts.length, 3002);
  await first.checkpoint();
  await first.crash();
  await using tail = await TestTail.start(tree);
  await seconds(tail, 3);
  assert.deepEqual(tail.texts.toSorted(), ["stuck", ...lines.slice(begun)].toSorted());
});

for (const isPlain of [false, true]) {
  const what = isPlain ? "the plain file" : "another .gz";
  test(`while ${what} is copied over a damaged archive, a rotation does not make it be read too early`, async () => {
    using tree = new LogTree();
    const { gz, whole } = await cutArchive(tree);
    await using tail = await TestTail.start(tree);
    const first = tail.texts.length;
    const [path, content] = isPlain ? [tree.dated("21"), gunzipSync(whole)] : [gz, whole];
    unlinkSync(gz);
    // In the middle of a line, after the place up to which the archive could be read.
    writeFileSync(path, content.subarray(0, Math.floor(content.length * 0.9)));
    tree.rotate("23");
    tree.write("23");
    await tail.turn();
    assert.deepEqual(tail.texts.slice(first), ["23"]);
    writeFileSync(path, content);
    await seconds(tail, 3);
    assert.deepEqual(tail.texts.slice(first).toSorted(), ["23", ...lines.slice(first - 1)].toSorted());
    assert.deepEqual([...new Set(tail.intake.taken.map(({ kind }) => kind))], ["line"]);
    assert.equal(tail.logged.find("error", /./).length, 1);
  });
}

test("other content under the name of a damaged archive is not read, and one that is gone for a minute is forgotten", async () => {
  using tree = new LogTree();
  const { gz } = await cutArchive(tree);
  await using tail = await TestTail.start(tree);
  const first = tail.texts.length;
  tree.rotate("19");
  tree.write(...lines.map((line) => `other ${line}`));
  tree.rotate("22");
  tree.compress("19");
  put(gz, readFileSync(`${tree.dated("19")}.gz`));
  await seconds(tail, 4);
  assert.equal(tail.texts.filter((text) => text.startsWith("other")).length, 0);
  assert.equal(tail.texts.length, first);
  assert.equal(tail.logged.find("warn", /does not hold what was read/).length, 1);
  unlinkSync(gz);
  await seconds(tail, 59);
  await tail.checkpoint();
  assert.ok(Array.isArray(damagedIn(tree)));
  await seconds(tail, 5);
  assert.equal(tail.logged.find("warn", /is gone/).length, 1);
  await tail.checkpoint();
  assert.equal(damagedIn(tree), undefined);
});

test("when an archive that was cut before the place up to which the plain file was read becomes whole, nothing comes twice", async () => {
  for (const isRestarted of [false, true]) {
    using tree = new LogTree();
    tree.rotate("21");
    let tail = await TestTail.start(tree);
    tree.write(...lines.slice(0, 2500));
    await tail.turn();
    await tail.stop();
    tree.write(...lines.slice(2500));
    tree.rotate("22");
    tree.write("22");
    tree.compress("21");
    const gz = `${tree.dated("21")}.gz`;
    const whole = readFileSync(gz);
    truncateSync(gz, Math.floor(whole.length / 2));
    tail = await TestTail.start(tree);
    assert.deepEqual(tail.texts, ["22"]);
    if (isRestarted) {
      await tail.stop();
      tail = await TestTail.start(tree);
    }
    put(gz, whole);
    await seconds(tail, 3);
    assert.deepEqual(
      tail.texts.filter((text) => text !== "22"),
      lines.slice(2500),
    );
    await tail.stop();
  }
});

test("what was sent from an archive before a crash is not sent again if the archive, truncated at first, is whole long after the tail has caught up", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  const crashed = await TestTail.start(tree);
  await crashed.checkpoint();
  const alerts = lines.map((_, number) => alertBytes(`1.${number}`));
  tree.write(...alerts);
  await crashed.turn();
  assert.equal(crashed.texts.length, alerts.length);
  await crashed.crash();
  tree.write(alertBytes("1.late"));
  tree.rotate("22");
  tree.write(alertBytes("2.1"));
  tree.compress("21");
  const gz = `${tree.dated("21")}.gz`;
  const whole = readFileSync(gz);
  truncateSync(gz, Math.floor(whole.length / 2));

  const sink = new MemorySink();
  const delivery = new Delivery({ sink });
  const { pipeline, shipper, budget, counters } = delivery;
  const parts = { pipeline, relevance: new Relevance(wantedHandler.needles), shipper, budget, counters: counters.tail };
  let isCaughtUp = false;
  const intake = new PipelineIntake(parts, () => (isCaughtUp = true));
  const keys = alerts.map((bytes, number) => lookupKey("m1", `1.${number}`, "wanted", bytes));
  shipper.begin({ shipped: new Map(keys.map((key) => [key, 1])), next: {} });
  intake.lookedUp();
  const tail = new TestTail(tree, { intake, onEnd: (isWhole) => intake.reachedEnd(isWhole) });
  const sent = (): string[] => sink.written.flatMap(({ records }) => records.map((record) => idIn(record)));
  void tail.run();
  await tail.waker.asleep();
  await settle();
  await shipper.idle();
  await seconds(tail, 3);
  assert.deepEqual([sent(), isCaughtUp], [["2.1"], true]);
  put(gz, whole);
  await seconds(tail, 3);
  await settle();
  await shipper.idle();
  assert.deepEqual(sent(), ["2.1", "1.late"]);
  await tail.stop();
});
