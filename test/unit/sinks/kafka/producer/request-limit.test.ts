import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { writeRecords } from "../../../../rig/batches.ts";
import { eventually } from "../../../../rig/eventually.ts";
import { Lines, openSink, record, summary, write } from "../rig.ts";
import { type Reaction, ScriptedBroker } from "../scripted-broker.ts";

/** The largest request that Azure Event Hubs accepts; bytes. */
const limit = 1_046_528;
const large = (id: string, bytes: number) => record(id, randomBytes(bytes / 2).toString("hex"));

/** A broker that ends the connection at any larger batch, and gives no reason. */
async function limited(bytes: number): Promise<ScriptedBroker> {
  const broker = await ScriptedBroker.start();
  broker.react = ({ batch }): Reaction => (batch.length > bytes ? "close" : "append");
  return broker;
}

test("a record at which the broker ends the connection each time becomes a dead letter, and the others are sent", async () => {
  await using broker = await limited(limit);
  const lines = new Lines();
  await using sink = openSink([broker.address], { compression: "none" }, lines.log);
  await write(sink, "a");
  const [refused] = await writeRecords(sink, "t", 0, [large("b", 1_200_000)]);
  assert.ok(refused?.kind === "refused");
  assert.equal(refused.reason, "record-too-large");
  assert.match(refused.detail, /has 12000\d\d bytes, and .* ends the connection .* raise its limit/);
  assert.deepEqual(summary(await write(sink, "c")), [1]);
  assert.deepEqual(broker.values, ["a", "c"]);
  assert.equal(lines.matching(/^error 1 records could not be sent and go to the dead letters.*limit/).length, 1);
});

test("the limit is learnt: the next record above it costs one attempt, and none on the connection that others use", async () => {
  await using broker = await limited(limit);
  await using sink = openSink([broker.address], { compression: "none" });
  const send = async (id: string) => summary(await writeRecords(sink, "t", 0, [large(id, 1_200_000)]));
  assert.deepEqual(await send("a"), ["record-too-large"]);
  const sent = broker.produced.length;
  assert.deepEqual(await send("b"), ["record-too-large"]);
  assert.equal(broker.produced.length, sent + 1);
  broker.react = () => "append";
  assert.deepEqual(await send("c"), [0], "a limit that was raised is noticed");
  assert.deepEqual(await send("d"), [1]);
  const { connections } = broker;
  assert.deepEqual(await send("e"), [2]);
  assert.equal(broker.connections, connections, "it shares a connection again");
});

test("a batch at which the connection ends each time is split until only the record above the limit is left", async () => {
  await using broker = await limited(600_000);
  await using sink = openSink([broker.address], { compression: "none" });
  const records = [record("a"), record("b"), large("c", 700_000), record("d")];
  assert.deepEqual(summary(await writeRecords(sink, "t", 0, records)), [0, 1, "record-too-large", 2]);
  assert.deepEqual(broker.values, ["a", "b", "d"]);
});

test("a record whose connection ended some times and that is then accepted is not refused, nor are others of its batch", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address], { compression: "none" });
  const closes = new Map<string, number>();
  broker.react = ({ records }): Reaction => {
    const ids = records.map(({ headers }) => String(headers[0]?.[1])).join("");
    const count = (closes.get(ids) ?? 0) + 1;
    closes.set(ids, count);
    // Both together never, each of them at the second attempt.
    return ids === "ab" || count === 1 ? "close" : "append";
  };
  const records = [large("a", 400_000), large("b", 400_000)];
  assert.deepEqual(summary(await writeRecords(sink, "t", 0, records)), [0, 1]);
  assert.deepEqual(Object.fromEntries(closes), { ab: 3, a: 2, b: 2 });
});

test("a record that lost its connection because of another partition's record is not blamed", async () => {
  await using broker = await ScriptedBroker.start();
  broker.listedPartitions = broker.partitions = 2;
  await using sink = openSink([broker.address], { compression: "none", requestTimeoutMs: 2000 });
  let ends = 0;
  broker.react = ({ batch }): Reaction => {
    if (batch.length > limit) ends += 1;
    // The small one has no answer yet when the large one ends their connection.
    return batch.length > limit ? "close" : ends < 3 ? "silence" : "append";
  };
  const small = writeRecords(sink, "t", 1, [record("small")]);
  await eventually("the small one", () => broker.produced.length > 0);
  const [refused] = await writeRecords(sink, "t", 0, [large("large", 1_200_000)]);
  assert.equal(refused?.kind, "refused");
  assert.deepEqual(summary(await small), [0]);
});

test("a broker that crashes again and again is waited for, and its records are not blamed", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address], { compression: "none" });
  await write(sink, "a");
  let deaths = 0;
  broker.react = () => {
    if (deaths === 10) return "append";
    deaths += 1;
    broker.refusesConnections = true;
    const { connections } = broker;
    void eventually("it is missed", () => broker.connections > connections + 1).finally(
      () => (broker.refusesConnections = false),
    );
    return "close";
  };
  const [b, c] = await Promise.all([writeRecords(sink, "t", 0, [large("b", 500_000)]), write(sink, "c", "d")]);
  assert.deepEqual([summary(b), summary(c)], [[1], [2, 3]]);
});

test("a broker that ends the connection at every record is a trouble, and does not make everything a dead letter", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address], { compression: "none" });
  let takesNothing = true;
  broker.react = () => (takesNothing ? "close" : "append");
  const ids = Array.from({ length: 30 }, (_, index) => `r${index}`);
  const written = write(sink, ...ids);
  await eventually("the trouble", () => sink.status().troubles.some(({ text }) => /refuses every record/.test(text)), {
    withinMs: 240_000,
  });
  takesNothing = false;
  const refused = (await written).filter(({ kind }) => kind === "refused").length;
  assert.equal(refused, 20);
  assert.deepEqual(broker.values, ids.slice(refused));
});
