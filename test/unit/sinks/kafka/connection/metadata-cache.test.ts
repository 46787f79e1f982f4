import assert from "node:assert/strict";
import { test } from "node:test";
import { KafkaConditions } from "../../../../../daemon/sinks/kafka/connection/conditions.ts";
import { ConnectionPool } from "../../../../../daemon/sinks/kafka/connection/connection-pool.ts";
import { noTelemetry } from "../../../../../daemon/sinks/kafka/connection/telemetry.ts";
import { MetadataCache } from "../../../../../daemon/sinks/kafka/connection/metadata-cache.ts";
import { silentLog } from "../../../../../daemon/telemetry/log.ts";
import { eventually } from "../../../../rig/eventually.ts";
import { kafkaOptions, openSink, summary, write } from "../rig.ts";
import { ScriptedBroker } from "../scripted-broker.ts";

const notLeader = { code: 6 };

/** Three brokers that agree that the first one leads the topic's only partition, in epoch 4. */
async function three(): Promise<{ readonly brokers: readonly ScriptedBroker[]; readonly ports: readonly number[] }> {
  const brokers = await Promise.all([ScriptedBroker.start(), ScriptedBroker.start(), ScriptedBroker.start()]);
  const ports = brokers.map(({ port }) => port);
  for (const broker of brokers) broker.view = { ports, leaders: [[1, 4]] };
  return { brokers, ports };
}

test("if one broker keeps naming the former leader, another one is asked too", async () => {
  const { brokers, ports } = await three();
  const [first, second, third] = brokers;
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  await using _first = first;
  await using _second = second;
  await using _third = third;
  await using sink = openSink([first.address]);
  await write(sink, "a");
  // The first is cut off from the controllers: it neither leads nor knows that it does not.
  first.react = () => notLeader;
  for (const broker of [second, third]) broker.view = { ports, leaders: [[2, 5]] };
  const sent = first.produced.length;
  assert.deepEqual(summary(await write(sink, "b")), [0]);
  assert.deepEqual(second.values, ["b"]);
  assert.equal(first.produced.length, sent + 1, "one refusal is enough");
  assert.deepEqual(summary(await write(sink, "c")), [1], "what the first one says later is older, and not believed");
});

test("a former leader that neither answers nor knows of its successor is given up for the new one", async () => {
  const { brokers, ports } = await three();
  const [first, second, third] = brokers;
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  await using _first = first;
  await using _second = second;
  await using _third = third;
  await using sink = openSink([first.address], { requestTimeoutMs: 600_000 });
  await write(sink, "a");
  first.react = () => "silence";
  for (const broker of [second, third]) broker.view = { ports, leaders: [[2, 5]] };
  assert.deepEqual(summary(await write(sink, "b")), [0]);
  assert.deepEqual(second.values, ["b"]);
});

test("an answer with an older leader epoch, or with fewer partitions, is not believed", async () => {
  const { brokers, ports } = await three();
  const [first, second, third] = brokers;
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  await using _first = first;
  await using _second = second;
  await using _third = third;
  for (const broker of brokers) {
    broker.view = {
      ports,
      leaders: [
        [2, 5],
        [2, 5],
      ],
    };
  }
  await using sink = openSink([first.address]);
  await eventually("the partitions", () => sink.partitions("t") === 2);
  for (const leaders of [
    [
      [1, 4],
      [1, 4],
    ],
    [[2, 5]],
  ] as const) {
    first.view = { ports, leaders };
    const answered = second.metadataAnswers + third.metadataAnswers;
    second.react = (_request, count) => (count % 2 === 1 ? notLeader : "append");
    await write(sink, "a");
    assert.ok(second.metadataAnswers + third.metadataAnswers > answered, "another broker was asked");
    assert.equal(sink.partitions("t"), 2);
  }
  assert.equal(first.produced.length, 0);
});

test("a topic that was created again, whose epochs restart at 0, is believed when two brokers report it", async () => {
  const { brokers, ports } = await three();
  const [first, second, third] = brokers;
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  await using _first = first;
  await using _second = second;
  await using _third = third;
  await using sink = openSink([first.address]);
  await write(sink, "a");
  for (const broker of brokers) broker.view = { ports, leaders: [[3, 0]] };
  first.react = () => notLeader;
  assert.deepEqual(summary(await write(sink, "b")), [0]);
  assert.deepEqual(third.values, ["b"]);
});

test("a failed metadata request is soon followed by the next, so that the trouble ends without any alert", async () => {
  await using broker = await ScriptedBroker.start();
  const stop = new AbortController();
  const conditions = new KafkaConditions(silentLog);
  const settings = { options: kafkaOptions([broker.address]), tls: () => undefined };
  const pool = new ConnectionPool(settings, noTelemetry, () => {});
  const metadataCache = new MetadataCache(pool, [broker.address], conditions, stop.signal);
  try {
    metadataCache.track("t");
    await eventually("the leader", () => metadataCache.leader("t", 0));
    broker.hidesMetadata = true;
    await metadataCache.refresh();
    assert.deepEqual(
      conditions.lasting.map(({ subject }) => subject),
      ["Kafka"],
    );
    broker.hidesMetadata = false;
    await eventually("the end of the report", () => conditions.lasting.length === 0, { withinMs: 30_000 });
  } finally {
    stop.abort();
    pool.close(new Error("the test is over"));
  }
});

test("a request that many brokers may answer leaves nobody waiting, and causes no warning by Node", async () => {
  const brokers = await Promise.all(Array.from({ length: 12 }, async () => ScriptedBroker.start()));
  const warnings: string[] = [];
  const onWarning = ({ name, message }: Error): void => void warnings.push(`${name}: ${message}`);
  process.on("warning", onWarning);
  const stop = new AbortController();
  const settings = { options: kafkaOptions([]), tls: () => undefined };
  const pool = new ConnectionPool(settings, noTelemetry, () => {});
  try {
    for (const { address } of brokers) await pool.connection(address);
    const metadataCache = new MetadataCache(pool, [], new KafkaConditions(silentLog), stop.signal);
    metadataCache.track("t");
    for (let round = 0; round < 3; round++) await metadataCache.refresh(false);
    assert.equal(metadataCache.partitions("t"), 1);
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    stop.abort();
    pool.close(new Error("the test is over"));
    process.off("warning", onWarning);
    for (const broker of brokers) await broker[Symbol.asyncDispose]();
  }
  assert.deepEqual(warnings, []);
});
