import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import type { Kafka } from "../rig/kafka.ts";
import { eventually } from "../rig/eventually.ts";
import { freePorts } from "../rig/free-ports.ts";
import { writtenRecord } from "../rig/manifests/referee.ts";
import { sendTo } from "../rig/manifests/send.ts";
import { present } from "../rig/present.ts";
import { sharedKafka } from "../rig/shared-kafka.ts";
import { ProvenWorld, verified } from "./proven-world.ts";

let kafka: Kafka;

before(async () => {
  kafka = await sharedKafka();
});
after(() => kafka[Symbol.asyncDispose]());

test("manifests of a node that was stopped once account for every record and every line", async () => {
  await using proven = await ProvenWorld.create(kafka, { relevantShare: 0.3 });
  const { world, settings } = proven;
  const sources = { socket: { path: world.socketPath }, tail: { start: "beginning", wait: "1s" } };
  const forwarder = await world.startForwarder({ ...settings, sources });
  await using stream = await world.stream();
  const alerts = world.analysisd.emit(3000);
  await stream.send(Buffer.concat(alerts.slice(0, 1500).map(({ line }) => line)));
  world.analysisd.flush();
  await world.everythingDelivered(forwarder, { mayReorder: true });
  const { faults, manifests, lines, announced, bySocket } = await proven.judge();
  assert.deepEqual(faults, []);
  assert.equal(announced, world.ledger.expected);
  assert.ok(bySocket > 0, "some came by the socket first");
  assert.deepEqual([lines.total, lines.broken], [3000, 0]);
  assert.equal(manifests.at(-1)?.stopping, true);
});

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  test(`manifests account for every record after ${signal} under load, five times, by both ways`, async () => {
    await using proven = await ProvenWorld.create(kafka, { topic: { partitions: 3 } });
    const { world, settings } = proven;
    let running = await world.startForwarder(settings);
    await using _integratord = world.integratord();
    running = await world.analysisd.emitDuring(400, async () => {
      for (let round = 0; round < 5; round++) {
        await kafka.recordsGrow(world.topic, 150);
        await running.stop(signal);
        running = await world.startForwarder(settings);
      }
      return running;
    });
    const { judgement } = await world.everythingDelivered(running, { mayReorder: true });
    assert.equal(judgement.twice, 0);
    const { faults, manifests, announced } = await proven.judge();
    assert.deepEqual(faults, []);
    assert.equal(announced, world.ledger.expected);
    assert.equal(new Set(manifests.map(({ stream }) => stream)).size, 1, "one stream");
  });
}

test("while their topic is missing alerts arrive, and the manifests follow when it is there", async () => {
  await using proven = await ProvenWorld.create(kafka);
  const { world, settings, manifests } = proven;
  await kafka.deleteTopic(manifests);
  const forwarder = await world.startForwarder(settings);
  world.analysisd.emit(500);
  world.analysisd.flush();
  await kafka.recordsReach(world.topic, world.ledger.expected);
  await kafka.createTopic(manifests, { partitions: 1 });
  await kafka.recordsReach(manifests, 1);
  await world.everythingDelivered(forwarder);
  const { faults, announced } = await proven.judge();
  assert.deepEqual(faults, []);
  assert.equal(announced, world.ledger.expected);
});

test("what is sent again is announced and closed; verify finds the node complete, and what somebody else copied", async () => {
  // An hour ago: younger buckets may still grow, and are not judged.
  await using proven = await ProvenWorld.create(kafka, { startMs: Date.now() - 3_600_000, topic: { partitions: 1 } });
  const { world, settings } = proven;
  const forwarder = await world.startForwarder(settings);
  world.analysisd.emit(600);
  world.analysisd.flush();
  await kafka.recordsReach(world.topic, world.ledger.expected);
  const replayed = world.command("replay", [world.analysisd.alertsJson], settings);
  assert.equal(await replayed.end(), 0, replayed.errorLines.join("\n"));
  await kafka.recordsReach(world.topic, 2 * world.ledger.expected);
  assert.equal((await forwarder.stop()).ended, 0);
  const { faults, announced, manifests } = await proven.judge();
  assert.deepEqual(faults, []);
  assert.equal(announced, world.ledger.expected);
  const additions = manifests.flatMap((one) => one.additions);
  assert.deepEqual(
    additions.map(({ records }) => records?.reduce((sum, { count }) => sum + count, 0)),
    [undefined, world.ledger.expected],
  );
  assert.deepEqual(await verified(proven), { code: 0, findings: [] });

  const [first] = await world.readTopic();
  const copy = writtenRecord(world.topic, present(first));
  await sendTo(kafka.addresses, { records: [copy], manifests: [] }, proven.manifests);
  const { code, findings } = await verified(proven);
  assert.deepEqual([code, findings.map(({ kind, count }) => `${count} ${kind}`)], [1, ["1 doubled"]]);
});

test("manifests hold when the socket is live, the tail far behind, and the forwarder is killed meanwhile", async () => {
  await using proven = await ProvenWorld.create(kafka, { topic: { partitions: 3 }, relevantShare: 0.5 });
  const { world, settings } = proven;
  world.analysisd.emit(20_000);
  world.analysisd.flush();
  const first = await world.startForwarder(settings);
  const late = world.analysisd.emit(400);
  world.analysisd.flush();
  {
    await using stream = await world.stream();
    await stream.send(Buffer.concat(late.map(({ line }) => line)));
  }
  await kafka.recordsReach(world.topic, 1000);
  assert.equal((await first.stop("SIGKILL")).ended, "SIGKILL");
  const second = await world.startForwarder(settings);
  const { judgement } = await world.everythingDelivered(second, { mayReorder: true });
  assert.equal(judgement.twice, 0);
  const { faults, announced, lines } = await proven.judge();
  assert.deepEqual(faults, []);
  assert.deepEqual([announced, lines.total], [world.ledger.expected, 20_400]);
});

test("records count once when a start is killed before its look-up is over", async () => {
  await using proven = await ProvenWorld.create(kafka);
  const { world, settings } = proven;
  const missing = `${world.topic}-missing`;
  const routed = { ...settings, handlers: { passthrough: { topic: missing, rule_ids: [1] } } };
  world.analysisd.emit(300);
  world.analysisd.flush();
  const first = await world.startForwarder(routed);
  await kafka.recordsReach(world.topic, world.ledger.expected);
  assert.equal((await first.stop()).ended, 0);
  // The look-up begins where this start does until an alert is through whose topic is missing; the others are in a manifest.
  world.analysisd.emit(300);
  world.analysisd.write(Buffer.from('{"timestamp":"t","rule":{"level":5,"id":"1"},"agent":{"id":"001"},"id":"1.1"}\n'));
  world.analysisd.flush();
  const second = await world.startForwarder(routed);
  await eventually("all records in manifests", async () => {
    return (await proven.judge()).announced === world.ledger.expected;
  });
  assert.equal((await second.stop("SIGKILL")).ended, "SIGKILL");
  const [dead] = await freePorts(1);
  const checkpoint = (): string => readFileSync(world.directory.join("state/checkpoint.json"), "utf8");
  const before = checkpoint();
  const third = await world.startForwarder({ ...routed, sink: { kafka: { brokers: [`127.0.0.1:${dead}`] } } });
  await eventually("another checkpoint", () => checkpoint() !== before, { withinMs: 60_000 });
  assert.equal((await third.stop("SIGKILL")).ended, "SIGKILL");
  await kafka.createTopic(missing, { partitions: 1 });
  const fourth = await world.startForwarder(routed);
  await kafka.recordsReach(missing, 1);
  const { judgement } = await world.everythingDelivered(fourth);
  assert.equal(judgement.twice, 0);
  const { faults, announced } = await proven.judge(missing);
  assert.deepEqual(faults, []);
  assert.equal(announced, world.ledger.expected + 1);
});

test("what the socket has brought and the log never does is in a manifest, also after a stop and a kill", async () => {
  await using proven = await ProvenWorld.create(kafka, { topic: { partitions: 1 } });
  const { world, settings } = proven;
  const { analysisd, ledger } = world;
  const announced = async (): Promise<number> => (await proven.judge()).announced;
  analysisd.emit(100);
  analysisd.flush();
  const first = await world.startForwarder(settings);
  await kafka.recordsReach(world.topic, ledger.expected);
  const system = { eventID: "4625", providerName: "p" };
  const id = `${Math.floor(Date.now() / 1000)}.99999`;
  const lost = {
    timestamp: new Date().toISOString(),
    id,
    agent: { id: "001" },
    data: { win: { system, eventdata: {} } },
  };
  {
    await using stream = await world.stream();
    await stream.send(Buffer.from(`${JSON.stringify(lost)}\n`));
    await kafka.recordsReach(world.topic, ledger.expected + 1);
  }
  assert.equal((await first.stop()).ended, 0);
  analysisd.emit(100);
  analysisd.flush();
  // From here on nothing of before is looked up.
  const second = await world.startForwarder(settings);
  await eventually("every record but that one in manifests", async () => (await announced()) === ledger.expected);
  assert.equal((await second.stop("SIGKILL")).ended, "SIGKILL");
  const third = await world.startForwarder(settings);
  await eventually("that one, too", async () => (await announced()) === ledger.expected + 1);
  assert.equal((await third.stop()).ended, 0);
  assert.deepEqual((await proven.judge()).faults, []);
});
