import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { WriteOutcome } from "../../daemon/contract.ts";
import { writeRecords } from "../rig/batches.ts";
import { eventually } from "../rig/eventually.ts";
import { KafkaCluster } from "../rig/kafka-cluster.ts";
import { readTopic } from "../rig/read-topic.ts";
import { openSink, record, summary } from "../unit/sinks/kafka/rig.ts";
import { fence, producersOf } from "./fence.ts";
import { Load } from "./kafka-load.ts";

/** Three brokers, replication 3, of which two must have a record before it is acknowledged. */
let kafka: KafkaCluster;
before(async () => {
  kafka = await KafkaCluster.start({ brokers: 3 });
});
after(async () => {
  await kafka[Symbol.asyncDispose]();
});

const partitions = 3;

test("leaders killed under load with several batches in flight: nothing is lost, twice or out of order", async () => {
  await kafka.createTopic("killed", { partitions });
  await using sink = openSink(kafka.addresses, { requestTimeoutMs: 5000 });
  const load = new Load(sink, "killed", partitions);
  await load.progress();
  for (let round = 0; round < 2; round++) {
    const leader = await kafka.leaderOf("killed", 0);
    await load.midBurst(0);
    await kafka.stopBroker(leader, "SIGKILL");
    await load.progress(500);
    await kafka.startBroker(leader);
    await load.progress();
  }
  await load.verify(kafka.addresses);
});

test("a leader that stalls loses its partitions to another, and nothing is lost, twice or out of order", async () => {
  await kafka.createTopic("frozen", { partitions });
  await using sink = openSink(kafka.addresses, { requestTimeoutMs: 30_000 });
  const load = new Load(sink, "frozen", partitions);
  await load.progress();
  const leader = await kafka.leaderOf("frozen", 0);
  await load.midBurst(0);
  kafka.pause(leader);
  try {
    await eventually("another leader", async () => (await kafka.leaderOf("frozen", 0)) !== leader);
    await load.progress(500);
  } finally {
    kafka.resume(leader);
  }
  await load.progress();
  await load.verify(kafka.addresses);
});

test("all brokers restarted one after the other under load: nothing is lost, twice or out of order", async () => {
  await kafka.createTopic("rolling", { partitions });
  await using sink = openSink(kafka.addresses, { requestTimeoutMs: 5000 });
  const load = new Load(sink, "rolling", partitions);
  for (const broker of [1, 2, 3]) {
    await load.progress();
    await kafka.stopBroker(broker);
    await load.progress();
    await kafka.startBroker(broker);
  }
  await load.progress();
  await load.verify(kafka.addresses);
});

test("a record that is too large while a follower hangs: what only the leader has appended is not sent twice", async () => {
  await kafka.createTopic("hanging", { partitions: 1, config: { "max.message.bytes": "20000" } });
  await using sink = openSink(kafka.addresses, { requestTimeoutMs: 1000, compression: "none" });
  const send = (...ids: string[]): Promise<readonly WriteOutcome[]> =>
    writeRecords(
      sink,
      "hanging",
      0,
      ids.map((id) => record(id)),
    );
  await send("0");
  const leader = await kafka.leaderOf("hanging", 0);
  const follower = leader === 1 ? 2 : 1;
  kafka.pause(follower);
  try {
    const outcomes = await Promise.all([send("a"), send("b", "x".repeat(30_000), "c"), send("d")]);
    assert.equal(summary(outcomes.flat())[2], "record-too-large");
  } finally {
    kafka.resume(follower);
  }
  const stored = await readTopic(kafka.addresses, "hanging");
  assert.deepEqual(
    stored.map(({ value }) => String(value)),
    ["0", "a", "b", "c", "d"],
  );
});

test("another producer takes over our id under load: it is renewed, and nothing is lost, twice or out of order", async () => {
  await kafka.createTopic("fenced", { partitions });
  await using sink = openSink(kafka.addresses, { requestTimeoutMs: 5000 });
  const load = new Load(sink, "fenced", partitions);
  await load.progress();
  const foreign = await fence(kafka, "fenced", 0);
  await eventually("a batch under a renewed id", async () => (await producersOf(kafka, "fenced", 0)).length > 2);
  await load.progress(500);
  await load.verify(kafka.addresses, foreign);
  const [ours, theirs, renewed, ...others] = await producersOf(kafka, "fenced", 0);
  assert.ok(ours !== undefined && theirs !== undefined && renewed !== undefined);
  assert.equal(ours.replace("/0", "/1"), theirs);
  assert.notEqual(renewed.split("/")[0], ours.split("/")[0]);
  assert.deepEqual(others, []);
});
