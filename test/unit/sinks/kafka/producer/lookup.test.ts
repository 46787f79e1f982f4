import assert from "node:assert/strict";
import { test } from "node:test";
import { lookupKey } from "../../../../../daemon/contract.ts";
import { headerNames } from "../../../../../daemon/header-names.ts";
import { eventually } from "../../../../rig/eventually.ts";
import { hoursLater, Lines, openSink, write } from "../rig.ts";
import { ScriptedBroker } from "../scripted-broker.ts";
import { batchOf, packedBatch, recordOf, recordsIn } from "../stored.ts";

/** A record of this node with an id. */
function shippedRecord(delta: number, id: string): Buffer {
  return recordOf(delta, Buffer.from("{}"), [
    [headerNames.id, id],
    [headerNames.node, "node"],
    [headerNames.handler, "windows"],
  ]);
}

test("the look-up counts records by handler, node and id, from the given offsets, and reports the next ones", async () => {
  await using broker = await ScriptedBroker.start();
  {
    await using sink = openSink([broker.address]);
    await write(sink, "a", "b");
    await write(sink, "c", "c");
  }
  await using sink = openSink([broker.address]);
  const found = await sink.lookup(["t"], { "t/0": 1 });
  assert.deepEqual(found.next, { "t/0": 4 });
  assert.deepEqual(
    [...(found.shipped ?? [])],
    [
      [lookupKey("node", "b", "windows", Buffer.from("b")), 1],
      [lookupKey("node", "c", "windows", Buffer.from("c")), 2],
    ],
  );
  const beyond = await sink.lookup(["t"], { "t/0": 9 });
  assert.equal(beyond.shipped?.size, 3, "a missing offset means the beginning");
  assert.deepEqual(await sink.lookup(["t"], {}), { shipped: new Map(), next: { "t/0": 4 } });
});

test("a topic that may not be read gives the next offset and a sentence", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address]);
  await write(sink, "a");
  broker.fetchCode = 29;
  const found = await sink.lookup(["t"], { "t/0": 0 });
  assert.equal(found.shipped, undefined);
  assert.match(found.refusal ?? "", /operation Read/);
  assert.deepEqual(found.next, { "t/0": 1 });
});

test("if it finds more than a million ids the look-up keeps a million, says so, and where the topic continues", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address]);
  const batch = batchOf(
    0,
    Array.from({ length: 100_000 }, (_, at) => shippedRecord(at, String(at))),
  );
  const { records } = await recordsIn(batch);
  for (let nth = 0; nth < 10; nth++) broker.append(batch, records);
  broker.append(batchOf(0, [shippedRecord(0, "one more")]), records.slice(0, 1));
  const { shipped, refusal, next } = await sink.lookup(["t"], { "t/0": 0 });
  assert.equal(shipped?.size, 100_000);
  assert.ok([...(shipped?.values() ?? [])].every((count) => count === 10));
  assert.match(refusal ?? "", /1000000 records.* too many to keep in memory/);
  assert.deepEqual(next, { "t/0": 1_000_001 });
});

test("made-up ids do not fill the memory: with too many characters the look-up says that it cannot", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address]);
  const batch = batchOf(0, [
    shippedRecord(0, "x".repeat(8 * 1024 * 1024 - lookupKey("node", "", "windows", Buffer.from("{}")).length)),
  ]);
  const { records } = await recordsIn(batch);
  for (let nth = 0; nth < 8; nth++) broker.append(batch, records);
  // What was read before the connection broke is read again, and does not count twice.
  broker.batchesAtOnce = 1;
  broker.answersFetch = (count) => count !== 6;
  const { shipped } = await sink.lookup(["t"], { "t/0": 0 });
  assert.deepEqual([...(shipped?.values() ?? [])], [8]);
  broker.append(batch, records);
  const { refusal } = await sink.lookup(["t"], { "t/0": 0 });
  assert.match(refusal ?? "", /67108864 characters.* too many to keep in memory/);
});

test("a partition without a leader is waited for, however long, since nothing can be written to it either", async () => {
  await using broker = await ScriptedBroker.start();
  const lines = new Lines();
  await using sink = openSink([broker.address], {}, lines.log);
  await write(sink, "a");
  await using later = openSink([broker.address], {}, lines.log);
  broker.isLeaderless = true;
  const found = later.lookup(["t"], { "t/0": 0 });
  const trouble = await eventually("the trouble", () => later.status().troubles.find(({ text }) => /t\/0/.test(text)));
  assert.match(trouble.text, /LEADER_NOT_AVAILABLE; until this is fixed no alert is sent/);
  await hoursLater(async () => {
    const questions = broker.questions;
    await eventually("further questions", () => broker.questions >= questions + 3);
  });
  broker.isLeaderless = false;
  const { shipped, refusal } = await found;
  assert.deepEqual([shipped?.size, refusal], [1, undefined]);
});

test("with a partition list that is too short no partition is left out of the look-up", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address]);
  await write(sink, "a");
  broker.partitions = 2;
  const found = sink.lookup(["t"], { "t/0": 1, "t/1": 0 });
  await eventually("the trouble", () => sink.status().troubles.some(({ text }) => /t\/1.* list/.test(text)));
  broker.listedPartitions = 2;
  const { shipped, next } = await found;
  assert.deepEqual([shipped?.size, next], [1, { "t/0": 1, "t/1": 1 }]);
});

test("what was found counts, although another partition may not be read", async () => {
  await using broker = await ScriptedBroker.start();
  broker.listedPartitions = 2;
  broker.partitions = 2;
  await using sink = openSink([broker.address]);
  await write(sink, "a", "b");
  broker.fetchCode = 29;
  broker.fetchCodeOf = 0;
  const { shipped, refusal, next } = await sink.lookup(["t"], { "t/0": 0, "t/1": 0 });
  assert.equal(shipped?.size, 2);
  assert.match(refusal ?? "", /operation Read/);
  assert.deepEqual(next, { "t/0": 2, "t/1": 2 });
});

test("a batch that nobody here can read is left out and reported, and what is before and after it counts", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address]);
  await write(sink, "a");
  const { records } = await recordsIn(batchOf(0, [shippedRecord(0, "x")]));
  broker.append(packedBatch(0, Buffer.from("?"), { codec: 7, count: 1 }), records);
  await write(sink, "b");
  const old = batchOf(0, [shippedRecord(0, "x")]);
  old[16] = 1; // A format before Kafka 0.11, which this forwarder never wrote.
  broker.append(old, records);
  await write(sink, "c");
  const { shipped, refusal, next } = await sink.lookup(["t"], { "t/0": 0 });
  assert.equal(shipped?.size, 3);
  assert.match(refusal ?? "", /^batches of t\/0 cannot be read: 1; of the last one: .*codec 7/);
  assert.deepEqual(next, { "t/0": 5 });
});

test("if a partition ends before the requested offset, its last million records are read, not all", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address]);
  broker.log.length = 1_500_000;
  await write(sink, "a");
  const { shipped, next } = await sink.lookup(["t"], { "t/0": 2_000_000 });
  assert.deepEqual(broker.fetched, [500_001]);
  assert.deepEqual([shipped?.size, next], [1, { "t/0": 1_500_001 }]);
});
