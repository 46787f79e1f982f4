import assert from "node:assert/strict";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import type { StatusSnapshot } from "../../daemon/status/facts.ts";
import { eventually } from "../rig/eventually.ts";
import { bundleVersion } from "../rig/forwarder-bundle.ts";
import { AlertStream } from "../rig/alert-stream.ts";
import { alertLine, StatusWorld } from "./status-world.ts";

/** What was read, and then what became of it, as the metrics name it. */
const countNames = [
  "read_total",
  "ignored_total",
  "paired_total",
  "in_flight",
  "acknowledged_total",
  "dead_lettered_total",
];

/** For each source the counts of one scrape, in the order of `countNames`; a missing one is NaN. */
function countsOf(body: string): Map<string, number[]> {
  const value = (name: string, source: string): number =>
    Number(new RegExp(`^wazuh_dfn_alerts_${name}\\{source="${source}"\\} (\\d+)$`, "m").exec(body)?.[1]);
  return new Map(["socket", "tail", "replay"].map((source) => [source, countNames.map((name) => value(name, source))]));
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

async function statusOf(world: StatusWorld): Promise<StatusSnapshot> {
  return JSON.parse((await world.ask("/status")).body);
}

/** Resolves with the reason on this subject once there is one. */
async function reasonOn(world: StatusWorld, subject: string): Promise<string> {
  return eventually(`a reason on ${subject}`, async () => {
    const { health } = await statusOf(world);
    return health.reasons.find((reason) => reason.subject === subject)?.text;
  });
}

async function becomesOk(world: StatusWorld): Promise<void> {
  await eventually("health", async () => (await statusOf(world)).health.state === "ok");
}

test("a forwarder at work is ok, and status reports its counters, position and records", async () => {
  await using world = await StatusWorld.create();
  await world.start();
  world.writeLog(alertLine(1_700_000_001), '{"id":"1.2"}', alertLine(1_700_000_002));
  await world.sentReach(2);
  const { sources, log, deadLetters, health, version, queue } = await eventually("both outcomes", async () => {
    const status = await statusOf(world);
    return status.sources.tail.acknowledged === 2 && status;
  });
  assert.deepEqual(sources.tail, { read: 3, ignored: 1, paired: 0, inFlight: 0, acknowledged: 2, deadLettered: 0 });
  assert.deepEqual(
    [health, version, deadLetters.entries, queue.alerts],
    [{ state: "ok", reasons: [] }, bundleVersion, 0, 0],
  );
  assert.deepEqual([log?.file, log?.lagBytes], [world.alertsJson, 0]);

  const { code, stdout, stderr } = await world.run("status");
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, new RegExp(`^ok: wazuh-dfn ${bundleVersion}, process \\d+, up `));
  assert.match(stdout, /^tail +3 +1 +0 +0 +2 +0$/m);
  const json = await world.run("status", "--json");
  assert.equal(json.code, 0);
  const snapshot: StatusSnapshot = JSON.parse(json.stdout);
  assert.equal(snapshot.sources.tail.acknowledged, 2);
});

test("in every scrape under load, the count of alerts read equals the sum of what became of them", async () => {
  await using world = await StatusWorld.create();
  mkdirSync(world.records);
  await world.start();
  await using stream = await AlertStream.connect(world.alertSocket);
  const rounds = 20;
  const broken = `${alertLine(1_700_000_000).slice(0, -1)},}`;
  const unbalanced: string[] = [];
  const scrape = async () => {
    const bySource = countsOf((await world.ask("/metrics")).body);
    for (const [source, [read, ...parts]] of bySource) {
      if (read !== sumOf(parts)) unbalanced.push(`${source} ${read} ${parts.join(" ")}`);
    }
    const totals = countNames.map((_, index) => sumOf([...bySource.values()].map((counts) => counts[index] ?? NaN)));
    return { totals, read: totals[0] ?? NaN, inFlight: totals[3] ?? NaN };
  };
  for (let round = 0; round < rounds; round++) {
    const lines = Array.from({ length: 400 }, (_, k) => alertLine(1_700_000_000 + round * 400 + k));
    const copies = lines.slice(0, 200).map((line) => `${line}\n`);
    await stream.send(Buffer.from(copies.join("")));
    world.writeLog(...lines, '{"id":"1.1"}', broken);
    await scrape();
    if (round === rounds / 2) {
      await eventually("alerts in flight", async () => (await scrape()).inFlight > 0);
      rmSync(world.records, { recursive: true });
    }
  }
  const all = 602 * rounds;
  const { totals } = await eventually("all of them", async () => {
    const found = await scrape();
    return found.read === all && found.inFlight === 0 && found;
  });
  assert.deepEqual(unbalanced, []);
  assert.deepEqual(totals, [all, rounds, 200 * rounds, 0, 400 * rounds, rounds]);
  assert.equal(world.sent().length, 400 * rounds);
});

test("a log that is moved away is reported with a remedy within two seconds, and ok again when it is back", async () => {
  await using world = await StatusWorld.create();
  await world.start();
  const logs = world.directory.join("ossec/logs");
  const reportedAfterMs: number[] = [];
  do {
    await becomesOk(world);
    const movedAt = performance.now();
    renameSync(logs, `${logs}.moved`);
    assert.match(await reasonOn(world, "log"), /alerts\.json does not exist.*Is the manager running\?/);
    reportedAfterMs.push(performance.now() - movedAt);
    const { code, stdout } = await world.run("status");
    assert.equal(code, 1);
    assert.match(stdout, /^degraded: .*\n {2}log \[log-missing\], for \d+ s: /);
    renameSync(`${logs}.moved`, logs);
    // Again if the machine was too busy to report in time; only a forwarder that always takes longer breaks the
    // promise.
  } while (Math.min(...reportedAfterMs) > 2000 && reportedAfterMs.length < 20);
  assert.ok(Math.min(...reportedAfterMs) <= 2000, `reported after ${reportedAfterMs.join(", ")} ms`);
  await becomesOk(world);
});

test("a sink, a checkpoint and a dead-letter store that cannot be written are reported, and recover", async () => {
  await using world = await StatusWorld.create();
  const forwarder = await world.start();
  await becomesOk(world);
  const state = world.directory.join("state");
  renameSync(state, `${state}.away`);
  writeFileSync(state, "a file in its place");
  rmSync(world.records);
  mkdirSync(world.records);
  world.writeLog(alertLine(1_700_000_001), `${alertLine(1_700_000_002).slice(0, -1)},}`);
  assert.match(await reasonOn(world, "file sink"), /records cannot be written.*EISDIR/);
  assert.match(await reasonOn(world, "checkpoint"), /cannot be written.*Make room/);
  assert.match(await reasonOn(world, "dead-letter store"), /dead letters cannot be stored.*ENOTDIR.*make room/);
  assert.equal((await world.ask("/readyz")).status, 200);
  const codes = (await statusOf(world)).health.reasons.map(({ code }) => code);
  for (const code of ["file-sink-unwritable", "checkpoint-unwritable", "dead-letters-unwritable"] as const) {
    assert.ok(codes.includes(code), `${code} in ${codes.join()}`);
    assert.match(
      (await world.ask("/metrics")).body,
      new RegExp(`^wazuh_dfn_health_reason\\{code="${code}"\\} 1$`, "m"),
    );
    await forwarder.waitForLog(new RegExp(`"code":"${code}"`));
  }
  rmSync(world.records, { recursive: true });
  rmSync(state);
  renameSync(`${state}.away`, state);
  await world.sentReach(1);
  await eventually("the dead letter, and no other reason", async () => {
    const { deadLetters, health } = await statusOf(world);
    const subjects = health.reasons.map(({ subject }) => subject);
    return deadLetters.entries === 1 && subjects.join() === "dead letters";
  });
});

test("alerts that wait without an outcome make it degraded, and nothing needs a restart", async () => {
  await using world = await StatusWorld.create();
  mkdirSync(world.records);
  await world.start();
  world.writeLog(alertLine(1_700_000_001));
  assert.match(
    await reasonOn(world, "delivery"),
    /^1 alerts are in flight, and none of them got an outcome for \d+ s$/,
  );
  rmSync(world.records, { recursive: true });
  await world.sentReach(1);
  await becomesOk(world);
});

test("a reload in an outage counts nothing twice, and a changed address of the status is adopted", async () => {
  await using world = await StatusWorld.create();
  mkdirSync(world.records);
  const forwarder = await world.start();
  world.writeLog(alertLine(1_700_000_001), alertLine(1_700_000_002));
  await eventually("both in flight", async () => (await statusOf(world)).sources.tail.inFlight === 2);
  const moved = world.directory.join("elsewhere.sock");
  world.configure({ fail2ban: {} }, moved);
  const before = forwarder.errorLines.length;
  forwarder.signal("SIGHUP");
  await eventually("the reload", () =>
    forwarder.errorLines.slice(before).some((line) => line.includes('"msg":"started"')),
  );
  await assert.rejects(world.ask("/livez"));
  rmSync(world.records, { recursive: true });
  await world.sentReach(2);
  const { stdout } = await eventually("both outcomes", async () => {
    const result = await world.run("status", "--json");
    const { sources }: StatusSnapshot = JSON.parse(result.stdout);
    return sources.tail.acknowledged === 2 && result;
  });
  const { sources }: StatusSnapshot = JSON.parse(stdout);
  assert.deepEqual(sources.tail, { read: 2, ignored: 0, paired: 0, inFlight: 0, acknowledged: 2, deadLettered: 0 });
});

test("a status socket that cannot be created is an error in the log, and alerts are still forwarded", async () => {
  await using world = await StatusWorld.create();
  writeFileSync(world.statusSocket, "a file in its place");
  const forwarder = await world.start();
  assert.match(forwarder.errorLines.join("\n"), /"level":"error".*is not a socket.*the status is not available/);
  world.writeLog(alertLine(1_700_000_001));
  await world.sentReach(1);
  assert.equal((await forwarder.stop()).ended, 0);
});

test("without a forwarder status says where it asked and what to do, with the code for unavailable", async () => {
  await using world = await StatusWorld.create();
  const { code, stdout, stderr } = await world.run("status");
  assert.deepEqual([code, stdout], [69, ""]);
  assert.match(stderr, /^wazuh-dfn: no forwarder answers on .*status\.sock .*ENOENT.*; is it running/);
});
