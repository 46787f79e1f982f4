import assert from "node:assert/strict";
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { test } from "node:test";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { DeadLetterStore } from "../../daemon/dead-letters/store.ts";
import { DeadLetterUsage } from "../../daemon/dead-letters/usage.ts";
import { markAcknowledged } from "../../daemon/dead-letters/acknowledgements.ts";
import { segmentsOf } from "../../daemon/dead-letters/segments.ts";
import type { StatusSnapshot } from "../../daemon/status/facts.ts";
import { silentLog } from "../../daemon/telemetry/log.ts";
import { AlertStream } from "../rig/alert-stream.ts";
import { eventually } from "../rig/eventually.ts";
import type { Program } from "../rig/program.ts";
import { asOfADeadProcess, list, store } from "./dead-letter-world.ts";
import { alertLine, StatusWorld } from "./status-world.ts";

const brokenLine = `${alertLine(1_700_000_002).slice(0, -1)},}`;

async function statusOf(world: StatusWorld): Promise<StatusSnapshot> {
  return JSON.parse((await world.ask("/status")).body);
}

/** Resolves with the health once it has these subjects and no other. */
function subjectsBecome(world: StatusWorld, ...subjects: readonly string[]): Promise<StatusSnapshot["health"]> {
  return eventually(`health to be about: ${subjects.join(", ") || "nothing"}`, async () => {
    const { health } = await statusOf(world);
    const found = health.reasons.map(({ subject }) => subject);
    return found.join() === subjects.join() && health;
  });
}

function errorsOf(program: Program): { msg: string; entries?: number; reason?: string; source?: string }[] {
  const lines = program.errorLines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  return lines.filter(({ level }) => level === "error");
}

test("the first dead letter degrades the forwarder, also after a restart, until it is acknowledged", async () => {
  await using world = await StatusWorld.create();
  const first = await world.start();
  await subjectsBecome(world);
  world.writeLog(alertLine(1_700_000_001), brokenLine);
  const { reasons } = await subjectsBecome(world, "dead letters");
  assert.match(reasons[0]?.text ?? "", /^1 dead letter is in the store, not delivered: 1 not-json \(source tail\); /);
  const [entry] = await list(world);
  assert.equal(reasons[0]?.since, (await firstEntry(world)).time);
  const [logged] = await eventually("a line in the log", () => errorsOf(first).length > 0 && errorsOf(first));
  assert.match(logged?.msg ?? "", /cannot be delivered and is in the dead-letter store.*dead-letter list.*ack/);
  assert.deepEqual([logged?.reason, logged?.source, logged?.entries], ["not-json", "tail", 1]);
  const status = await world.run("status");
  assert.equal(status.code, 1);
  assert.match(status.stdout, /^degraded: .*\n {2}dead letters \[dead-letters-open\], for /);
  assert.match(status.stdout, /^dead letters +1 in the store, /m);

  assert.equal((await first.stop()).ended, 0);
  const second = await world.start();
  await subjectsBecome(world, "dead letters");
  assert.equal((await world.run("dead-letter", "ack", entry?.id ?? "")).stdout, "acknowledged 1\n");
  await subjectsBecome(world);
  assert.match((await world.run("status")).stdout, /^dead letters +1 in the store \(1 acknowledged\), /m);
  await second.stop();
  await world.start();
  await eventually("the count", async () => (await statusOf(world)).deadLetters.acknowledged === 1);
  await subjectsBecome(world);
  world.writeLog(brokenLine);
  await subjectsBecome(world, "dead letters");
  assert.equal((await world.run("dead-letter", "ack", "--all", "--json")).stdout, '{"acknowledged":1}\n');
  await subjectsBecome(world);
});

async function addEntries(store: DeadLetterStore, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const place = { file: "/alerts.json", offset: n, length: 3000 };
    await store.add({ source: "tail", reason: "refused", detail: "no", place, bytes: Buffer.alloc(3000, n) });
  }
}

async function firstEntry(world: StatusWorld): Promise<{ time: string }> {
  return JSON.parse((await world.run("dead-letter", "list", "--json")).stdout)[0];
}

test("lines of the socket that are not alerts are reported separately, and do not keep the log from naming an alert", async () => {
  await using world = await StatusWorld.create();
  const program = await world.start();
  await using stream = await AlertStream.connect(world.alertSocket);
  for (let n = 0; n < 20; n++) await stream.send(Buffer.from(`{"id":"1.${n}",broken}\n`));
  await subjectsBecome(world, "dead letters of the socket");
  world.writeLog(brokenLine);
  const { reasons } = await subjectsBecome(world, "dead letters", "dead letters of the socket");
  assert.match(reasons[1]?.text ?? "", /^20 lines of the socket are not alerts: 20 not-json \(source socket\)/);
  const messages = (): string[] => errorsOf(program).map(({ msg }) => msg.replace(/ and is in .*/, ""));
  await eventually("both kinds in the log", () => messages().length === 2);
  assert.deepEqual(messages(), [
    "a line of the socket is not an alert",
    "an alert, or a line that may be one, cannot be delivered",
  ]);
  await world.run("dead-letter", "purge", "--all");
  await subjectsBecome(world);
});

test("list and show say what is acknowledged; ack is done once, and replay and purge take acknowledged entries too", async () => {
  await using world = await StatusWorld.create();
  await store(world, [{ bytes: alertLine(1_700_000_001) }, { bytes: "b" }, { bytes: "c" }]);
  const [first, second] = await list(world);
  assert.equal((await world.run("dead-letter", "ack", first?.id ?? "")).stdout, "acknowledged 1\n");
  assert.equal((await world.run("dead-letter", "ack", first?.id ?? "", second?.id ?? "")).stdout, "acknowledged 1\n");
  const { stdout } = await world.run("dead-letter", "list");
  assert.match(stdout, /:1 .*\(acknowledged\) .*\n.*:2 .*\(acknowledged\) .*\n.*:3 .*\n3 dead letters, 2 of them ack/);
  const states = (await list(world)).map(({ acknowledged }) => acknowledged);
  assert.deepEqual(states, [true, true, false]);
  assert.match((await world.run("dead-letter", "show", first?.id ?? "")).stdout, /^state +acknowledged$/m);
  assert.equal((await world.run("dead-letter", "ack", "nobody:1")).code, 65);
  for (const args of [["ack"], ["ack", "--before", "2020-01-01"], ["ack", "x", "--all"]]) {
    assert.equal((await world.run("dead-letter", ...args)).code, 64, args.join(" "));
  }
  assert.match((await world.run("dead-letter", "replay", first?.id ?? "")).stdout, /^acknowledged and removed 1/);
  assert.equal((await world.run("dead-letter", "purge", "--all")).stdout, "removed 2\n");
});

test("with the last entry of a segment its acknowledgements are removed too", async () => {
  await using world = await StatusWorld.create();
  await store(world, [{ bytes: "a" }]);
  await asOfADeadProcess(world);
  await world.run("dead-letter", "ack", "--all");
  assert.equal(readdirSync(world.deadLetters).filter((name) => name.endsWith(".acknowledged")).length, 1);
  await world.run("dead-letter", "purge", "--all");
  assert.deepEqual(await segmentsOf(world.deadLetters), []);
});

test("acknowledgements survive the compaction of the store", async () => {
  const directory = mkdtempSync(join(tmpdir(), "dfn-ack-"));
  try {
    await using letters = new DeadLetterStore(directory, { maxBytes: 40_000, segmentBytes: 10_000 }, silentLog);
    await addEntries(letters, 3);
    const [segment = ""] = await segmentsOf(directory);
    await markAcknowledged(segment, [2]);
    const usage = new DeadLetterUsage(directory);
    const before = await usage.count();
    assert.deepEqual([before.entries, before.acknowledged, before.open.entries], [3, 1, 2]);
    await addEntries(letters, 20);
    assert.ok(letters.rawGivenUp >= 3);
    for (const counter of [usage, new DeadLetterUsage(directory)]) {
      const { entries, acknowledged, open } = await counter.count();
      assert.deepEqual([entries, acknowledged, open.entries], [23, 1, 22]);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("a file of acknowledgements that is a link is not followed, and one that is far too long is not extended", async () => {
  await using world = await StatusWorld.create();
  await store(world, [{ bytes: "a" }]);
  const [segment = ""] = await segmentsOf(world.deadLetters);
  const elsewhere = world.directory.join("elsewhere");
  writeFileSync(elsewhere, "");
  symlinkSync(elsewhere, `${segment}.acknowledged`);
  const linked = await world.run("dead-letter", "ack", "--all");
  assert.notEqual(linked.code, 0, linked.stdout);
  assert.match(linked.stderr, /\.acknowledged/);
  assert.equal(readFileSync(elsewhere, "utf8"), "");
  rmSync(`${segment}.acknowledged`);
  writeFileSync(`${segment}.acknowledged`, Buffer.alloc(5 * 1024 * 1024, "7 acknowledged\n"));
  const long = await world.run("dead-letter", "ack", "--all");
  assert.notEqual(long.code, 0, long.stdout);
  assert.match(long.stderr, /\.acknowledged/);
  assert.equal(statSync(`${segment}.acknowledged`).size, 5 * 1024 * 1024);
});

test("an entry that is counted while it is half written is counted once it is whole", async () => {
  await using world = await StatusWorld.create();
  await store(world, [{ bytes: "a" }, { bytes: "b" }]);
  const [segment = ""] = await segmentsOf(world.deadLetters);
  const usage = new DeadLetterUsage(world.deadLetters);
  assert.equal((await usage.count()).open.entries, 2);
  const line = `{"version":1,"time":"2026-11-22T10:00:00Z","source":"tail","reason":"torn","detail":"x","place":{"file":"/a","offset":0,"length":1}}`;
  appendFileSync(segment, line);
  assert.equal((await usage.count()).open.entries, 2);
  appendFileSync(segment, "\n");
  const { open, entries } = await usage.count();
  assert.deepEqual([open.entries, entries, open.since], [3, 3, "2026-11-22T10:00:00.000Z"]);
});
