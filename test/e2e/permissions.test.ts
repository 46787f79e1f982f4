import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import kafkajs, { type AclEntry } from "kafkajs";
import { makeCertificates } from "../rig/certificates.ts";
import { KafkaCluster } from "../rig/kafka-cluster.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { World, type Settings } from "../rig/world.ts";

// A CommonJS module whose exports Node finds only in part.
const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

/** A Kafka with permissions; `alice` has none at first. */
let directory: TempDir;
let kafka: KafkaCluster;
let sink: Settings;

before(async () => {
  directory = await TempDir.create();
  const { ca, server } = await makeCertificates(directory.path);
  const listeners = { SASL: { keyStore: server.store, sasl: true } };
  kafka = await KafkaCluster.start({ users: { alice: "secret" }, authorizer: true, listeners });
  const passwordFile = directory.join("password");
  writeFileSync(passwordFile, "secret\n", { mode: 0o600 });
  const sasl = { mechanism: "scram-sha-512", username: "alice", password_file: passwordFile };
  sink = { sink: { kafka: { brokers: kafka.addressesOf("SASL"), tls: { ca }, sasl } } };
});
after(async () => {
  await kafka[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

/** Kafka counts Describe as given with Write or Read. */
function allowance(topic: string, operation: number): AclEntry {
  return {
    resourceType: AclResourceTypes.TOPIC,
    resourceName: topic,
    resourcePatternType: ResourcePatternTypes.LITERAL,
    principal: "User:alice",
    host: "*",
    operation,
    permissionType: AclPermissionTypes.ALLOW,
  };
}

test("a topic that may not be written to is reported with the remedy, and everything follows when it may", async () => {
  await using world = await World.create(kafka, { settings: sink });
  const forwarder = await world.startForwarder();
  world.analysisd.emit(100);
  world.analysisd.flush();
  await forwarder.waitForLog(/TOPIC_AUTHORIZATION_FAILED|Write and Describe/);
  assert.equal(await kafka.recordCount(world.topic), 0);
  await kafka.allow([allowance(world.topic, AclOperationTypes.WRITE), allowance(world.topic, AclOperationTypes.READ)]);
  const { judgement } = await world.everythingDelivered(forwarder);
  assert.equal(judgement.twice, 0);
});

test("without permission to read, the log says that a crash may send alerts twice, and nothing is lost", async () => {
  await using world = await World.create(kafka, { settings: sink });
  await kafka.allow([allowance(world.topic, AclOperationTypes.WRITE)]);
  const first = await world.startForwarder();
  const second = await world.analysisd.emitDuring(400, async () => {
    await kafka.recordsReach(world.topic, 300);
    await first.stop("SIGKILL");
    const next = await world.startForwarder();
    await next.waitForLog(/cannot be read/);
    return next;
  });
  await world.everythingDelivered(second, { mayReorder: true, mayRepeat: true });
});
