import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "../rig/eventually.ts";
import type { Kafka } from "../rig/kafka.ts";
import { sharedKafka } from "../rig/shared-kafka.ts";
import { headerOf } from "../rig/wazuh/ledger.ts";
import { World } from "../rig/world.ts";

let kafka: Kafka;

before(async () => {
  kafka = await sharedKafka();
});
after(() => kafka[Symbol.asyncDispose]());

test("the tail alone brings each relevant alert to the topic once", async () => {
  await using world = await World.create(kafka);
  const forwarder = await world.startForwarder({ sources: { socket: false, tail: { start: "beginning" } } });
  world.analysisd.emit(300);
  const { records, judgement } = await world.everythingDelivered(forwarder);
  assert.equal(judgement.twice, 0);
  assert.deepEqual(new Set(records.map((record) => headerOf(record, "wazuh-dfn-source"))), new Set(["file"]));
});

test("custom-dfn alone brings each relevant alert to the topic once, and leaves with 0 when it is acknowledged", async () => {
  await using world = await World.create(kafka);
  const forwarder = await world.startForwarder({ sources: { socket: { path: world.socketPath }, tail: false } });
  await using integratord = world.integratord();
  world.analysisd.emit(30);
  world.analysisd.flush();
  await eventually("30 calls", () => integratord.calls.length === 30);
  // The tail is off: a call that ended with 0 means that Kafka has the record.
  assert.equal(await kafka.recordCount(world.topic), world.ledger.expected);
  assert.ok(integratord.calls.every(({ exitCode }) => exitCode === 0));
  const { records, judgement } = await world.everythingDelivered(forwarder);
  assert.equal(judgement.twice, 0);
  assert.deepEqual(new Set(records.map((record) => headerOf(record, "wazuh-dfn-source"))), new Set(["socket"]));
});

test("an alert that comes both ways is in the topic once, and Wazuh gets its feedback once", async () => {
  await using world = await World.create(kafka);
  const forwarder = await world.startForwarder();
  await using integratord = world.integratord();
  await world.analysisd.emitSteadily({ perSecond: 20, seconds: 5 });
  await eventually("100 calls", () => integratord.calls.length === 100);
  assert.ok(integratord.calls.every(({ exitCode, output }) => exitCode === 0 && output === ""));
  const { judgement } = await world.everythingDelivered(forwarder, { mayReorder: true });
  assert.equal(judgement.twice, 0);
  const feedbackEvents = (): number => world.queue.received.filter((event) => event.includes('"alert_id"')).length;
  await eventually("an event for each", () => feedbackEvents() >= world.ledger.expected);
  assert.equal(feedbackEvents(), world.ledger.expected);
});

test("alerts that were written while the forwarder was stopped follow when it starts, across rotations and archives", async () => {
  await using world = await World.create(kafka);
  const { analysisd } = world;
  const first = await world.startForwarder();
  analysisd.emit(500);
  analysisd.flush();
  await kafka.recordsReach(world.topic, world.ledger.expected);
  assert.equal((await first.stop()).ended, 0);
  const yesterday = analysisd.datedFile;
  analysisd.emit(300);
  await analysisd.rotate();
  analysisd.emit(200);
  await analysisd.rotate({ isNewDay: true });
  analysisd.emit(100);
  analysisd.compress(yesterday);
  const second = await world.startForwarder();
  const { judgement } = await world.everythingDelivered(second);
  assert.equal(judgement.twice, 0);
});

test("rotations under load, with alerts.json absent for a moment, lose and repeat nothing", async () => {
  await using world = await World.create(kafka);
  const forwarder = await world.startForwarder();
  for (const absentMs of [0, 100, 500]) {
    await world.analysisd.emitSteadily({ perSecond: 500, seconds: 1 });
    await world.analysisd.rotate({ absentMs, isNewDay: absentMs === 100 });
  }
  await world.analysisd.emitSteadily({ perSecond: 500, seconds: 1 });
  await world.analysisd.restart();
  world.analysisd.emit(50);
  const { judgement } = await world.everythingDelivered(forwarder);
  assert.equal(judgement.twice, 0);
});
