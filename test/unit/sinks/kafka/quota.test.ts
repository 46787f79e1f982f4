import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../../../rig/eventually.ts";
import { Lines, openSink, summary, write } from "./rig.ts";
import { ScriptedBroker } from "./scripted-broker.ts";

/** A broker with ten batches of one record each, one of them in each answer. */
async function tenBatches(): Promise<ScriptedBroker> {
  const broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address]);
  for (let index = 0; index < 10; index++) await write(sink, `r${index}`);
  broker.batchesAtOnce = 1;
  return broker;
}

test("a look-up that a quota delays continues from where it was, and says so", async () => {
  await using broker = await tenBatches();
  const lines = new Lines();
  await using sink = openSink([broker.address], {}, lines.log);
  // More answers without topics in a row than a look-up accepts from a broker that has no reason for them.
  broker.throttlesFetch = (count) => (count > 4 && count <= 20 ? 20 : 0);
  const { shipped } = await sink.lookup(["t"], { "t/0": 0 });
  assert.equal(shipped?.size, 10);
  assert.deepEqual([...new Set(broker.fetched)], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.equal(broker.fetched.length, 10 + 16, "each batch came once");
  assert.equal(lines.matching(/^warn reading t\/0: read up to offset 4 of 10, throttled by a quota/).length, 1);
  assert.deepEqual(sink.status().troubles, []);
  assert.ok(sink.status().throttledMs >= 16 * 20);
});

test("a look-up whose connections end again and again continues from where it was", async () => {
  await using broker = await tenBatches();
  await using sink = openSink([broker.address]);
  broker.answersFetch = (count) => count % 2 === 1;
  const { shipped } = await sink.lookup(["t"], { "t/0": 0 });
  assert.equal(shipped?.size, 10);
  assert.ok(
    [...shipped.values()].every((count) => count === 1),
    "no record counts twice",
  );
  assert.equal(broker.fetched.length, 10, "each batch came once");
});

test("a topic that has become shorter is read from its beginning, and what was read before does not count", async () => {
  await using broker = await tenBatches();
  await using sink = openSink([broker.address]);
  broker.answersFetch = (count) => {
    if (count !== 6) return true;
    broker.recreateTopic();
    return false;
  };
  const { shipped, next } = await sink.lookup(["t"], { "t/0": 0 });
  assert.deepEqual([shipped?.size, next], [0, { "t/0": 0 }]);
});

test("a producer that a quota delays for longer than a request may take waits, without a trouble", async () => {
  await using broker = await ScriptedBroker.start();
  const lines = new Lines();
  await using sink = openSink([broker.address], { requestTimeoutMs: 1000 }, lines.log);
  await write(sink, "a");
  broker.throttlesProduceMs = 2500;
  const written = Promise.all([write(sink, "b"), write(sink, "c")]);
  await eventually("the throttle time", () => sink.status().throttledMs > 0);
  broker.throttlesProduceMs = 0;
  assert.deepEqual((await written).flatMap(summary), [1, 2]);
  assert.equal(broker.produced.length, 3, "nothing was sent again");
  assert.deepEqual(lines.matching(/^(warn|error)/), []);
});

test("a quota on metadata requests is honoured too", async () => {
  await using broker = await ScriptedBroker.start();
  broker.throttlesMetadataMs = 300;
  const lines = new Lines();
  await using sink = openSink([broker.address], {}, lines.log);
  assert.deepEqual(summary(await write(sink, "a")), [0]);
  assert.ok(sink.status().throttledMs >= 300);
  assert.deepEqual(lines.matching(/^(warn|error)/), []);
});
