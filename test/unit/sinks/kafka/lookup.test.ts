import assert from "node:assert/strict";
import { test } from "node:test";
import { headerNames, lookupKey } from "../../../../daemon/delivery/contract.ts";
import { openSink, write } from "./rig.ts";
import { ScriptedBroker } from "./scripted-broker.ts";
import { batchOf, recordOf, recordsIn } from "./stored.ts";

/** A record of this node under an id. */
function shippedRecord(delta: number, id: string): Buffer {
  return recordOf(delta, Buffer.alloc(0), [
    [headerNames.id, id],
    [headerNames.node, "node"],
    [headerNames.handler, "windows"],
  ]);
}

test("the look-up counts records by handler, node and id, from the offsets on, and tells the next ones", async () => {
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
  assert.equal(beyond.shipped?.size, 3, "an offset that is not there means the beginning");
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

test("with more than a million ids the look-up says that it cannot keep them, and where the topic goes on", async () => {
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
  assert.equal(shipped, undefined);
  assert.match(refusal ?? "", /1000000 records.* too many to keep in mind/);
  assert.deepEqual(next, { "t/0": 1_000_001 });
});

test("ids that somebody makes up do not fill the memory: with too many characters the look-up says that it cannot", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address]);
  const batch = batchOf(0, [
    shippedRecord(0, "x".repeat(8 * 1024 * 1024 - lookupKey("node", "", "windows", Buffer.alloc(0)).length)),
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
  assert.match(refusal ?? "", /67108864 characters.* too many to keep in mind/);
});
