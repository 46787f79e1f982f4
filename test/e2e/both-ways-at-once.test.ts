import assert from "node:assert/strict";
import { test } from "node:test";
import { sharedKafka } from "../rig/shared-kafka.ts";
import { World } from "../rig/world.ts";

const alertCount = 100_000;
const pieceCount = 500;

test("100,000 alerts through both ways at once are in the topic once each", async () => {
  await using kafka = await sharedKafka();
  await using world = await World.create(kafka, { topic: { partitions: 6 }, relevantShare: 0.5 });
  const forwarder = await world.startForwarder();
  await using stream = await world.stream();
  for (let sent = 0; sent < alertCount; sent += pieceCount) {
    const alerts = world.analysisd.emit(pieceCount);
    await stream.send(Buffer.concat(alerts.map(({ line }) => line)));
  }
  world.analysisd.flush();
  await stream.end();
  assert.equal(stream.answers.length, alertCount);
  const { judgement } = await world.everythingDelivered(forwarder, { withinMs: 180_000, mayReorder: true });
  assert.equal(judgement.twice, 0);
  assert.equal(stream.statuses.get("rejected") ?? 0, 0);
});
