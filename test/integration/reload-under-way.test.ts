/** SIGHUP while alerts wait for the sink: nothing is left behind, and the counters stay true. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import type { FetchedRecord } from "../../daemon/sinks/kafka/protocol/record-reader.ts";
import { tailOffMarker } from "../../integration/protocol.ts";
import { eventually } from "../rig/eventually.ts";
import { LineClient } from "../rig/line-client.ts";
import type { Program } from "../rig/program.ts";
import { type Reaction, ScriptedBroker } from "../unit/sinks/kafka/scripted-broker.ts";
import { alertLine, StatusWorld } from "./status-world.ts";

type Counts = Record<"read" | "ignored" | "paired" | "inFlight" | "acknowledged" | "deadLettered", number>;

interface Status {
  readonly sources: Record<"socket" | "tail", Counts>;
  readonly queue: { readonly alerts: number; readonly bytes: number };
}

async function statusOf(world: StatusWorld): Promise<Status> {
  const status: Status = JSON.parse((await world.ask("/status")).body);
  return status;
}

/** The sums hold in the status and in the metrics. */
async function assertBalanced(world: StatusWorld): Promise<void> {
  for (const source of ["socket", "tail"] as const) {
    const { read, ignored, paired, inFlight, acknowledged, deadLettered } = (await statusOf(world)).sources[source];
    assert.equal(read, ignored + paired + inFlight + acknowledged + deadLettered, source);
  }
  const metrics = (await world.ask("/metrics")).body;
  for (const source of ["socket", "tail"]) {
    const values = [...metrics.matchAll(/^(wazuh_dfn_alerts_\w+)\{([^}]*)\} (\d+)/gm)].filter(([, , labels]) =>
      labels?.includes(`source="${source}"`),
    );
    const of = (name: string): number =>
      values.filter(([, found]) => found === name).reduce((sum, [, , , value]) => sum + Number(value), 0);
    const read = of("wazuh_dfn_alerts_read_total");
    const parts = [...new Set(values.map(([, name]) => name ?? ""))].filter((name) => !name.includes("_read_"));
    assert.equal(
      read,
      parts.reduce((sum, name) => sum + of(name), 0),
      `${source}: ${metrics.slice(0, 2000)}`,
    );
  }
}

/** A sink that cannot be written to: a directory has its name. */
function stuck(world: StatusWorld): () => void {
  mkdirSync(world.records);
  return () => rmdirSync(world.records);
}

async function reload(program: Program, times: number): Promise<void> {
  program.signal("SIGHUP");
  await eventually(`${times} reloads`, () => linesWith(program, '"msg":"started"') > times, { withinMs: 20_000 });
}

function linesWith(program: Program, text: string): number {
  return program.errorLines.filter((line) => line.includes(text)).length;
}

function change(world: StatusWorld, more: Readonly<Record<string, unknown>>): void {
  const settings: Record<string, unknown> = JSON.parse(readFileSync(world.config, "utf8"));
  writeFileSync(world.config, JSON.stringify({ ...settings, ...more }));
}

function idOf({ headers }: Pick<FetchedRecord, "headers">): string {
  return String(headers[0]?.[1]);
}

const ignoredLine = JSON.stringify({ id: "1.9", rule: { groups: ["other"] }, manager: { name: "m" } });
/** Looks as if fail2ban's handler wanted it, but is ignored when it is parsed. */
const nearMiss = alertLine(1_700_000_900).replace("program_name", "program");

test("lines that are read again after SIGHUP count once, and nothing stays in flight", async () => {
  await using world = await StatusWorld.create();
  const release = stuck(world);
  const program = await world.start();
  world.writeLog(ignoredLine, alertLine(1_700_000_001), ignoredLine, nearMiss, ignoredLine, alertLine(1_700_000_002));
  world.writeLog(ignoredLine, nearMiss, alertLine(1_700_000_003), ignoredLine);
  await eventually("three under way", async () => (await statusOf(world)).sources.tail.inFlight === 3);
  const client = await LineClient.connect(world.alertSocket);
  // One of them by the socket too, and one that only the socket has brought so far.
  for (const second of [1_700_000_002, 1_700_000_004]) await client.ask(alertLine(second));
  await client.end();
  await eventually("ten lines read", async () => (await statusOf(world)).sources.tail.read === 10);
  const { tail } = (await statusOf(world)).sources;
  assert.deepEqual(tail, { read: 10, ignored: 7, paired: 0, inFlight: 3, acknowledged: 0, deadLettered: 0 });
  for (const times of [1, 2]) {
    await reload(program, times);
    await eventually("read again", async () => (await statusOf(world)).queue.alerts === 3);
    assert.deepEqual((await statusOf(world)).sources.tail, tail);
    await assertBalanced(world);
  }
  world.writeLog(alertLine(1_700_000_004), ignoredLine);
  release();
  await world.sentReach(4);
  await eventually("nothing in flight", async () => (await statusOf(world)).sources.tail.inFlight === 0);
  const { sources, queue } = await statusOf(world);
  assert.deepEqual(sources.tail, { read: 12, ignored: 8, paired: 0, inFlight: 0, acknowledged: 4, deadLettered: 0 });
  assert.equal(sources.socket.inFlight, 0);
  assert.deepEqual(queue.bytes, 0);
  await assertBalanced(world);
  assert.equal(world.sent().length, 4);
});

test("with settings under which nobody wants what was in flight, nothing stays in flight", async () => {
  await using world = await StatusWorld.create();
  const release = stuck(world);
  const program = await world.start();
  world.writeLog(...[1, 2, 3].map((second) => alertLine(1_700_000_000 + second)), ignoredLine);
  await eventually("three under way", async () => (await statusOf(world)).sources.tail.inFlight === 3);
  change(world, { handlers: { fail2ban: false } });
  await reload(program, 1);
  await eventually("nothing in flight", async () => (await statusOf(world)).sources.tail.inFlight === 0);
  const { tail } = (await statusOf(world)).sources;
  assert.deepEqual(tail, { read: 4, ignored: 4, paired: 0, inFlight: 0, acknowledged: 0, deadLettered: 0 });
  await assertBalanced(world);
  release();
});

test("SIGHUP to sources.tail: off waits for what alerts.json contained, and custom-dfn knows before", async () => {
  await using world = await StatusWorld.create();
  const release = stuck(world);
  const program = await world.start();
  world.writeLog(alertLine(1_700_000_001), alertLine(1_700_000_002), ignoredLine);
  await eventually("two under way", async () => (await statusOf(world)).sources.tail.inFlight === 2);
  const { sources }: { sources: object } = JSON.parse(readFileSync(world.config, "utf8"));
  change(world, { sources: { ...sources, tail: false } });
  program.signal("SIGHUP");
  await program.waitForLog(/no longer in the settings.*once everything in it is delivered/);
  await eventually("the marker", () => existsSync(tailOffMarker(world.alertSocket)));
  // What arrives meanwhile is accepted as usual, one after the other, so that the tail looks at the log again and
  // again.
  for (let count = 3; count <= 8; count++) {
    world.writeLog(alertLine(1_700_000_000 + count));
    await eventually(`${count} under way`, async () => (await statusOf(world)).sources.tail.inFlight === count);
  }
  assert.equal(linesWith(program, '"msg":"started"'), 1);
  release();
  await eventually("the change", () => linesWith(program, '"msg":"started"') === 2, { withinMs: 20_000 });
  assert.equal(world.sent().length, 8);
  const { sources: counts, queue } = await statusOf(world);
  assert.deepEqual(counts.tail, { read: 9, ignored: 1, paired: 0, inFlight: 0, acknowledged: 8, deadLettered: 0 });
  assert.equal(queue.alerts, 0);
  assert.equal(linesWith(program, "read again"), 0);
  assert.ok(existsSync(tailOffMarker(world.alertSocket)));
  // The log is no longer read; the socket is.
  world.writeLog(alertLine(1_700_000_009));
  const client = await LineClient.connect(world.alertSocket);
  await client.ask(alertLine(1_700_000_010));
  await client.end();
  await world.sentReach(9);
  assert.deepEqual(
    world.sent().map(({ headers }) => headers["wazuh-alert-id"]),
    [1, 2, 3, 4, 5, 6, 7, 8, 10].map((second) => `${1_700_000_000 + second}.1`),
  );
});

for (const isOff of [true, false]) {
  const to = isOff ? "sources.tail: off" : "another alerts.json";
  test(`SIGHUP to ${to} also waits for lines that there was no room to read yet`, async () => {
    await using world = await StatusWorld.create();
    const { sources }: { sources: object } = JSON.parse(readFileSync(world.config, "utf8"));
    change(world, { limits: { memory: "1MiB" } });
    const release = stuck(world);
    const program = await world.start();
    world.writeLog(...Array.from({ length: 1000 }, (_, at) => alertLine(1_700_000_000 + at)));
    await eventually("some under way", async () => (await statusOf(world)).sources.tail.inFlight > 0);
    const path = world.directory.join("ossec/logs/alerts/other.json");
    change(world, { sources: { ...sources, tail: isOff ? false : { path } } });
    program.signal("SIGHUP");
    await program.waitForLog(/no longer in the settings/);
    assert.ok((await statusOf(world)).sources.tail.read < 1000);
    release();
    await eventually("the change", () => linesWith(program, '"msg":"started"') === 2, { withinMs: 20_000 });
    assert.equal(world.sent().length, 1000);
  });
}

test("SIGHUP to sources.tail: off loses nothing of what arrives while the rest is delivered and the broker then refuses", async () => {
  await using broker = await ScriptedBroker.start();
  await using world = await StatusWorld.create();
  change(world, { dfn: { customer_id: broker.topic }, sink: { kafka: { brokers: [broker.address] } } });
  const last = 1_700_000_008;
  let taken: "nothing" | "all but the last" | "all" = "nothing";
  broker.react = ({ records }): Reaction => {
    const isTaken = taken === "all" || (taken !== "nothing" && !records.map(idOf).includes(`${last}.1`));
    return isTaken ? "append" : { code: 19 };
  };
  const program = await world.start();
  const { sources }: { sources: object } = JSON.parse(readFileSync(world.config, "utf8"));
  world.writeLog(alertLine(1_700_000_001));
  await eventually("one under way", async () => (await statusOf(world)).sources.tail.inFlight === 1);
  change(world, { sources: { ...sources, tail: false } });
  program.signal("SIGHUP");
  await program.waitForLog(/no longer in the settings/);
  await eventually("the marker", () => existsSync(tailOffMarker(world.alertSocket)));
  // After this number of looks by the tail the awaited lines are fixed: the last one is not among them.
  for (let second = 1_700_000_002; second <= last; second++) {
    world.writeLog(alertLine(second));
    const count = second - 1_700_000_000;
    await eventually(`${count} under way`, async () => (await statusOf(world)).sources.tail.inFlight === count);
  }
  taken = "all but the last";
  await eventually("the old settings", () => linesWith(program, '"msg":"started"') === 2, { withinMs: 30_000 });
  await eventually("another wait", () => linesWith(program, "no longer in the settings") === 2);
  taken = "all";
  await eventually("the change", () => linesWith(program, '"msg":"started"') === 3, { withinMs: 30_000 });
  assert.deepEqual(
    broker.log.map(idOf),
    [1, 2, 3, 4, 5, 6, 7, 8].map((second) => `${1_700_000_000 + second}.1`),
  );
});

test("while it waits, wrong settings change nothing, and custom-dfn knows that alerts.json is still read", async () => {
  await using world = await StatusWorld.create();
  stuck(world);
  const program = await world.start();
  world.writeLog(alertLine(1_700_000_001));
  await eventually("one under way", async () => (await statusOf(world)).sources.tail.inFlight === 1);
  const { sources }: { sources: object } = JSON.parse(readFileSync(world.config, "utf8"));
  change(world, { sources: { ...sources, tail: false } });
  program.signal("SIGHUP");
  await program.waitForLog(/no longer in the settings/);
  await eventually("the marker", () => existsSync(tailOffMarker(world.alertSocket)));
  change(world, { sources: { ...sources, tail: "nonsense" } });
  program.signal("SIGHUP");
  await program.waitForLog(/changed settings are wrong/);
  assert.equal(existsSync(tailOffMarker(world.alertSocket)), false);
  assert.equal((await statusOf(world)).sources.tail.inFlight, 1);
});

test("while it waits, another SIGHUP with the former settings changes nothing, and SIGTERM ends it", async () => {
  await using world = await StatusWorld.create();
  stuck(world);
  const program = await world.start();
  world.writeLog(alertLine(1_700_000_001));
  await eventually("one under way", async () => (await statusOf(world)).sources.tail.inFlight === 1);
  const { sources }: { sources: object } = JSON.parse(readFileSync(world.config, "utf8"));
  change(world, { sources: { ...sources, tail: false } });
  program.signal("SIGHUP");
  await program.waitForLog(/no longer in the settings/);
  await eventually("the marker", () => existsSync(tailOffMarker(world.alertSocket)));
  change(world, { sources });
  await reload(program, 1);
  assert.equal(existsSync(tailOffMarker(world.alertSocket)), false);
  assert.equal((await statusOf(world)).sources.tail.inFlight, 1);
  change(world, { sources: { ...sources, tail: false } });
  program.signal("SIGHUP");
  await eventually("another wait", () => linesWith(program, "no longer in the settings") === 2);
  assert.equal((await program.stop()).ended, 0);
});
