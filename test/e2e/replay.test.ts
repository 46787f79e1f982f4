import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Kafka } from "../rig/kafka.ts";
import { sharedKafka } from "../rig/shared-kafka.ts";
import { headerOf } from "../rig/wazuh/ledger.ts";
import { World } from "../rig/world.ts";

let kafka: Kafka;

before(async () => {
  kafka = await sharedKafka();
});
after(() => kafka[Symbol.asyncDispose]());

test("replay sends the relevant alerts of plain and compressed archives, each once, and ends when Kafka has them", async () => {
  await using world = await World.create(kafka);
  const { analysisd, ledger } = world;
  analysisd.emit(2000);
  const yesterday = analysisd.datedFile;
  await analysisd.rotate({ isNewDay: true });
  analysisd.emit(1000);
  analysisd.flush();
  analysisd.compress(yesterday);
  const replay = world.command("replay", [`${yesterday}.gz`, analysisd.datedFile]);
  assert.equal(await replay.end(), 0, replay.errorLines.join("\n"));
  const records = await world.readTopic();
  assert.deepEqual(ledger.judge(records), {
    expected: ledger.expected,
    missing: [],
    invented: [],
    altered: [],
    twice: 0,
    outOfOrder: [],
  });
  assert.ok(records.every((record) => headerOf(record, "wazuh-dfn-source") === "replay"));
});

test("replay --dry-run prints the records and sends nothing", async () => {
  await using world = await World.create(kafka);
  world.analysisd.emit(200);
  world.analysisd.flush();
  const replay = world.command("replay", ["--dry-run", world.analysisd.alertsJson]);
  assert.equal(await replay.end(), 0, replay.errorLines.join("\n"));
  assert.equal(replay.outputLines.length, world.ledger.expected);
  assert.ok(replay.outputLines.every((line) => JSON.parse(line).topic === world.topic));
  assert.equal(await kafka.recordCount(world.topic), 0);
});
