import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { KafkaCluster } from "../rig/kafka-cluster.ts";
import { World } from "../rig/world.ts";

let kafka: KafkaCluster;

before(async () => {
  kafka = await KafkaCluster.start();
});
afterEach(() => kafka.startAll());
after(() => kafka[Symbol.asyncDispose]());

test("without Kafka the forwarder starts and reports it, and everything follows when Kafka is there", async () => {
  await using world = await World.create(kafka);
  await kafka.stopAll();
  const forwarder = await world.startForwarder();
  world.analysisd.emit(500);
  world.analysisd.flush();
  await forwarder.waitForLog(/ECONNREFUSED/);
  await kafka.startAll();
  const { judgement } = await world.everythingDelivered(forwarder);
  assert.equal(judgement.twice, 0);
});

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  test(`a broker that is stopped with ${signal} under load and comes back loses nothing and gets nothing twice`, async () => {
    await using world = await World.create(kafka);
    const forwarder = await world.startForwarder();
    await world.analysisd.emitDuring(200, async () => {
      await kafka.recordsReach(world.topic, 150);
      await kafka.stopBroker(1, signal);
      await kafka.startBroker(1);
      await kafka.recordsGrow(world.topic, 150);
    });
    const { judgement } = await world.everythingDelivered(forwarder);
    assert.equal(judgement.twice, 0);
  });
}

test("a broker that stalls and continues gets nothing twice", async () => {
  await using world = await World.create(kafka, {
    settings: { sink: { kafka: { brokers: kafka.addresses, request_timeout: "2s" } } },
  });
  const forwarder = await world.startForwarder();
  await world.analysisd.emitDuring(200, async () => {
    await kafka.recordsReach(world.topic, 150);
    kafka.pause(1);
    await forwarder.waitForLog(/Kafka/);
    kafka.resume(1);
    await kafka.recordsGrow(world.topic, 150);
  });
  const { judgement } = await world.everythingDelivered(forwarder);
  assert.equal(judgement.twice, 0);
});

test("SIGTERM while Kafka is away ends the forwarder, and the next start sends what was open", async () => {
  await using world = await World.create(kafka);
  const first = await world.startForwarder();
  world.analysisd.emit(300);
  world.analysisd.flush();
  await kafka.recordsReach(world.topic, world.ledger.expected);
  await kafka.stopAll();
  world.analysisd.emit(2000);
  world.analysisd.flush();
  await first.waitForLog(/ECONNREFUSED|Closed connection/);
  assert.equal((await first.stop()).ended, 0); // Within the promised time: the soak measures that.
  await kafka.startAll();
  const second = await world.startForwarder();
  const { judgement } = await world.everythingDelivered(second);
  assert.equal(judgement.twice, 0);
});
