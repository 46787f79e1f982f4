import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import kafkajs, { type AclEntry } from "kafkajs";
import { makeCertificates, type Certificates } from "../rig/certificates.ts";
import { KafkaCluster } from "../rig/kafka-cluster.ts";
import { TempDir } from "../rig/temp-dir.ts";
import type { Settings } from "../rig/world.ts";
import { DoctorWorld, linesAbout } from "./doctor-world.ts";

// A CommonJS module whose exports Node finds only in part.
const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

let directory: TempDir;
let files: Certificates;
let kafka: KafkaCluster;

before(async () => {
  directory = await TempDir.create();
  files = await makeCertificates(directory.path);
  kafka = await KafkaCluster.start({
    authorizer: true,
    users: { alice: "secret" },
    listeners: {
      SASL: { keyStore: files.server.store, sasl: true },
      MUTUAL: { keyStore: files.server.store, clientCa: files.ca },
      EXPIRED: { keyStore: files.expiredServer.store },
    },
  });
});
after(async () => {
  await kafka[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

async function allow(topic: string, operation: "WRITE" | "READ" | "DESCRIBE_CONFIGS"): Promise<void> {
  const entry: AclEntry = {
    resourceType: AclResourceTypes.TOPIC,
    resourceName: topic,
    resourcePatternType: ResourcePatternTypes.LITERAL,
    principal: "User:alice",
    host: "*",
    operation: AclOperationTypes[operation],
    permissionType: AclPermissionTypes.ALLOW,
  };
  await kafka.allow([entry]);
}

function sinkOf(listener: string, tls: object, more: object = {}): Settings {
  return { sink: { kafka: { brokers: kafka.addressesOf(listener), tls, ...more } } };
}

function alice(password: string): object {
  const path = directory.join(`password-${password}`);
  writeFileSync(path, `${password}\n`, { mode: 0o600 });
  return { sasl: { mechanism: "scram-sha-512", username: "alice", password_file: path } };
}

test("write and read permission are distinguished, without a record being written", async () => {
  await using at = await DoctorWorld.create(kafka, { forwarder: false });
  const { topic } = at.world;
  const settings = sinkOf("SASL", { ca: files.ca }, alice("secret"));
  const none = await at.report(settings);
  assert.match(linesAbout(none, "brokers"), /^ok connected to/);
  assert.match(linesAbout(none, "topics"), /^failed topic \S+: TOPIC_AUTHORIZATION_FAILED/);
  assert.equal(linesAbout(none, "write permission"), "");

  await allow(topic, "READ");
  const reading = await at.report(settings);
  assert.match(linesAbout(reading, "topics"), /^ok/);
  assert.match(linesAbout(reading, "write permission"), /^failed topic \S+ may not be written to: TOPIC_AUTHORIZATION/);
  const remedy = reading.links.find(({ link }) => link === "write permission")?.remedy;
  assert.match(remedy ?? "", /^kafka-acls\.sh .*--operation Write --topic test-/);
  assert.match(linesAbout(reading, "read permission"), /^ok/);

  await allow(topic, "WRITE");
  assert.match(await at.about("write permission", settings), /^ok records may be written/);
  assert.equal(await kafka.recordCount(topic), 0);

  const other = { dfn: { customer_id: `${topic}-write` } };
  await kafka.createTopic(`${topic}-write`);
  await allow(`${topic}-write`, "WRITE");
  const writing = await at.report({ ...settings, ...other });
  assert.match(linesAbout(writing, "write permission"), /^ok/);
  assert.match(
    linesAbout(writing, "read permission"),
    /^warning .*after a crash, records that were in flight are sent again/,
  );
});

test("the topic's settings are read from Kafka; without the permission they are unknown, which is not a failure", async () => {
  await using at = await DoctorWorld.create(kafka, { forwarder: false });
  const { topic } = at.world;
  const settings = sinkOf("SASL", { ca: files.ca }, alice("secret"));
  await allow(topic, "WRITE");
  const without = await at.report(settings);
  assert.match(
    linesAbout(without, "topic settings"),
    /^unseen .* are not known: this needs the permission DescribeConfigs/m,
  );
  const remedy = without.links.find(({ link, state }) => link === "topic settings" && state === "unseen")?.remedy;
  assert.match(remedy ?? "", /^kafka-acls\.sh .*--operation DescribeConfigs --topic test-/);
  assert.doesNotMatch(linesAbout(without, "topic settings"), /^failed/m);
  assert.match(linesAbout(without, "write permission"), /^ok/);

  await allow(topic, "DESCRIBE_CONFIGS");
  const plain = await at.about("topic settings", settings);
  assert.match(plain, /^warning topic \S+: replication factor 1/);
  assert.equal(plain.split("\n").length, 1, plain);

  const changes: readonly [Record<string, string>, RegExp][] = [
    [{ "cleanup.policy": "compact" }, /^failed .*cleanup\.policy is compact: the key is the agent/m],
    [{ "cleanup.policy": "compact,delete" }, /^failed .*cleanup\.policy is compact,delete/m],
    [{ "retention.ms": "3600000" }, /^warning .*retention\.ms is 3600000 \(1h\)/m],
    [{ "retention.bytes": "1000000" }, /^warning .*retention\.bytes is 1000000/m],
    [
      { "max.message.bytes": "500000" },
      /^warning .*max\.message\.bytes is 500000, below sink\.kafka\.batch_bytes \(900KB\)/m,
    ],
    [{ "message.timestamp.after.max.ms": "1000" }, /^warning .*after\.max\.ms is 1000: if this machine's clock/m],
    [{ "message.timestamp.before.max.ms": "1000" }, /^warning .*before\.max\.ms is 1000/m],
    [
      { "min.insync.replicas": "2" },
      /^failed .*min\.insync\.replicas is 2, and there are 1 copies: every write is refused/m,
    ],
  ];
  for (const [change, expected] of changes) {
    await kafka.alterTopic(topic, change);
    assert.match(await at.about("topic settings", settings), expected);
  }
  await kafka.alterTopic(topic, {
    "message.timestamp.type": "LogAppendTime",
    "message.timestamp.after.max.ms": "1000",
  });
  assert.doesNotMatch(await at.about("topic settings", settings), /timestamp/);
  assert.equal(await kafka.recordCount(topic), 0);
});

test("the topic of manifests is looked at too: whether it exists, takes them, and keeps them as long as records", async () => {
  await using at = await DoctorWorld.create(kafka, { forwarder: false });
  const { topic } = at.world;
  const manifests = `${topic}-manifests`;
  const settings = { ...sinkOf("SASL", { ca: files.ca }, alice("secret")), manifest: { topic: manifests } };
  const about = (): Promise<string> => at.about("manifests", settings);
  for (const operation of ["WRITE", "READ", "DESCRIBE_CONFIGS"] as const) await allow(topic, operation);
  await allow(manifests, "WRITE");
  const absent = await at.report(settings);
  assert.match(
    linesAbout(absent, "manifests"),
    /^warning topic \S+-manifests: .*; until then manifests wait, but alerts do not$/,
  );
  const remedy = absent.links.find(({ link }) => link === "manifests")?.remedy;
  assert.match(remedy ?? "", /^kafka-topics\.sh .*--create --topic \S+-manifests/);
  assert.doesNotMatch(linesAbout(absent, "topics"), /manifests/);

  await kafka.createTopic(manifests);
  const unseen = await about();
  assert.match(unseen, /^warning topic \S+-manifests may not be read: /m);
  assert.match(unseen, /^unseen topic \S+-manifests: .* are not known: this needs the permission DescribeConfigs/m);
  assert.doesNotMatch(unseen, /^failed/m);

  for (const operation of ["READ", "DESCRIBE_CONFIGS"] as const) await allow(manifests, operation);
  const single = /^warning topic \S+-manifests: replication factor 1: .*$/;
  assert.match(await about(), single);
  await kafka.alterTopic(manifests, { "cleanup.policy": "compact", "retention.ms": "3600000" });
  const [copies = "", ...others] = (await about()).split("\n");
  assert.match(copies, single);
  assert.deepEqual(others, [
    `warning ${manifests} is compacted, which removes all but the newest record of a key`,
    `warning manifests are kept for 1 h, and records in ${topic} for 168 h`,
  ]);
  assert.equal(await kafka.recordCount(manifests), 0);
  assert.equal(await at.about("manifests"), "");
});

test("a wrong password is reported, and never shown", async () => {
  await using at = await DoctorWorld.create(kafka, { forwarder: false });
  const report = await at.report(sinkOf("SASL", { ca: files.ca }, alice("hunter2")));
  assert.match(linesAbout(report, "brokers"), /^failed .*[Aa]uthentication/);
  assert.doesNotMatch(JSON.stringify(report), /hunter2/);
});

test("a CA that did not issue the brokers' certificate, and one that has expired", async () => {
  await using at = await DoctorWorld.create(kafka, { forwarder: false });
  const wrong = await at.report(sinkOf("MUTUAL", { ca: files.otherCa, ca_only: true }));
  assert.match(linesAbout(wrong, "brokers"), /^failed .*(self.signed|unable to)/i);
  const remedy = wrong.links.find(({ link }) => link === "brokers")?.remedy;
  assert.match(remedy ?? "", /^openssl s_client -connect 127\.0\.0\.1:\d+ .*sink\.kafka\.tls/);
  const expired = await at.report(sinkOf("EXPIRED", { ca: files.ca }));
  assert.match(linesAbout(expired, "brokers"), /^failed .*expired/);
});

test("our own certificate: good, expired, not accepted by the broker, with the key of another", async () => {
  await using at = await DoctorWorld.create(kafka, { forwarder: false });
  const ca = files.ca;
  const pair = ({ cert, key }: { cert: string; key: string }): object => ({ ca, cert, key });
  const good = await at.report(sinkOf("MUTUAL", pair(files.client)));
  assert.match(linesAbout(good, "certificates"), /^ok .*\nok .*client\.pem is valid for \d+ days$/);
  assert.match(linesAbout(good, "brokers"), /^ok connected/);
  const ended = await at.report(sinkOf("MUTUAL", pair(files.expiredClient)));
  assert.equal(ended.code, 78);
  assert.match(linesAbout(ended, "certificates"), /^failed .*expired-client\.pem.* expired on /);
  const foreign = await at.report(sinkOf("MUTUAL", pair(files.otherCaClient)));
  assert.match(linesAbout(foreign, "brokers"), /^failed .*does not accept our certificate/);
  const mixed = await at.report(sinkOf("MUTUAL", { ca, cert: files.client.cert, key: files.server.key }));
  assert.match(linesAbout(mixed, "certificates"), /^failed .*belongs to another certificate/);
});

test("a broker that hangs is reported after five seconds", async () => {
  await using at = await DoctorWorld.create(kafka, { forwarder: false });
  kafka.pause(1);
  try {
    const report = await at.report({}, { isLate: true });
    assert.match(linesAbout(report, "brokers"), /^failed .*no answer within 5 s/);
    assert.equal(linesAbout(report, "topics"), "");
  } finally {
    kafka.resume(1);
  }
});
