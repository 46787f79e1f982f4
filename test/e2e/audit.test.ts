import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { after, before, test } from "node:test";
import { DeadLetterUsage } from "../../daemon/dead-letters/usage.ts";
import { eventually } from "../rig/eventually.ts";
import type { Kafka } from "../rig/kafka.ts";
import { present } from "../rig/present.ts";
import { readTopic, type ReadRecord } from "../rig/read-topic.ts";
import { Saboteur, withHeader } from "../rig/saboteur.ts";
import { sharedKafka } from "../rig/shared-kafka.ts";
import { headerOf } from "../rig/wazuh/ledger.ts";
import { World } from "../rig/world.ts";

let kafka: Kafka;
let saboteur: Saboteur;

before(async () => {
  kafka = await sharedKafka();
  saboteur = new Saboteur(kafka);
});
after(() => kafka[Symbol.asyncDispose]());

/** `audit --json`. */
async function audited(world: World, ...args: readonly string[]) {
  const program = world.command("audit", ["--json", ...args]);
  const code = await program.end();
  assert.equal(program.errorLines.join("\n"), "", "standard error");
  return { code, ...JSON.parse(program.outputLines.join("\n")) };
}

const none = { missing: 0, twice: 0, altered: 0, reprinted: 0, deadLetters: 0, pending: 0, unlined: 0, unknown: 0 };

/** The hour of a record's alert, as rows name it. */
function hourOf(record: ReadRecord): string {
  const second = Number(present(headerOf(record, "wazuh-alert-id")).split(".")[0]);
  return `${new Date(second * 1000).toISOString().slice(0, 13)}Z`;
}

function hashed(record: ReadRecord): string {
  return `\t${createHash("sha256").update(present(record.value)).digest("hex")}`;
}

/** An alert of an hour ago, which no handler wants. */
function oldLine(): string {
  const ms = Date.now() - 3_600_000;
  const timestamp = new Date(ms).toISOString().replace("Z", "+0000");
  return JSON.stringify({ timestamp, rule: { level: 1, id: "1" }, id: `${Math.floor(ms / 1000)}.1` });
}

/** The list that the other side would make of the topic. */
function listOf(records: readonly ReadRecord[], digest: (record: ReadRecord) => string): string {
  const names = ["wazuh-dfn-handler", "wazuh-node", "wazuh-alert-id"];
  return records
    .map((record) => `${names.map((name) => headerOf(record, name)).join("\t")}${digest(record)}\n`)
    .join("");
}

test("a complete log is complete, over a rotation, with an archive beside its .gz and alerts.json as a second name", async () => {
  await using world = await World.create(kafka);
  const { analysisd, ledger } = world;
  analysisd.emit(400);
  const yesterday = analysisd.datedFile;
  const forwarder = await world.startForwarder();
  await analysisd.rotate({ isNewDay: true });
  analysisd.emit(400);
  await world.everythingDelivered(forwarder);
  // As monitord leaves it for a moment: the plain file and its .gz.
  writeFileSync(`${yesterday}.gz`, gzipSync(readFileSync(yesterday)));
  const { code, total, verdict, findings, unknown } = await audited(world);
  assert.deepEqual([code, verdict, findings, unknown], [0, "complete", [], []]);
  assert.deepEqual(total, { ...none, relevant: ledger.expected, inKafka: ledger.expected });
  analysisd.compress(yesterday);
  const compressed = await audited(world);
  assert.deepEqual([compressed.code, compressed.total], [0, total]);
});

test("missing, doubled, altered and invented records are named with node, hour and kind", async () => {
  await using world = await World.create(kafka, { topic: { partitions: 3 } });
  const { analysisd, ledger } = world;
  // At the very beginning of a log, the record of a line that came before it would look invented.
  analysisd.write(Buffer.from(`${oldLine()}\n`));
  analysisd.emit(300);
  const { records } = await world.everythingDelivered(await world.startForwarder());
  const others = records.slice(4);
  const [gone, doubled, altered, copied] = [0, 1, 2, 3].map((at) => present(records[at]));
  assert.ok(gone !== undefined && doubled !== undefined && altered !== undefined && copied !== undefined);
  const invented = withHeader(
    copied,
    "wazuh-alert-id",
    `${present(headerOf(copied, "wazuh-alert-id")).split(".")[0]}.9`,
  );
  const spoilt = { ...altered, value: Buffer.concat([present(altered.value), Buffer.from(" ")]) };
  await saboteur.rewrite(world.topic, 3, [doubled, doubled, spoilt, copied, invented, ...others]);
  const { code, total, verdict, findings } = await audited(world);
  assert.deepEqual([code, verdict], [1, "incomplete"]);
  const inKafka = ledger.expected - 2;
  assert.deepEqual(total, {
    ...none,
    relevant: ledger.expected,
    inKafka,
    missing: 1,
    twice: 1,
    altered: 1,
    unlined: 1,
  });
  const named = new Map<string, { hour: string; node: string; handler: string }>(
    findings.map((one: { kind: string }) => [one.kind, one]),
  );
  for (const [kind, record] of [
    ["missing", gone],
    ["twice", doubled],
    ["altered", altered],
    ["unlined", copied],
  ] as const) {
    const { hour, node, handler } = present(named.get(kind));
    const handlerOf = headerOf(record, "wazuh-dfn-handler");
    assert.deepEqual([hour, node, handler], [hourOf(record), headerOf(record, "wazuh-node"), handlerOf], kind);
  }
  assert.equal(findings.length, 4);
});

test("--replay-missing sends what is missing and nothing else, and a second run finds nothing to do", async () => {
  await using world = await World.create(kafka);
  world.analysisd.emit(200);
  const { records } = await world.everythingDelivered(await world.startForwarder());
  await saboteur.rewrite(world.topic, 3, records.slice(5));
  const first = await audited(world, "--replay-missing");
  assert.equal(first.code, 0);
  const { sent, acknowledged, foundMeanwhile, gone } = first.replayed;
  assert.deepEqual([sent, acknowledged, foundMeanwhile, gone], [5, 5, 0, 0]);
  const again = await world.readTopic();
  const { expected } = world.ledger;
  const good = { expected, missing: [], invented: [], altered: [], twice: 0 };
  assert.deepEqual({ ...world.ledger.judge(again), outOfOrder: [] }, { ...good, outOfOrder: [] });
  const second = await audited(world, "--replay-missing");
  assert.deepEqual([second.code, second.replayed.sent], [0, 0]);
  const refused = world.command("audit", ["--replay-missing", "--ids", "list"]);
  assert.equal(await refused.end(), 64);
});

test("a list from the other side takes the place of the topic, with hashes and without", async () => {
  await using world = await World.create(kafka);
  world.analysisd.emit(200);
  const { records } = await world.everythingDelivered(await world.startForwarder());
  const list = world.directory.join("ids.tsv");
  const relevant = records.length;
  writeFileSync(list, listOf(records, hashed));
  const whole = await audited(world, "--ids", list);
  assert.deepEqual([whole.code, whole.total], [0, { ...none, relevant, inKafka: relevant }]);
  writeFileSync(list, gzipSync(listOf(records.slice(2), () => "")));
  const short = await audited(world, "--ids", list);
  assert.deepEqual([short.code, short.total], [1, { ...none, relevant, inKafka: relevant - 2, missing: 2 }]);
  writeFileSync(
    list,
    listOf(records, (record) => (record === records[0] ? `\t${"0".repeat(64)}` : hashed(record))),
  );
  assert.deepEqual((await audited(world, "--ids", list)).total, {
    ...none,
    relevant,
    inKafka: relevant - 1,
    altered: 1,
  });
  writeFileSync(list, `${listOf(records, hashed)}nonsense\n`);
  const unclear = await audited(world, "--ids", list);
  assert.deepEqual([unclear.code, unclear.unknown], [69, ["--ids: 1 lines cannot be understood"]]);
});

test("what retention may have removed is not known, and is never called missing", async () => {
  await using world = await World.create(kafka, { topic: { partitions: 2 } });
  world.analysisd.emit(200);
  const { records } = await world.everythingDelivered(await world.startForwarder());
  await saboteur.removeBefore(world.topic, 0, 3);
  const { code, verdict, total, unknown } = await audited(world);
  assert.deepEqual([code, verdict], [69, "unknown"]);
  const relevant = records.length;
  assert.deepEqual(total, { ...none, relevant, inKafka: relevant - 3, unknown: 3 });
  assert.match(unknown.join("\n"), /may have been removed \(retention\)/);
});

test("lines that the forwarder is not done with are pending and are not sent by --replay-missing", async () => {
  await using world = await World.create(kafka);
  const { analysisd } = world;
  analysisd.emit(100, true);
  await world.everythingDelivered(await world.startForwarder());
  analysisd.emit(40, true);
  analysisd.flush();
  const { code, total, replayed } = await audited(world, "--replay-missing");
  assert.deepEqual([code, total, replayed.sent], [0, { ...none, relevant: 140, inKafka: 100, pending: 40 }, 0]);
  assert.equal(await kafka.recordCount(world.topic), 100);
});

test("what is not found in a topic that cannot be read is unknown, with the reason, and another topic is judged", async () => {
  const topic = `alerts-${process.pid}-${Date.now()}`;
  await kafka.createTopic(topic, { partitions: 1 });
  await using world = await World.create(kafka, { settings: { handlers: { passthrough: { topic, level: 0 } } } });
  world.analysisd.emit(20, true);
  const { records } = await world.everythingDelivered(await world.startForwarder());
  assert.equal(await kafka.recordCount(topic), 20);
  await kafka.deleteTopic(topic);
  await kafka.isGoneEverywhere(topic);
  const gone = await audited(world);
  assert.deepEqual([gone.code, gone.verdict], [69, "unknown"]);
  assert.deepEqual(gone.total, { ...none, relevant: 40, inKafka: 20, unknown: 20 });
  assert.match(gone.unknown[0], new RegExp(`^${topic} cannot be read: `));
  await saboteur.rewrite(world.topic, 3, records.slice(1));
  const both = await audited(world);
  assert.deepEqual([both.code, both.total], [1, { ...none, relevant: 40, inKafka: 19, missing: 1, unknown: 20 }]);
});

test("two lines with one id are two alerts, whether their content differs or not", async () => {
  await using world = await World.create(kafka, { topic: { partitions: 1 } });
  const { analysisd, ledger } = world;
  const [alert] = analysisd.emit(1, true);
  const line = present(alert).line.toString();
  analysisd.write(Buffer.from(line.repeat(2)));
  const { id, timestamp } = present(alert);
  analysisd.write(Buffer.from(line.replace(timestamp, timestamp.replace(/\.\d{3}/, ".999"))));
  const forwarder = await world.startForwarder();
  analysisd.flush();
  await kafka.recordsReach(world.topic, 4);
  assert.equal((await forwarder.stop()).ended, 0);
  assert.deepEqual((await audited(world)).total, { ...none, relevant: 4, inKafka: 4 });
  const records = await world.readTopic();
  assert.deepEqual(new Set(records.map((record) => headerOf(record, "wazuh-alert-id"))), new Set([id]));
  assert.equal(ledger.expected, 1);
  // Two of the three equal ones, and the other one twice.
  const values = records.map(({ value }) => present(value).toString());
  const odd = present(records.find((_, at) => values.filter((value) => value === values[at]).length === 1));
  const equal = records.filter((record) => record !== odd);
  await saboteur.rewrite(world.topic, 1, [...equal.slice(1), odd, odd]);
  const { code, total } = await audited(world);
  assert.deepEqual([code, total], [1, { ...none, relevant: 4, inKafka: 3, altered: 1 }]);
});

test("a copy that integratord printed again counts as such, and a file's record in that form as altered", async () => {
  const topic = `alerts-${process.pid}-${Date.now()}`;
  await kafka.createTopic(topic, { partitions: 1 });
  await using world = await World.create(kafka, { settings: { handlers: { passthrough: { topic, rule_ids: [1] } } } });
  const second = Math.floor(Date.now() / 1000);
  const head = `"timestamp":"${new Date(second * 1000).toISOString().replace("Z", "+0000")}","rule":{"level":5,"id":"1"}`;
  const agent = '"agent":{"id":"001"},"manager":{"name":"m"}';
  const line = `{${head},${agent},"id":"${second}.1","data":{"load":1.50,"big":1e3,"path":"a\\/b"}}`;
  const copy = `{${head},${agent},"id":"${second}.1","data":{"load":1.5,"big":1000,"path":"a/b"}}`;
  const forwarder = await world.startForwarder();
  const stream = await world.stream();
  await stream.send(Buffer.from(`${copy}\n`));
  await kafka.recordsReach(topic, 1);
  await stream.end();
  world.analysisd.write(Buffer.from(`${line}\n`));
  world.analysisd.emit(1, true);
  world.analysisd.flush();
  // What comes behind it in the log is through, so the line is.
  await kafka.recordsReach(world.topic, 1);
  assert.equal((await forwarder.stop()).ended, 0);
  assert.equal(await kafka.recordCount(topic), 1);
  const whole = await audited(world);
  assert.deepEqual([whole.code, whole.total.reprinted, whole.total.altered], [0, 1, 0]);
  const records = await readTopic(kafka.addresses, topic);
  await saboteur.rewrite(
    topic,
    1,
    records.map((record) => withHeader(record, "wazuh-dfn-source", "file")),
  );
  const forged = await audited(world);
  assert.deepEqual([forged.code, forged.total.reprinted, forged.total.altered], [1, 0, 1]);
});

test("dead letters are counted as such until they are acknowledged or sent", async () => {
  await using world = await World.create(kafka, {
    topic: { partitions: 1, config: { "max.message.bytes": "20000" } },
    settings: { sink: { kafka: { brokers: kafka.addresses, compression: "none" } } },
  });
  world.analysisd.emit(3, true);
  const id = `${Math.floor(Date.now() / 1000)}.99`;
  const system = { eventID: "4625", providerName: "p", message: "x".repeat(40_000) };
  const giant = {
    timestamp: new Date().toISOString(),
    id,
    agent: { id: "001" },
    data: { win: { system, eventdata: {} } },
  };
  world.analysisd.write(Buffer.from(`${JSON.stringify(giant)}\n`));
  const forwarder = await world.startForwarder();
  const usage = new DeadLetterUsage(world.directory.join("state/dead-letters"));
  await eventually("the dead letter", async () => (await usage.count()).entries === 1);
  await world.everythingDelivered(forwarder);
  const { code, total, findings } = await audited(world);
  const counted = { ...none, relevant: 4, inKafka: 3, deadLetters: 1 };
  assert.deepEqual([code, total, findings.map(({ kind }: { kind: string }) => kind)], [1, counted, ["dead-letter"]]);
  assert.equal(await world.command("dead-letter", ["ack", "--all"]).end(), 0);
  const seen = await audited(world);
  assert.deepEqual([seen.code, seen.total, seen.acknowledgedDeadLetters], [0, counted, 1]);
});

test("a damaged archive is named, and the records of its lost lines are not called invented", async () => {
  await using world = await World.create(kafka);
  const { analysisd, ledger } = world;
  analysisd.emit(400);
  const damaged = analysisd.datedFile;
  const forwarder = await world.startForwarder();
  await analysisd.rotate({ isNewDay: true });
  await world.everythingDelivered(forwarder);
  analysisd.compress(damaged);
  const whole = readFileSync(`${damaged}.gz`);
  writeFileSync(`${damaged}.gz`, whole.subarray(0, whole.length / 2));
  const { code, total, unknown, unjudged } = await audited(world);
  assert.equal(code, 69);
  assert.deepEqual([total.missing, total.unlined, total.inKafka + unjudged], [0, 0, ledger.expected]);
  assert.ok(unjudged > 0 && total.inKafka > 0, `${unjudged} ${total.inKafka}`);
  assert.ok(unknown[0].startsWith(`${damaged}.gz: read up to byte `), unknown[0]);
});

test("text and page name what is wrong; hostile text stays text", async () => {
  await using world = await World.create(kafka, { topic: { partitions: 1 } });
  const { analysisd } = world;
  const [alert] = analysisd.emit(1, true);
  const manager = "<script>alert(1)</script>\u001b[2J";
  const line: unknown = JSON.parse(present(alert).line.toString());
  assert.ok(typeof line === "object");
  const id = `${present(alert).id.split(".")[0]}.77`;
  analysisd.write(Buffer.from(`${JSON.stringify({ ...line, id, manager: { name: manager }, cluster: undefined })}\n`));
  const forwarder = await world.startForwarder();
  analysisd.flush();
  await kafka.recordsReach(world.topic, 2);
  assert.equal((await forwarder.stop()).ended, 0);
  const records = await world.readTopic();
  await saboteur.rewrite(
    world.topic,
    1,
    records.filter((record) => headerOf(record, "wazuh-alert-id") !== id),
  );
  const page = world.directory.join("audit.html");
  const program = world.command("audit", ["--html", page]);
  assert.equal(await program.end(), 1);
  const shown = program.outputLines.join("\n");
  assert.match(shown, /^hour +node +relevant +in Kafka +missing$/m);
  assert.match(shown, /^not complete: 1 missing$/m);
  assert.ok(!shown.includes("\u001b"), "an escape sequence on the terminal");
  const html = readFileSync(page, "utf8");
  assert.ok(!html.includes("<script"), "a script in the page");
  assert.ok(html.includes("&lt;script&gt;alert(1)&lt;/script&gt;"));
  assert.match(html, /<svg viewBox=[^]*<rect [^]*fill="#c62828"/);
  const again = world.command("audit", ["--html", page]);
  assert.equal(await again.end(), 74);
});
