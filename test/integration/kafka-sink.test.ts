import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { lookupKey, type SinkRecord } from "../../daemon/contract.ts";
import { BrokerConnection } from "../../daemon/sinks/kafka/connection/connection.ts";
import { produce } from "../../daemon/sinks/kafka/connection/requests.ts";
import { noTelemetry } from "../../daemon/sinks/kafka/connection/telemetry.ts";
import { silentLog } from "../../daemon/telemetry/log.ts";
import { writeRecords } from "../rig/batches.ts";
import { eventually } from "../rig/eventually.ts";
import { KafkaCluster } from "../rig/kafka-cluster.ts";
import { seededRandom } from "../rig/random.ts";
import { readTopic } from "../rig/read-topic.ts";
import { kafkaOptions, Lines, openSink, record, sealedBatch, summary } from "../unit/sinks/kafka/rig.ts";
import { producersOf } from "./fence.ts";
import { Load } from "./kafka-load.ts";

const invalidProducerEpoch = 47;

/** One broker, which the tests stop and start: one after the other. */
let kafka: KafkaCluster;
before(async () => {
  kafka = await KafkaCluster.start({ brokers: 1 });
});
after(async () => {
  await kafka[Symbol.asyncDispose]();
});

for (const compression of ["gzip", "none"] as const) {
  test(`what Kafka's own consumer reads is what was written (${compression})`, async () => {
    const topic = `round-${compression}`;
    const startedAt = Date.now();
    await kafka.createTopic(topic, { partitions: 2 });
    await using sink = openSink(kafka.addresses, { compression });
    const written = [
      { ...record("1"), value: null },
      { ...record("2"), key: null },
      { ...record("3"), key: Buffer.alloc(0), value: Buffer.alloc(0), headers: [] },
      { ...record("4"), value: Buffer.from([0, 0xff, 0xc3, 0x28]) },
      record("5", "x".repeat(700_000)),
    ];
    assert.deepEqual(summary(await writeRecords(sink, topic, 1, written)), [0, 1, 2, 3, 4]);
    const read = await readTopic(kafka.addresses, topic);
    assert.deepEqual(
      read.map(({ partition, key, value, headers }) => ({ partition, key, value, headers })),
      written.map(({ key, value, headers }) => ({ partition: 1, key, value, headers })),
    );
    assert.ok(read.every(({ timestamp }) => timestamp >= startedAt && timestamp <= Date.now()));
  });
}

test("the number of partitions is discovered", async () => {
  await kafka.createTopic("count", { partitions: 5 });
  await using sink = openSink(kafka.addresses);
  assert.equal(sink.partitions("count"), undefined);
  await eventually("the number of partitions", () => sink.partitions("count") === 5);
});

test("of a batch with a record above max.message.bytes only that one is refused", async () => {
  await kafka.createTopic("small", { partitions: 1, config: { "max.message.bytes": "20000" } });
  await using sink = openSink(kafka.addresses, { compression: "none" });
  const writes = [0, 1, 2, 3].map((batch) => {
    const records = Array.from({ length: 10 }, (_, at) => record(`${batch}${at}`, `${batch}${at}`.padEnd(900)));
    if (batch === 1) records[7] = record("17", "17".padEnd(30_000));
    return writeRecords(sink, "small", 0, records);
  });
  const outcomes = (await Promise.all(writes)).flat();
  const refused = outcomes.flatMap((outcome, at) => (outcome.kind === "refused" ? [[at, outcome.reason]] : []));
  assert.deepEqual(refused, [[17, "record-too-large"]]);
  const expected = Array.from({ length: 40 }, (_, at) => String(at).padStart(2, "0")).filter((id) => id !== "17");
  const stored = await readTopic(kafka.addresses, "small");
  assert.deepEqual(
    stored.map(({ value }) => String(value).trim()),
    expected,
  );
});

test("the limit is lowered under load: batches become smaller, nothing is lost, twice or out of order", async () => {
  await kafka.createTopic("lowered", { partitions: 2 });
  const reasons: string[] = [];
  const telemetry = { ...noTelemetry, retried: (_topic: string, reason: string) => void reasons.push(reason) };
  await using sink = openSink(kafka.addresses, { compression: "none" }, silentLog, telemetry);
  const load = new Load(sink, "lowered", 2);
  await load.progress();
  await kafka.alterTopic("lowered", { "max.message.bytes": "700" });
  await eventually("a refused batch", () => reasons.includes("MESSAGE_TOO_LARGE"));
  await load.progress();
  await load.verify(kafka.addresses);
});

test("a topic that is created later is written to as soon as it is there; another is not delayed by it", async () => {
  const lines = new Lines();
  await kafka.createTopic("present", { partitions: 1 });
  await using sink = openSink(kafka.addresses, {}, lines.log);
  const late = writeRecords(sink, "later", 0, [record("1")]);
  assert.deepEqual(summary(await writeRecords(sink, "present", 0, [record("1")])), [0]);
  await eventually("the alarm", () => lines.matching(/^error topic later: UNKNOWN_TOPIC_OR_PARTITION/).length > 0);
  await kafka.createTopic("later", { partitions: 1 });
  assert.deepEqual(summary(await late), [0]);
  assert.equal(lines.matching(/^error topic later/).length, 1);
  assert.equal(lines.matching(/^info topic later: works again/).length, 1);
});

test("a topic that is deleted and created again, with fewer partitions, takes what was in flight and what follows", async () => {
  await kafka.createTopic("renewed", { partitions: 3 });
  await using sink = openSink(kafka.addresses);
  await writeRecords(sink, "renewed", 2, [record("1"), record("2")]);
  await kafka.deleteTopic("renewed");
  const waiting = writeRecords(sink, "renewed", 2, [record("3")]);
  await eventually("the fault", () => sink.status().troubles.length > 0);
  await kafka.createTopic("renewed", { partitions: 2 });
  assert.deepEqual(summary(await waiting), [0]);
  assert.deepEqual(summary(await writeRecords(sink, "renewed", 2, [record("4")])), [1]);
});

test("a broker that restarts, is killed, or stalls under load: nothing is lost, twice or out of order", async () => {
  await kafka.createTopic("faults", { partitions: 2 });
  await using sink = openSink(kafka.addresses, { requestTimeoutMs: 3000 });
  const load = new Load(sink, "faults", 2);
  await load.progress();
  await kafka.stopBroker(1, "SIGTERM");
  await kafka.startBroker(1);
  await load.progress();
  await load.midBurst(0);
  await kafka.stopBroker(1, "SIGKILL");
  await kafka.startBroker(1);
  await load.progress();
  await load.midBurst(0);
  kafka.pause(1);
  await eventually("the time-out", () => sink.status().lastError !== undefined && !sink.status().isConnected);
  kafka.resume(1);
  await load.progress();
  await load.verify(kafka.addresses);
});

test("Kafka away at the start: the sink opens, reports it, and works when Kafka is there", async () => {
  const lines = new Lines();
  let attempts = 0;
  await kafka.createTopic("away", { partitions: 1 });
  await kafka.stopBroker(1);
  const telemetry = { ...noTelemetry, disconnected: () => void (attempts += 1) };
  await using sink = openSink(kafka.addresses, {}, lines.log, telemetry);
  const found = sink.lookup(["away"], { "away/0": 0 });
  const written = writeRecords(sink, "away", 0, [record("1")]);
  await eventually("several attempts", () => attempts > 3);
  assert.equal(lines.matching(/^warn Kafka: .*ECONNREFUSED.*brokers/).length, 1);
  assert.equal(sink.status().isConnected, false);
  await kafka.startBroker(1);
  assert.deepEqual(summary(await written), [0]);
  await found;
  assert.equal(sink.status().waitingBatches, 0);
});

test("the look-up reads what is in the topic, over several fetches", async () => {
  await kafka.createTopic("lookup", { partitions: 2 });
  await using sink = openSink(kafka.addresses, { compression: "none" });
  for (let batch = 0; batch < 12; batch++) {
    const records = Array.from({ length: 5 }, (_, at) => record(`${batch}.${at}`, "x".repeat(150_000)));
    await writeRecords(sink, "lookup", 1, records);
  }
  const { shipped, next } = await sink.lookup(["lookup"], { "lookup/1": 7 });
  assert.deepEqual(next, { "lookup/0": 0, "lookup/1": 60 });
  assert.equal(shipped?.size, 53);
  const value = Buffer.from("x".repeat(150_000));
  assert.equal(shipped?.get(lookupKey("node", "11.4", "windows", value)), 1);
  assert.equal(shipped?.has(lookupKey("node", "1.1", "windows", value)), false);
});

for (const codec of ["lz4", "snappy"]) {
  test(`the look-up reads a topic whose broker compresses again with ${codec}`, async () => {
    await kafka.createTopic(`again-${codec}`, { partitions: 1, config: { "compression.type": codec } });
    await using sink = openSink(kafka.addresses);
    const random = seededRandom(1);
    const values = Array.from({ length: 40 }, (_, at) => ({
      id: `1.${at}`,
      // From a few bytes to more than a block of either codec, some of it in repetitions.
      value:
        `${at} `.repeat(2 ** (at % 16)) + String.fromCharCode(...Array.from({ length: 500 }, () => random() * 128)),
    }));
    for (let from = 0; from < values.length; from += 8) {
      const records = values.slice(from, from + 8).map(({ id, value }) => record(id, value));
      await writeRecords(sink, `again-${codec}`, 0, records);
    }
    const { shipped, refusal } = await sink.lookup([`again-${codec}`], { [`again-${codec}/0`]: 0 });
    assert.equal(refusal, undefined);
    const expected = values.map(({ id, value }) => lookupKey("node", id, "windows", Buffer.from(value)));
    assert.deepEqual([...(shipped?.keys() ?? [])].toSorted(), expected.toSorted());
  });
}

test("after a record was given up the broker refuses what is still in flight under the earlier numbers", async () => {
  await kafka.createTopic("late", { partitions: 1, config: { "max.message.bytes": "20000" } });
  await using sink = openSink(kafka.addresses, { compression: "none" });
  const records = [record("a"), record("b", "b".padEnd(30_000)), record("c")];
  await writeRecords(sink, "late", 0, [record("0")]);
  const outcomes = await writeRecords(sink, "late", 0, records);
  assert.deepEqual(summary(outcomes), [1, "record-too-large", 2]);
  const producers = await producersOf(kafka, "late", 0);
  const [producerId = ""] = producers[0]?.split("/") ?? [];
  assert.deepEqual(producers, [`${producerId}/0`, `${producerId}/1`]);
  const [address = ""] = kafka.addresses;
  const broker = new BrokerConnection(address, { options: kafkaOptions([address]), tls: () => undefined });
  await broker.opened;
  const late = await sealedBatch("late", { producerId: BigInt(producerId), epoch: 0 });
  const { code } = await produce(broker, "late", 0, late, 5000);
  broker.close(new Error("no longer needed"));
  assert.equal(code, invalidProducerEpoch);
});

test("the look-up counts the records of the nodes that it is asked for, and no others of the same topic", async () => {
  await kafka.createTopic("shared", { partitions: 1 });
  await using sink = openSink(kafka.addresses);
  const records = ["node", "other", "other", "third"].map(ofNode);
  await writeRecords(sink, "shared", 0, records);
  const { shipped, next } = await sink.lookup(["shared"], { "shared/0": 0 }, new Set(["node", "third"]));
  assert.deepEqual(
    shipped,
    new Map([
      [lookupKey("node", "1.1", "windows", Buffer.from("1.1")), 1],
      [lookupKey("third", "1.1", "windows", Buffer.from("1.1")), 1],
    ]),
  );
  assert.deepEqual(next, { "shared/0": 4 });
});

/** The same record, sent by a node of that name. */
function ofNode(name: string): SinkRecord {
  const { headers, ...rest } = record("1.1");
  const named = headers.map(
    ([header, value]) => [header, header === "wazuh-node" ? Buffer.from(name) : value] as const,
  );
  return { ...rest, headers: named };
}
