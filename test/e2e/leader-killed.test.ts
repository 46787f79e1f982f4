import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { eventually } from "../rig/eventually.ts";
import { KafkaCluster } from "../rig/kafka-cluster.ts";
import { World } from "../rig/world.ts";

/** Three brokers, replication 3, min.insync.replicas 2: one may be lost at a time. */
let kafka: KafkaCluster;

before(async () => {
  kafka = await KafkaCluster.start({ brokers: 3 });
});
afterEach(() => kafka.startAll());
after(() => kafka[Symbol.asyncDispose]());

/** Small batches, so that several of a partition are in flight at any time. */
function manyInFlight(): object {
  return {
    kafka: { brokers: kafka.addresses, batch_records: 20, max_in_flight: 5, linger: "0s", request_timeout: "5s" },
  };
}

test("leaders that are killed under load, one after the other, lose nothing and get nothing twice", async () => {
  await using world = await World.create(kafka, { settings: { sink: manyInFlight() }, relevantShare: 0.8 });
  const forwarder = await world.startForwarder();
  await world.analysisd.emitDuring(400, async () => {
    for (const partition of [0, 1]) {
      await kafka.recordsGrow(world.topic, 800);
      const leader = await kafka.leaderOf(world.topic, partition);
      await kafka.stopBroker(leader, "SIGKILL");
      await kafka.recordsGrow(world.topic, 400);
      await kafka.startBroker(leader);
    }
  });
  const { judgement } = await world.everythingDelivered(forwarder);
  assert.equal(judgement.twice, 0);
});

test("a leader that stalls past its session under load loses nothing and gets nothing twice", async () => {
  await using world = await World.create(kafka, { settings: { sink: manyInFlight() }, relevantShare: 0.8 });
  const forwarder = await world.startForwarder();
  await world.analysisd.emitDuring(400, async () => {
    await kafka.recordsReach(world.topic, 800);
    const leader = await kafka.leaderOf(world.topic, 0);
    kafka.pause(leader);
    try {
      await eventually("another leader", async () => (await kafka.leaderOf(world.topic, 0)) !== leader);
      await kafka.recordsGrow(world.topic, 800);
    } finally {
      kafka.resume(leader);
    }
  });
  const { judgement } = await world.everythingDelivered(forwarder);
  assert.equal(judgement.twice, 0);
});
