import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { askStatus } from "../../daemon/commands/status-client.ts";
import { eventually } from "../rig/eventually.ts";
import type { Kafka } from "../rig/kafka.ts";
import { sharedKafka } from "../rig/shared-kafka.ts";
import { World } from "../rig/world.ts";

let kafka: Kafka;

before(async () => {
  kafka = await sharedKafka();
});
after(() => kafka[Symbol.asyncDispose]());

test("a missing topic is named in the log, and everything follows when it is created", async () => {
  await using world = await World.create(kafka, { topic: false });
  const forwarder = await world.startForwarder();
  world.analysisd.emit(200);
  world.analysisd.flush();
  await forwarder.waitForLog(new RegExp(world.topic));
  await kafka.createTopic(world.topic);
  const { judgement } = await world.everythingDelivered(forwarder);
  assert.equal(judgement.twice, 0);
});

test("a record that is too large for the topic becomes a dead letter and delays nothing behind it", async () => {
  await using world = await World.create(kafka, {
    topic: { partitions: 1, config: { "max.message.bytes": "20000" } },
    settings: { sink: { kafka: { brokers: kafka.addresses, compression: "none" } } },
  });
  const forwarder = await world.startForwarder();
  world.analysisd.emit(50);
  const giant = { id: "1.1", timestamp: "2026-01-01T00:00:00.000+0000", agent: { id: "001" }, manager: { name: "m" } };
  const system = { eventID: "4625", providerName: "p", message: "x".repeat(40_000) };
  world.analysisd.write(Buffer.from(`${JSON.stringify({ ...giant, data: { win: { system, eventdata: {} } } })}\n`));
  world.analysisd.emit(50);
  const { judgement } = await world.everythingDelivered(forwarder);
  assert.equal(judgement.twice, 0);
  const store = world.directory.join("state/dead-letters");
  const stored = readdirSync(store).map((file) => readFileSync(join(store, file), "utf8"));
  assert.match(stored.join(""), /record-too-large/);
  assert.match(forwarder.errorLines.at(-1) ?? "", /"deadLettered":1\b/);
});

test("partitions that are added to a topic take records from then on, and nothing is lost or sent twice", async () => {
  await using world = await World.create(kafka, { topic: { partitions: 1 } });
  const forwarder = await world.startForwarder();
  world.analysisd.emit(100);
  world.analysisd.flush();
  await kafka.recordsReach(world.topic, world.ledger.expected);
  await kafka.addPartitions(world.topic, 6);
  world.analysisd.emit(100);
  // An agent's records continue in another partition, so that the order across all of them is lost there.
  const { judgement } = await world.everythingDelivered(forwarder, { mayReorder: true });
  assert.equal(judgement.twice, 0);
});

test("a topic that is deleted and created again gets the alerts that come from then on", async () => {
  await using world = await World.create(kafka);
  const forwarder = await world.startForwarder();
  world.analysisd.emit(100, true);
  world.analysisd.flush();
  // Not only in the topic, but known to be: what is not acknowledged is sent again, into the new one.
  const status = { kind: "unix", path: world.directory.join("status.sock") } as const;
  await eventually("100 outcomes", async () => (await askStatus(status)).sources.tail.acknowledged === 100);
  await kafka.deleteTopic(world.topic);
  await eventually("the topic to be gone", () =>
    kafka.recordCount(world.topic).then(
      () => false,
      () => true,
    ),
  );
  world.analysisd.emit(100, true);
  world.analysisd.flush();
  await kafka.createTopic(world.topic);
  await kafka.recordsReach(world.topic, 100);
  assert.equal((await forwarder.stop()).ended, 0);
  const { missing, invented, altered, twice } = world.ledger.judge(await world.readTopic());
  assert.deepEqual(
    { missing: missing.length, invented, altered, twice },
    { missing: 100, invented: [], altered: [], twice: 0 },
  );
});
