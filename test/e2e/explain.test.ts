import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "../rig/eventually.ts";
import type { Kafka } from "../rig/kafka.ts";
import { present } from "../rig/present.ts";
import type { ReadRecord } from "../rig/read-topic.ts";
import { sharedKafka } from "../rig/shared-kafka.ts";
import { headerOf } from "../rig/wazuh/ledger.ts";
import { World } from "../rig/world.ts";

let kafka: Kafka;

before(async () => {
  kafka = await sharedKafka();
});
after(() => kafka[Symbol.asyncDispose]());

/** `explain --json` about an id. */
async function explained(world: World, id: string, ...more: readonly string[]) {
  const program = world.command("explain", ["--json", id, ...more]);
  const code = await program.end();
  return { code, ...JSON.parse(program.outputLines.join("\n")) };
}

function recordOf(records: readonly ReadRecord[], id: string): ReadRecord {
  return present(records.find((record) => headerOf(record, "wazuh-alert-id") === id));
}

test("an acknowledged alert is named with topic, partition and offset, from a compressed archive and without a forwarder", async () => {
  await using world = await World.create(kafka, { topic: { partitions: 3 } });
  const { analysisd } = world;
  const alerts = analysisd.emit(300, true);
  const yesterday = analysisd.datedFile;
  const forwarder = await world.startForwarder();
  await analysisd.rotate({ isNewDay: true });
  alerts.push(...analysisd.emit(300, true));
  const { records } = await world.everythingDelivered(forwarder);
  analysisd.compress(yesterday);
  for (const { id, key } of [present(alerts[7]), present(alerts[299]), present(alerts[599])]) {
    const { code, matches } = await explained(world, id, "--from", "2026-01-01");
    const record = recordOf(records, id);
    assert.deepEqual([code, matches.length], [0, 1], id);
    const [{ now, handlers }] = matches;
    const { topic } = world;
    const { partition, offset } = record;
    assert.deepEqual(now[0].places, [{ topic, partition, offset }]);
    assert.equal(now[0].state, "acknowledged");
    const made = handlers.flatMap(({ record }: { record?: unknown }) => record ?? [])[0];
    assert.deepEqual([made.topic, made.key, made.partition, made.bytes], [topic, key, partition, record.value?.length]);
  }
});

test("a record that was sent before the topic got more partitions is found in the one that it went to", async () => {
  await using world = await World.create(kafka, { topic: { partitions: 1 } });
  const alerts = world.analysisd.emit(60, true);
  const { records } = await world.everythingDelivered(await world.startForwarder());
  await kafka.addPartitions(world.topic, 12);
  for (const { id } of alerts.slice(0, 5)) {
    const { matches } = await explained(world, id);
    const { offset } = recordOf(records, id);
    assert.deepEqual(matches[0].now[0].places, [{ topic: world.topic, partition: 0, offset }]);
  }
});

test("an alert that was sent twice is shown at its first place, and a refused one as the dead letter that it is", async () => {
  await using world = await World.create(kafka, {
    topic: { partitions: 1, config: { "max.message.bytes": "20000" } },
    settings: { sink: { kafka: { brokers: kafka.addresses, compression: "none" } } },
  });
  const [first] = world.analysisd.emit(1, true);
  const giant = {
    id: `${Math.floor(Date.now() / 1000)}.99`,
    timestamp: new Date().toISOString(),
    agent: { id: "001" },
  };
  const system = { eventID: "4625", providerName: "p", message: "x".repeat(40_000) };
  world.analysisd.write(Buffer.from(`${JSON.stringify({ ...giant, data: { win: { system, eventdata: {} } } })}\n`));
  await world.everythingDelivered(await world.startForwarder());
  assert.equal(await world.command("replay", [world.analysisd.alertsJson]).end(), 65);
  const { id } = present(first);
  const { code, matches } = await explained(world, id);
  assert.equal(code, 0);
  assert.deepEqual(
    matches[0].now[0].places.map(({ offset }: { offset: number }) => offset),
    [0],
  );
  const refused = await explained(world, giant.id);
  assert.equal(refused.code, 1);
  const [now] = refused.matches[0].now;
  assert.equal(now.state, "dead letter");
  assert.match(now.why, /record-too-large/);
});

test("where a record is, is not known when the topic cannot be read, and the reason is given", async () => {
  await using world = await World.create(kafka);
  const [first] = world.analysisd.emit(1, true);
  await world.everythingDelivered(await world.startForwarder());
  await kafka.deleteTopic(world.topic);
  const shown = async () => explained(world, present(first).id);
  await eventually("the topic is gone", async () => (await shown()).matches[0].now[0].state === "not known", {
    withinMs: 60_000,
  });
  const { code, matches } = await shown();
  assert.match(matches[0].now[0].why, /the forwarder is done with it; .*topic/);
  assert.equal(code, 0);
});
