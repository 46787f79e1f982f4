/**
 * The limit on memory in an outage: what the byte budget counts is what is held, whether it is spent on many small
 * alerts or on a few large ones. And over time: what large lines took is freed.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { after, before, test } from "node:test";
import { askStatus } from "../../daemon/commands/status-client.ts";
import { eventually } from "../rig/eventually.ts";
import { KafkaCluster } from "../rig/kafka-cluster.ts";
import { World } from "../rig/world.ts";

const mostBytes = 220e6;

let kafka: KafkaCluster;

before(async () => {
  kafka = await KafkaCluster.start();
});
after(() => kafka[Symbol.asyncDispose]());

/** Text that hardly compresses. */
const noise = randomBytes(900_000).toString("base64");

/** A line of about the given number of bytes. */
function lineOf(bytes: number, index: number): Buffer {
  const id = `${1_764_800_000 + Math.floor(index / 1000)}.${index}`;
  const head = `{"timestamp":"2026-11-21T10:00:00.000+0000","rule":{"level":5,"id":"5710"},"agent":{"id":"001"},"manager":{"name":"m"},"id":"${id}","full_log":"`;
  const start = (index * 7919) % 100_000;
  return Buffer.from(`${head}${noise.slice(start, start + bytes - head.length)}"}\n`);
}

function peakBytes(pid: number): number {
  const kib = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kib) * 1024;
}

for (const { what, bytes, alerts } of [
  { what: "300 bytes", bytes: 300, alerts: 30_000 },
  { what: "1.6 KB", bytes: 1600, alerts: 20_000 },
  { what: "1 MB", bytes: 1_000_000, alerts: 100 },
]) {
  test(`Kafka away until the budget is spent on alerts of ${what}: memory stays bounded, and all follow`, async () => {
    await using world = await World.create(kafka, { topic: { partitions: 3 } });
    const handlers = { windows: "off", fail2ban: "off", passthrough: { topic: world.topic } };
    const forwarder = await world.startForwarder({ handlers, dfn: { customer_id: "not-written-to" } });
    const log = world.analysisd.alertsJson;
    mkdirSync(dirname(log), { recursive: true });
    // The partition's sender is at work before Kafka goes away, so batches are sealed and wait as well.
    appendFileSync(log, lineOf(bytes, 0));
    await kafka.recordsReach(world.topic, 1);
    await kafka.stopAll("SIGKILL");
    await using stream = await world.stream();
    for (let index = 1; index < alerts; index++) {
      const line = lineOf(bytes, index);
      appendFileSync(log, line);
      await stream.send(line);
    }
    await eventually("an answer for each alert", () => stream.answers.length === alerts - 1);
    const { queue } = await askStatus({ kind: "unix", path: world.directory.join("status.sock") });
    assert.ok(queue.bytes >= queue.limitBytes, `${queue.bytes} of ${queue.limitBytes} bytes are taken`);
    await kafka.startAll();
    await kafka.recordsReach(world.topic, alerts);
    assert.equal(await kafka.recordCount(world.topic), alerts);
    const peak = peakBytes(forwarder.pid);
    assert.ok(peak <= mostBytes, `${Math.round(peak / 1e6)} MB at the peak`);
    assert.equal((await forwarder.stop()).ended, 0);
  });
}

test("lines of up to 10 MB again and again, and some over the limit: memory does not grow with them", async () => {
  await using world = await World.create(kafka);
  const handlers = { windows: "off", fail2ban: "off", passthrough: { topic: world.topic } };
  const forwarder = await world.startForwarder({ handlers, dfn: { customer_id: "not-written-to" } });
  const log = world.analysisd.alertsJson;
  mkdirSync(dirname(log), { recursive: true });
  const status = { kind: "unix", path: world.directory.join("status.sock") } as const;
  const small = 500;
  for (let round = 1; round <= 20; round++) {
    for (let index = 0; index < small; index++) appendFileSync(log, lineOf(1600, index));
    for (const bytes of [60_000, 1_000_000, 10_000_000, 17_000_000]) {
      const long = `"full_log":"${"long ".repeat(bytes / 5)}`;
      appendFileSync(log, lineOf(1000, round).toString().replace('"full_log":"', long));
    }
    const isDone = async (): Promise<boolean> => {
      const { acknowledged, deadLettered } = (await askStatus(status)).sources.tail;
      return acknowledged === round * (small + 3) && deadLettered === round;
    };
    await eventually("an outcome for each", isDone);
  }
  const peak = peakBytes(forwarder.pid);
  assert.ok(peak <= mostBytes, `${Math.round(peak / 1e6)} MB at the peak`);
  assert.equal((await forwarder.stop()).ended, 0);
});
