import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import kafkajs from "kafkajs";
import { after, before, test } from "node:test";
import { eventually } from "../rig/eventually.ts";
import type { Kafka } from "../rig/kafka.ts";
import { hourMs, Scene } from "../rig/manifests/scene.ts";
import { isoOf } from "../rig/manifests/node-writer.ts";
import { present } from "../rig/present.ts";
import { sharedKafka } from "../rig/shared-kafka.ts";
import { foundIn, keysOf, VerifyWorld } from "./verify-world.ts";

let kafka: Kafka;

before(async () => {
  kafka = await sharedKafka();
});
after(() => kafka[Symbol.asyncDispose]());

test("without keys the result is unproven at best, and the node is named", async () => {
  await using world = await VerifyWorld.create(kafka);
  const scene = new Scene(world.topic, Date.now());
  await world.send(scene);
  await using program = world.start("--key", present(scene.keyOptions[0]));
  assert.equal(await program.end(), 69);
  const text = program.outputLines.join("\n");
  assert.match(text, /^unproven: .*\nno key was given for south: --key NODE=PUBLIC/);
  assert.match(text, /^north +\d+ +\d+ +0 +0 /m);
});

test("--state notices at the next run that manifests which were seen are gone, and another content of the same number", async () => {
  await using world = await VerifyWorld.create(kafka);
  await using other = await VerifyWorld.create(kafka);
  const state = ["--state", world.directory.join("state.json")];
  const scene = new Scene(world.topic, Date.now());
  await world.send(scene);
  assert.equal((await world.verify(...keysOf(scene), ...state)).code, 0);
  assert.equal((await world.verify(...keysOf(scene), ...state)).code, 0);
  const seen = readFileSync(world.directory.join("state.json"), "utf8");
  assert.equal(JSON.parse(seen).streams.length, 2);

  const last = scene.manifests.filter(({ key }) => key === "north").slice(-2);
  const cut = scene.manifests.filter((manifest) => !last.includes(manifest));
  await other.send({ manifests: cut, records: [] });
  const shorter = await world.verify(...keysOf(scene), ...state, "--manifests", other.manifests);
  const { time }: { time: string } = JSON.parse(present(last[0]).value.toString());
  assert.deepEqual(foundIn(shorter), [`manifest-missing north ${time.slice(0, 13)}Z`]);
  assert.equal(readFileSync(world.directory.join("state.json"), "utf8"), seen, "what was seen once stays asked for");

  const [node] = scene.nodes;
  const rewritten = JSON.parse(present(last[1]).value.toString());
  const { key: _, signature: __, ...content } = rewritten;
  const forked = { key: "north", value: present(node).signed({ ...content, software: "another" }) };
  await other.send({ manifests: [present(last[0]), forked], records: [] });
  const changed = await world.verify(...keysOf(scene), ...state, "--manifests", other.manifests);
  assert.deepEqual(foundIn(changed), [`fork north ${isoOf(scene.now).slice(0, 13)}Z`]);

  writeFileSync(world.directory.join("state.json"), "{}");
  await using damaged = world.start(...keysOf(scene), ...state);
  assert.equal(await damaged.end(), 65);
});

test("records before the earliest offset are never missing, and the rest is judged", async () => {
  await using world = await VerifyWorld.create(kafka, { records: { partitions: 1 } });
  const scene = new Scene(world.topic, Date.now());
  const gone = scene.one("south", 130);
  const [deleted] = scene.records.splice(gone, 1);
  assert.ok(deleted);
  await world.send(scene);
  const client = new kafkajs.Kafka({ brokers: [...kafka.addresses], logLevel: kafkajs.logLevel.NOTHING });
  const admin = client.admin();
  await admin.connect();
  const offset = String(
    scene.records.findIndex(
      ({ headers }) => Number(headers["wazuh-alert-id"]?.split(".")[0]) * 1000 > scene.startMs + hourMs / 2,
    ),
  );
  await admin.fetchTopicOffsets(world.topic); // Without it kafkajs does not know the topic.
  await admin.deleteTopicRecords({ topic: world.topic, partitions: [{ partition: 0, offset }] });
  await admin.disconnect();
  const verified = await world.verify(...keysOf(scene));
  assert.deepEqual([verified.code, ...foundIn(verified)], [1, `missing south ${scene.hour(130)}`]);
  assert.ok(
    verified.unknown.some((text) => /north, .*no longer has everything of before/.test(text)),
    verified.unknown.join(),
  );
  await world.send({ manifests: [], records: [deleted] });
  assert.equal((await world.verify(...keysOf(scene))).code, 69);
  const since = isoOf(scene.startMs + hourMs).replace(".000", "");
  assert.deepEqual(
    await world.verify(...keysOf(scene), "--since", since).then(({ code, unknown }) => [code, unknown]),
    [0, []],
  );
});

test("a compacted topic, and manifests that are kept shorter than records, are warned of", async () => {
  await using world = await VerifyWorld.create(kafka, {
    records: { config: { "retention.ms": String(48 * hourMs) } },
    manifests: { config: { "cleanup.policy": "compact,delete", "retention.ms": String(24 * hourMs) } },
  });
  const scene = new Scene(world.topic, Date.now());
  await world.send(scene);
  const { warnings } = await world.verify(...keysOf(scene));
  assert.match(warnings.join("\n"), /-manifests is compacted, .*cleanup.policy=delete/);
  assert.match(warnings.join("\n"), /manifests are kept for 24 h, and records in .* for 48 h/);
});

test("a topic that got partitions meanwhile is read whole, and what is missing in a compacted one is not known", async () => {
  await using world = await VerifyWorld.create(kafka, { records: { partitions: 1 } });
  const scene = new Scene(world.topic, Date.now());
  const half = Math.floor(scene.records.length / 2);
  const [gone] = scene.records.splice(scene.one("north", 10), 1);
  assert.ok(gone);
  await world.send({ manifests: scene.manifests, records: scene.records.slice(0, half) });
  await kafka.addPartitions(world.topic, 5);
  await eventually("the new partitions", async () => (await kafka.inSync(world.topic)).length === 5);
  await world.send({ manifests: [], records: scene.records.slice(half) });
  assert.deepEqual(foundIn(await world.verify(...keysOf(scene))), [`missing north ${scene.hour(10)}`]);
  await kafka.alterTopic(world.topic, { "cleanup.policy": "compact" });
  const compacted = await world.verify(...keysOf(scene));
  assert.deepEqual([compacted.code, foundIn(compacted)], [69, []]);
  assert.match(compacted.unknown.join("\n"), /is compacted, which removes records/);
});

test("a node's silence is measured by the broker's clock where the topic has it", async () => {
  await using world = await VerifyWorld.create(kafka, {
    manifests: { partitions: 1, config: { "message.timestamp.type": "LogAppendTime" } },
  });
  // Its clock is two hours behind.
  const scene = new Scene(world.topic, Date.now() - 2 * hourMs);
  await world.send(scene);
  assert.equal((await world.verify(...keysOf(scene))).code, 0);
});

test("--node looks at one node alone, and topics that are not there cannot be known", async () => {
  await using world = await VerifyWorld.create(kafka);
  const scene = new Scene(world.topic, Date.now());
  scene.records.splice(scene.one("north", 10), 1);
  await world.send(scene);
  assert.equal((await world.verify(...keysOf(scene), "--node", "south")).code, 0);
  assert.equal((await world.verify(...keysOf(scene), "--node", "north")).code, 1);
  const absent = await world.verify("--manifests", "not-there");
  assert.equal(absent.code, 69);
  assert.match(absent.unknown.join("\n"), /not-there cannot be read/);
});

test("text from manifests cannot control a terminal", async () => {
  await using world = await VerifyWorld.create(kafka);
  const scene = new Scene(world.topic, Date.now());
  for (const node of scene.nodes) node.node = "\u001b[2J\u202eevil";
  const manifests = scene.nodes.map((node) => scene.cut(node, scene.now));
  await world.send({
    manifests: [...manifests, { key: "\u001b]0;x\u0007", value: Buffer.from('{"\u001b[2J":1}') }],
    records: [],
  });
  await using program = world.start();
  await program.end();
  const text = [...program.outputLines, ...program.errorLines].join("\n");
  assert.match(text, /evil/);
  assert.doesNotMatch(text.replaceAll("\n", ""), /[\p{Cc}\p{Cf}]/u);
});

test("--watch goes on from where it was, and /metrics show what is found, to this machine alone", async () => {
  await using world = await VerifyWorld.create(kafka);
  const scene = new Scene(world.topic, Date.now());
  await world.send(scene);
  const key = world.directory.join("north.pem");
  writeFileSync(
    key,
    execFileSync("openssl", ["pkey", "-pubout"], {
      input: present(scene.keys.get("north")).export({ format: "pem", type: "pkcs8" }),
    }),
  );
  await using program = world.start(
    "--watch",
    "--every",
    "1s",
    "--listen",
    "127.0.0.1:0",
    "--key",
    `north=${key}`,
    "--key",
    present(scene.keyOptions[1]),
  );
  const line = await program.waitForLog(/metrics are at http/);
  const url = present(/http:\S+/.exec(line)?.[0]);
  const scrape = async (): Promise<string> => (await fetch(url)).text();
  await eventually(
    "a complete result",
    async () => (await scrape()).includes('wazuh_dfn_verify_result{result="complete"} 1'),
    { withinMs: 30_000 },
  ).catch((cause: unknown) => {
    throw new Error(`it ended: ${program.ended}, ${program.errorLines.join("\n")}`, { cause });
  });
  assert.equal((await fetch(url.replace("/metrics", "/"))).status, 404);
  await world.send({ manifests: [], records: [present(scene.records[scene.one("south", 100)])] });
  await eventually("the finding", async () =>
    (await scrape()).includes('wazuh_dfn_verify_findings{kind="doubled",node="south"} 1'),
  );
  assert.match(await scrape(), /wazuh_dfn_verify_buckets\{node="north",verdict="complete"\} \d+/);
  assert.equal((await program.stop()).ended, 1);
  await using refused = world.start("--watch", "--listen", "0.0.0.0:9466");
  assert.equal(await refused.end(), 64);
});
