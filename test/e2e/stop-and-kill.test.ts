import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Kafka } from "../rig/kafka.ts";
import type { Program } from "../rig/program.ts";
import { sharedKafka } from "../rig/shared-kafka.ts";
import { World } from "../rig/world.ts";

let kafka: Kafka;

before(async () => {
  kafka = await sharedKafka();
});
after(() => kafka[Symbol.asyncDispose]());

/** Ends the forwarder and starts it again, several times, each time after some hundred more records. */
async function startAgain(world: World, forwarder: Program, signal: "SIGTERM" | "SIGKILL"): Promise<Program> {
  let running = forwarder;
  for (let round = 0; round < 5; round++) {
    await kafka.recordsGrow(world.topic, 150);
    const { ended } = await running.stop(signal);
    assert.equal(ended, signal === "SIGTERM" ? 0 : signal, running.errorLines.slice(-10).join("\n"));
    running = await world.startForwarder();
  }
  return running;
}

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  test(`${signal} under load, five times, loses nothing and sends nothing twice`, async () => {
    await using world = await World.create(kafka);
    const first = await world.startForwarder();
    const running = await world.analysisd.emitDuring(400, () => startAgain(world, first, signal));
    const { judgement } = await world.everythingDelivered(running);
    assert.equal(judgement.twice, 0);
  });
}

test("SIGTERM in the middle of a backlog ends the forwarder, and the next start continues there", async () => {
  await using world = await World.create(kafka);
  world.analysisd.emit(20_000);
  world.analysisd.flush();
  const first = await world.startForwarder();
  await kafka.recordsReach(world.topic, 1);
  assert.equal((await first.stop()).ended, 0);
  const second = await world.startForwarder();
  const { judgement } = await world.everythingDelivered(second);
  assert.equal(judgement.twice, 0);
});

test("SIGKILL right after the topic was created, which the first start had not found, sends nothing twice", async () => {
  await using world = await World.create(kafka, { topic: false });
  const first = await world.startForwarder();
  world.analysisd.emit(2000);
  world.analysisd.flush();
  await first.waitForLog(new RegExp(world.topic));
  await kafka.createTopic(world.topic, { partitions: 3 });
  await kafka.recordsReach(world.topic, 1);
  assert.equal((await first.stop("SIGKILL")).ended, "SIGKILL");
  const second = await world.startForwarder();
  const { judgement } = await world.everythingDelivered(second);
  assert.equal(judgement.twice, 0);
});

test("a second forwarder on the same state directory ends at once and says why", async () => {
  await using world = await World.create(kafka);
  const first = await world.startForwarder();
  const second = world.command("run");
  assert.equal(await second.end(), 69);
  assert.match(second.errorLines.join("\n"), /state/);
  assert.equal((await first.stop()).ended, 0);
});
