import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, lchownSync, readFileSync, symlinkSync } from "node:fs";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { eventually } from "../rig/eventually.ts";
import { otherUser } from "../rig/other-user.ts";
import { ban, day, ExplainWorld } from "./explain-world.ts";

/** Lines of the file sink. */
function recordsIn(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n").slice(0, -1);
  } catch {
    return []; // It is made with the first record.
  }
}

test("an alert is found in the compressed archive of its day, and each step to its record is shown", async () => {
  await using world = await ExplainWorld.create();
  const other = ban(`${day}.1`);
  const archive = world.archive("21.json.gz", other, ban(`${day}.2`), ban(`${day}.20`));
  world.archive("20.json", ban(`${day - 86_400}.2`));
  const { code, stdout, stderr } = await world.explain(`${day}.2`);
  assert.deepEqual([code, stderr.includes("alerts.json")], [1, true], stderr);
  for (const line of [
    `alert ${day}.2 of node manager, 2026-11-21T10:00:00.000+0000`,
    `  stored      ${archive}, byte ${other.length + 1} of its decompressed content, ${ban(`${day}.2`).length} bytes`,
    "              agent 004 web1, rule 100101",
    "  needle      found: fail2ban.actions (fail2ban)",
    "  own event   no",
    "  windows     does not want it",
    "  fail2ban    wants it",
    '              yes  data.srcip is not empty: "203.0.113.9"',
    '              yes  data.program_name is fail2ban.actions: "fail2ban.actions"',
    '              yes  rule.groups has fail2ban: ["syslog","fail2ban"]',
  ]) {
    assert.ok(stdout.includes(`${line}\n`), `${line}\n${stdout}`);
  }
  assert.match(stdout, /\n {14}no {3}data\.win\.system\.eventID is one of 4625, .*: missing\n/);
  assert.match(stdout, /\n {14}record for topic acme, key 004, partition 0, \d+ bytes\n/);
  assert.match(stdout, /\n {2}now {9}fail2ban: before the first start: no forwarder has run/);
});

test("an alert is not read yet, acknowledged at its place once the forwarder ran, also when it runs no more", async () => {
  await using world = await ExplainWorld.create();
  const archive = world.archive("21.json", ban(`${day}.1`), ban(`${day}.2`));
  world.makeLive(archive);
  const before = await world.explain(`${day}.2`);
  assert.deepEqual([before.code, before.stderr], [0, ""]);
  assert.match(before.stdout, /now {9}fail2ban: not read yet: no forwarder has run with this state directory yet\n/);
  const forwarder = await world.start();
  await eventually("both records", () => recordsIn(world.records).length === 2);
  const [first = ""] = recordsIn(world.records);
  const place = `fail2ban: acknowledged at acme/0, byte ${first.length + 1} of ${world.records}\n`;
  const running = await world.explain(`${day}.2`);
  assert.deepEqual([running.code, running.stderr], [0, ""]);
  assert.ok(running.stdout.endsWith(place), running.stdout);
  assert.equal((await forwarder.stop()).ended, 0);
  assert.ok((await world.explain(`${day}.2`)).stdout.endsWith(place));
  // A line that was written since, and one that the running forwarder is done with, whose record is gone.
  appendFileSync(archive, `${ban(`${day}.3`)}\n`);
  const later = await world.explain(`${day}.3`);
  assert.match(later.stdout, /fail2ban: not read yet: no forwarder answers on status.listen\n/);
  world.file("records.ndjson", "");
  const gone = await world.explain(`${day}.1`);
  assert.match(
    gone.stdout,
    /fail2ban: not known: the forwarder is done with it; no record of it is there since its time/,
  );
  assert.equal(gone.code, 0);
});

test("where manifests are published, an alert is also explained by the settings with which it was read", async () => {
  await using world = await ExplainWorld.create();
  world.configure({ manifest: { topic: "manifests" } });
  const archive = world.archive("21.json", ban(`${day}.1`));
  world.makeLive(archive);
  const sent = (): readonly string[] => recordsIn(world.records).filter((line) => line.includes('"topic":"acme"'));
  const first = await world.start();
  await eventually("the record", () => sent().length === 1);
  assert.equal((await first.stop()).ended, 0);
  world.configure({ handlers: { fail2ban: "off", passthrough: { topic: "everything" } } });
  const second = await world.start();
  appendFileSync(archive, `${ban(`${day}.2`)}\n`);
  await eventually("the second one", () => recordsIn(world.records).some((line) => line.includes("everything")));
  assert.equal((await second.stop()).ended, 0);

  const { code, stdout } = await world.explain(`${day}.1`);
  assert.equal(code, 0);
  assert.match(
    stdout,
    /\n {2}then {8}the settings since \d{4}-\S+Z made something else of it:\n {14}fail2ban: record for topic acme, \d+ bytes\n/,
  );
  assert.match(stdout, /passthrough: not known: .*the settings of its time did not send it\n/);
  const why = "by the settings of its time; with today's settings it would not be sent";
  assert.match(stdout, /fail2ban: acknowledged at acme\/0, byte \d+ of /);
  assert.ok(stdout.endsWith(`${world.records}: ${why}\n`), stdout);
  const later = await world.explain(`${day}.2`);
  assert.doesNotMatch(later.stdout, / then /);
  assert.match(later.stdout, /now {9}passthrough: acknowledged at everything/);
  world.file("records.ndjson", "");
  assert.match(
    (await world.explain(`${day}.1`)).stdout,
    /fail2ban: not known: by the settings of its time: the forwarder/,
  );
  world.file("state/configs/index.json", "[]");
  const damaged = await world.explain(`${day}.1`);
  assert.match(damaged.stderr, /index\.json cannot be used.*all is explained by today's settings alone\n/);
  assert.doesNotMatch(damaged.stdout, / then /);
});

test("what was in the log before the first start is named as such, and what came after is not", async () => {
  await using world = await ExplainWorld.create();
  world.configure({ sources: { socket: "off", tail: { start: "end" } } });
  world.archive("20.json.gz", ban(`${day - 86_400}.1`));
  const archive = world.archive("21.json", ban(`${day}.1`));
  world.makeLive(archive);
  const forwarder = await world.start();
  await eventually("a checkpoint", () =>
    readFileSync(world.directory.join("state/checkpoint.json"), "utf8").includes("began"),
  );
  appendFileSync(archive, `${ban(`${day}.2`)}\n`);
  await eventually("the record", () => recordsIn(world.records).length === 1);
  await forwarder.stop();
  for (const id of [`${day}.1`, `${day - 86_400}.1`]) {
    const { code, stdout } = await world.explain(id);
    assert.equal(code, 1, stdout);
    assert.match(stdout, /now {9}fail2ban: before the first start: what was in the log before it is sent by hand/);
  }
  const after = await world.explain(`${day}.2`);
  assert.match(after.stdout, /fail2ban: acknowledged at acme\/0/);
  assert.equal(after.code, 0);
});

test("an alert that is ignored says by which condition, and one without a needle that no handler was asked", async () => {
  await using world = await ExplainWorld.create();
  world.configure({ dfn: { customer_id: "acme", own_network: ["203.0.113.0/24"] } });
  const own = { agent: { id: "000" }, data: { integration: "dfn" }, location: "dfn", full_log: "fail2ban.actions" };
  const plain = ban(`${day}.2`, { data: { srcip: "192.0.2.1" }, full_log: "nothing" });
  world.makeLive(world.archive("21.json", ban(`${day}.1`), plain, ban(`${day}.3`, own)));
  const ignored = await world.explain(`${day}.1`);
  assert.equal(ignored.code, 1);
  assert.match(
    ignored.stdout,
    /no {3}data\.srcip is an address outside of dfn\.own_network \(203\.0\.113\.0\/24\): "203\.0\.113\.9"\n/,
  );
  assert.match(ignored.stdout, /\n {2}now {9}ignored\n$/);
  const passedBy = await world.explain(`${day}.2`);
  assert.equal(passedBy.code, 1);
  assert.match(passedBy.stdout, /needle {6}none found, so no handler is asked:\n/);
  assert.match(passedBy.stdout, /fail2ban {4}is not asked; it would not want it\n/);
  const event = await world.explain(`${day}.3`);
  assert.equal(event.code, 1);
  assert.match(
    event.stdout,
    /own event {3}yes, so it is never sent: data\.integration is "dfn", location is "dfn", agent\.id is "000"\n/,
  );
  assert.match(event.stdout, /now {9}ignored\n$/);
});

test("a dead letter is named with its id and reason, found by its place, and by the ids of whole alerts in a broken line", async () => {
  await using world = await ExplainWorld.create();
  const torn = ban(`${day}.2`).slice(0, 200);
  const archive = world.archive("21.json", ban(`${day}.1`), `${torn}${ban(`${day}.3`)}`);
  world.makeLive(archive);
  const offset = ban(`${day}.1`).length + 1;
  const before = await world.explain(`${archive}:${offset}`);
  assert.match(before.stdout, /match 1 of 2: a line that is not an alert\n/);
  assert.match(before.stdout, /broken {6}not JSON: .*\n {2}now {9}dead letter: it would become one\n/);
  const forwarder = await world.start();
  await eventually("both records", () => recordsIn(world.records).length === 2);
  await forwarder.stop();
  const { code, stdout } = await world.explain(`${archive}:${offset}`);
  assert.equal(code, 0);
  assert.match(stdout, /now {9}dead letter: 20\d\d-[\w-]+:1: torn: not JSON/);
  assert.match(stdout, /match 2 of 2: alert \d+\.3 of node manager[^]*, taken out of a line that is not JSON\n/);
  const salvaged = await world.explain(`${day}.3`);
  assert.equal(salvaged.code, 0);
  assert.match(salvaged.stdout, new RegExp(`byte ${offset + torn.length}, [^]*fail2ban: acknowledged at`));
  const middle = await world.explain(`${archive}:${offset + 5}`);
  assert.equal(middle.code, 65);
  assert.ok(middle.stderr.includes(`begins at byte ${offset}: wazuh-dfn explain ${archive}:${offset}`), middle.stderr);
});

function on(node: string): Record<string, unknown> {
  return { cluster: { name: "c", node } };
}

test("all alerts with one id are shown, with node and time, and --node and --nth choose", async () => {
  await using world = await ExplainWorld.create();
  world.makeLive(
    world.archive(
      "21.json",
      ban(`${day}.1`, on("master")),
      ban(`${day}.1`, on("worker")),
      ban(`${day}.1`, on("worker")),
    ),
  );
  world.archive("22.json.gz", ban(`${day}.1`, on("late")));
  const all = JSON.parse((await world.explain("--json", `${day}.1`)).stdout);
  assert.deepEqual(
    all.matches.map(({ node }: { node: string }) => node),
    ["master", "late", "worker", "worker"],
  );
  const workers = JSON.parse((await world.explain("--json", "--node", "worker", `${day}.1`)).stdout);
  assert.equal(workers.matches.length, 2);
  const second = await world.explain("--json", "--node", "worker", "--nth", "2", `${day}.1`);
  assert.equal(JSON.parse(second.stdout).matches[0].place.offset, workers.matches[1].place.offset);
  const none = await world.explain("--node", "worker", "--nth", "3", `${day}.1`);
  assert.deepEqual([none.code, none.stdout], [66, ""]);
});

function without(text: string): string {
  return ban(`${day}.1`, { id: undefined, full_log: text });
}

function idOf(line: string): string {
  return `sha256:${createHash("sha256").update(line).digest("hex").slice(0, 16)}`;
}

test("an alert without an id is found by its sha256: id, in plain and compressed archives", async () => {
  await using world = await ExplainWorld.create();
  const [line, older] = [without("one"), without("another")];
  world.makeLive(world.archive("21.json", ban(`${day}.2`), line));
  const { code, stdout } = await world.explain(idOf(line));
  assert.equal(code, 0, stdout);
  assert.ok(stdout.startsWith(`alert ${idOf(line)} of node manager`), stdout);
  world.archive("10.json.gz", ban(`${day}.2`), older);
  assert.equal((await world.explain(idOf(older), "--from", "2026-11-10", "--to", "2026-11-10")).code, 1);
  assert.equal((await world.explain(idOf(older), "--from", "2026-11-13", "--to", "2026-11-14")).code, 66);
});

test("the archives of a week around the id's day are searched if it is not there, others with --from and --to only", async () => {
  await using world = await ExplainWorld.create();
  world.makeLive(world.archive("21.json", ban(`${day}.1`)));
  world.archive("15.json.gz", ban(`${day}.7`));
  world.archive("02.json.gz", ban(`${day}.8`));
  assert.equal((await world.explain(`${day}.7`)).code, 1);
  const far = await world.explain(`${day}.8`);
  assert.deepEqual([far.code, far.stdout], [66, ""]);
  assert.match(
    far.stderr,
    /no alert \d+\.8 .* in .*alerts\.json and its archives: 2 files, \d+ bytes were searched; to search other days: --from TIME --to TIME\n/,
  );
  assert.equal((await world.explain(`${day}.8`, "--to", "2026-11-03")).code, 1);
});

test("a damaged archive is named with how far it was searched, and what is before the damage and in others is found", async () => {
  await using world = await ExplainWorld.create();
  world.makeLive(world.archive("22.json", ban(`${day + 86_400}.1`)));
  const lines = Array.from(
    { length: 3000 },
    (_, at) => `${ban(`${day}.${at}`, { full_log: `fail2ban ${Math.sin(at)}` })}\n`,
  );
  const whole = gzipSync(lines.join(""));
  const damaged = world.rawArchive("21.json.gz", whole.subarray(0, whole.length >> 1));
  const found = await world.explain(`${day}.5`);
  assert.equal(found.code, 1);
  assert.match(found.stderr, new RegExp(`^${damaged}: searched up to byte \\d+: it is damaged: `, "m"));
  const lost = await world.explain("--json", `${day}.2999`);
  assert.equal(lost.code, 66);
  const { searched, matches } = JSON.parse(lost.stdout);
  assert.deepEqual([matches, searched.troubles.length, searched.troubles[0].file], [[], 1, damaged]);
  assert.equal((await world.explain(`${day + 86_400}.1`)).code, 0);
});

test("alerts of a file and of standard input are explained, and what is not alerts is refused", async () => {
  await using world = await ExplainWorld.create();
  const file = world.file("some.json.gz", gzipSync(`${ban(`${day}.1`)}\n${ban(`${day}.2`, { data: {} })}\n`));
  const both = await world.explain("--file", file);
  assert.equal(both.code, 0);
  assert.match(
    both.stdout,
    /match 1 of 2[^]*not known: it was not taken from the manager's log[^]*match 2 of 2[^]*ignored\n$/,
  );
  assert.equal((await world.explain("--file", file, "--nth", "2")).code, 1);
  const piped = await world.run(["explain", "-"], ban(`${day}.1`));
  assert.deepEqual([piped.code, piped.stderr], [0, ""]);
  assert.match(piped.stdout, /stored {6}standard input, byte 0, /);
  const text = await world.explain("--file", world.file("notes.txt", "some\ntext\n"));
  assert.deepEqual([text.code, text.stdout], [65, ""]);
  assert.match(text.stderr, /does not hold alerts/);
  const zip = await world.explain("--file", world.file("a.zip", "PK\u0003\u0004 and so on"));
  assert.match(zip.stderr, /unzip -p FILE \| wazuh-dfn explain -/);
  assert.equal((await world.explain("--file", world.directory.join("missing.json"))).code, 74);
});

test("an alert that the running forwarder has read and Kafka has not acknowledged is in flight", async () => {
  await using world = await ExplainWorld.create();
  world.configure({ sink: { kafka: { brokers: ["127.0.0.1:1"] } } });
  world.makeLive(world.archive("21.json", ban(`${day}.1`)));
  await world.start();
  const explained = async (): Promise<string> => (await world.explain(`${day}.1`)).stdout;
  await eventually("it is read", async () => / now {9}fail2ban: in flight\n$/.test(await explained()), {
    withinMs: 90_000,
  });
});

test("what comes from alerts and file names cannot control a terminal", async () => {
  await using world = await ExplainWorld.create();
  const evil = "\u001b]0;evil\u0007\u202e\u009b31m";
  const line = ban(`${day}.1`, {
    agent: { id: evil, name: evil },
    cluster: { node: evil },
    rule: { id: evil, groups: [evil] },
  });
  const file = world.file(`evil${evil}.json`, `${line}\n`);
  for (const args of [
    ["--file", file],
    ["--json", "--file", file],
    [`${file}:0`],
    [`${evil}.1`],
    ["--file", `${file}x`],
  ]) {
    const { stdout, stderr } = await world.explain(...args);
    assert.ok((stdout + stderr).length > 0);
    // oxlint-disable-next-line no-control-regex -- these are what must not be there
    assert.doesNotMatch(stdout + stderr, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  }
});

test("wrong calls end with 64", async () => {
  await using world = await ExplainWorld.create();
  for (const args of [
    [],
    ["1.1", "2.2"],
    ["--file", "a", "1.1"],
    ["--nth", "0", "1.1"],
    ["--from", "soon", "1.1"],
    ["--to", "2026-11-21", "-"],
  ]) {
    const { code, stdout, stderr } = await world.explain(...args);
    assert.deepEqual([code, stdout], [64, ""], args.join(" "));
    assert.match(stderr, /^wazuh-dfn: explain: .*; see: wazuh-dfn explain --help\n$/);
  }
});

test("a pipe among the archives, and a link that another user put there, are named and neither waited for nor followed", async () => {
  await using world = await ExplainWorld.create();
  world.makeLive(world.archive("21.json", ban(`${day}.1`)));
  const elsewhere = world.file("elsewhere.json", `${ban(`${day}.1`)}\n`);
  const [pipe, link] = ["20", "22"].map((name) => `${world.alerts}/2026/Nov/ossec-alerts-${name}.json`);
  execFileSync("mkfifo", [pipe ?? ""]);
  symlinkSync(elsewhere, link ?? "");
  if (process.geteuid?.() === 0) lchownSync(link ?? "", otherUser.uid, otherUser.gid);
  const { code, stdout } = await world.explain("--json", `${day}.1`);
  assert.equal(code, 0);
  const { matches, searched } = JSON.parse(stdout);
  const named = searched.troubles.map(({ file }: { file: string }) => file);
  assert.ok(named.includes(pipe), named.join());
  // A link of one's own is followed: the administrator made it.
  assert.equal(named.includes(link), process.geteuid?.() === 0);
  assert.equal(matches.length, process.geteuid?.() === 0 ? 1 : 2);
});
