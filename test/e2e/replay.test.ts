import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { writeFileSync } from "node:fs";
import type { Kafka } from "../rig/kafka.ts";
import { Saboteur } from "../rig/saboteur.ts";
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

test("replay --missing-only sends what the topic lacks, and the second time nothing", async () => {
  await using world = await World.create(kafka);
  const { analysisd, ledger } = world;
  analysisd.emit(300);
  const { records } = await world.everythingDelivered(await world.startForwarder());
  await new Saboteur(kafka).rewrite(world.topic, 3, records.slice(7));
  const replayed = async (...args: readonly string[]) => {
    const program = world.command("replay", ["--missing-only", "--json", ...args]);
    const code = await program.end();
    return { code, ...JSON.parse(program.outputLines.join("\n") || "{}") };
  };
  // Both are names of one file.
  const files = [analysisd.alertsJson, analysisd.datedFile];
  const first = await replayed(...files);
  assert.deepEqual(
    [first.code, first.relevant, first.acknowledged, first.notSent.held],
    [0, 7, 7, ledger.expected - 7],
  );
  const judgement = ledger.judge(await world.readTopic());
  assert.deepEqual(
    { ...judgement, outOfOrder: [] },
    {
      expected: ledger.expected,
      missing: [],
      invented: [],
      altered: [],
      twice: 0,
      outOfOrder: [],
    },
  );
  const second = await replayed(...files);
  assert.deepEqual([second.code, second.relevant, second.notSent.held], [0, 0, ledger.expected]);
  assert.equal(await kafka.recordCount(world.topic), ledger.expected);
  // What the forwarder will send by itself is left to it.
  analysisd.emit(5, true);
  analysisd.flush();
  const pending = await replayed(analysisd.alertsJson);
  assert.deepEqual([pending.relevant, pending.notSent.pending], [0, 5]);
  const list = world.directory.join("ids.tsv");
  const names = ["wazuh-dfn-handler", "wazuh-node", "wazuh-alert-id"];
  writeFileSync(
    list,
    records
      .slice(2)
      .map((record) => `${names.map((name) => headerOf(record, name)).join("\t")}\n`)
      .join(""),
  );
  const listed = await replayed("--ids", list, analysisd.alertsJson);
  assert.deepEqual([listed.acknowledged, listed.notSent.held], [2, ledger.expected - 7]);
  for (const args of [["-"], ["--dry-run", analysisd.alertsJson]]) assert.equal((await replayed(...args)).code, 64);
});
