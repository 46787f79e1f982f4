import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { ban, day, ExplainWorld } from "./explain-world.ts";

/** Windows events with these numbers. */
function event(number: number, id: string): string {
  const win = { system: { eventID: String(number), providerName: "p" }, eventdata: { targetUserName: "alice" } };
  return ban(id, { rule: { level: 5, id: "60122", groups: ["windows"] }, data: { win }, location: "EventChannel" });
}

const lines = [
  event(4625, `${day}.1`),
  event(4624, `${day}.2`),
  ban(`${day}.3`),
  ban(`${day}.4`, { data: { program_name: "other" }, full_log: "nothing" }),
  ban(`${day}.5`, { agent: { id: "000" }, data: { integration: "dfn" }, location: "dfn" }),
  `${ban(`${day}.6`).slice(0, 200)}${ban(`${day}.7`)}`,
  ban(`${day}.8`, { rule: { groups: ["fail2ban "] } }),
];
const content = lines.map((line) => `${line}\n`).join("");

test("alerts of plain and compressed files and of standard input are counted by handler and verdict, and nothing is sent", async () => {
  await using world = await ExplainWorld.create();
  const state = world.directory.join("none/state");
  world.configure({ state_dir: state });
  const plain = world.file("a.json", content);
  const { code, stdout, stderr } = await world.run(["test", plain]);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal(
    stdout.replaceAll(/ \d{3,} /g, " … ").replaceAll(/ +/g, " "),
    `7 lines: 3 wanted, 2 unwanted, 1 without a needle, 1 own events, 1 dead letters
HANDLER RECORDS BYTES FAILED TOPIC
windows 1 … 0 acme
fail2ban 2 … 0 acme
 1 alerts look as if they were meant for it: fail2ban-group
`,
  );
  const compressed = world.file("a.json.gz", gzipSync(content));
  const twice = JSON.parse((await world.run(["test", "--json", compressed, "-"], content)).stdout);
  assert.deepEqual(twice.findings, []);
  assert.equal(twice.summary.lines, 14);
  assert.deepEqual(twice.summary.verdicts, { "passed-by": 2, own: 2, unwanted: 4, wanted: 6, broken: 2 });
  assert.equal(twice.summary.handlers.fail2ban.records, 4);
  assert.ok(!existsSync(world.records) && !existsSync(state));
});

test("--against shows alert by alert what changes, with the condition, and ends with 1 if anything does", async () => {
  await using world = await ExplainWorld.create();
  const old = world.configure({}, "old.yaml");
  const file = world.file("a.json", content);
  assert.equal((await world.run(["test", "--against", old, file])).code, 0);
  world.configure({
    dfn: { customer_id: "other", own_network: ["203.0.113.0/24"] },
    handlers: { windows: { event_ids: [4624, 4625] }, passthrough: { topic: "all", level: 8 } },
  });
  const { code, stdout } = await world.run(["test", "--against", old, file]);
  assert.equal(code, 1);
  const [first, second, third] = stdout.split("\n");
  assert.equal(first, `${file}:0: alert ${day}.1: windows: topic acme becomes other`);
  assert.equal(
    second?.replace(/\d+, [\d, ]+: /, "…: "),
    `${file}:${event(4625, `${day}.1`).length + 1}: alert ${day}.2: windows: newly sent to other; before: does not hold: data.win.system.eventID is one of …: "4624"`,
  );
  assert.match(
    third ?? "",
    /alert \d+\.3: fail2ban: no longer sent to acme; now: does not hold: data\.srcip is a public address/,
  );
  assert.match(stdout, /passthrough: newly sent to all; before: passthrough is off\n/);
  assert.match(stdout, /\n(\d+) changes against the old configuration\n$/);
  const { findings, summary } = JSON.parse((await world.run(["test", "--json", "--against", old, file])).stdout);
  assert.equal(findings.length, summary.changes);
  assert.deepEqual([findings[0].change.old.topic, findings[0].change.new.topic], ["acme", "other"]);
  assert.equal(findings[0].change.new.value, undefined);
});

test("--expect takes the records that the forwarder wrote, in any order, and names what is missing and what is more", async () => {
  await using world = await ExplainWorld.create();
  const file = world.file("a.json", content);
  assert.equal((await world.run(["replay", file])).code, 65);
  const records = readFileSync(world.records, "utf8").split("\n").slice(0, -1);
  assert.equal(records.length, 3);
  const turned = world.file("turned.ndjson", `${records.toReversed().join("\n")}\n`);
  const same = await world.run(["test", "--expect", turned, file]);
  assert.deepEqual([same.code, same.stderr], [0, ""]);
  assert.match(same.stdout, /\n3 records expected: 0 missing, 0 not expected\n$/);
  const [first = "", ...others] = records;
  const more = world.file("more.ndjson.gz", gzipSync([first, first, ...others].join("\n")));
  const missing = await world.run(["test", "--expect", more, file]);
  assert.equal(missing.code, 1);
  assert.match(missing.stdout, /^missing: \w+: alert \d+\.\d of manager, for topic acme, key 004\n/);
  const altered = world.file("altered.ndjson", records.join("\n").replace("syslog5424-json", "syslog5424"));
  const different = await world.run(["test", "--json", "--expect", altered, file]);
  assert.equal(different.code, 1);
  const { findings, summary } = JSON.parse(different.stdout);
  assert.deepEqual(findings.map(({ kind }: { kind: string }) => kind).toSorted(), ["missing", "unexpected"]);
  assert.deepEqual([summary.expected, summary.missing, summary.unexpected], [3, 1, 1]);
  const foreign = await world.run(["test", "--expect", file, file]);
  assert.deepEqual([foreign.code, foreign.stdout], [65, ""]);
  assert.match(foreign.stderr, /line 1 of .*a\.json is not a record as the file sink writes it/);
});

test("a file that is damaged, missing or without alerts is named, and the others count", async () => {
  await using world = await ExplainWorld.create();
  const good = world.file("a.json", content);
  const whole = gzipSync(
    Array.from({ length: 2000 }, (_, at) => `${ban(`${day}.${at}`, { full_log: `${Math.sin(at)}` })}\n`).join(""),
  );
  const cut = world.file("b.json.gz", whole.subarray(0, whole.length >> 1));
  const { code, stdout, stderr } = await world.run(["test", cut, good]);
  assert.equal(code, 65);
  assert.match(
    stderr,
    /b\.json\.gz cannot be decompressed beyond byte \d+ of its content: .*Everything before that counts; once an intact copy is in its place, try again\n$/,
  );
  assert.match(stdout, /^\d{3,} lines: \d{3,} wanted/);
  assert.equal((await world.run(["test", world.directory.join("none.json"), good])).code, 74);
  const zip = await world.run(["test", world.file("a.zip", "PK\u0003\u0004")]);
  assert.match(zip.stderr, /unzip -p .* \| wazuh-dfn test -/);
  assert.equal((await world.run(["test"])).code, 64);
  assert.equal((await world.run(["test", "--expect", "-", good])).code, 64);
  assert.equal((await world.run(["test", "--against", world.directory.join("none.yaml"), good])).code, 78);
});

test("the output cannot control a terminal, and ends quietly when its reader has gone", async () => {
  await using world = await ExplainWorld.create();
  const old = world.configure({}, "old.yaml");
  world.configure({ handlers: { passthrough: { topic: "all" } } });
  const evil = "\u001b]0;evil\u0007\u202e";
  const file = world.file(
    `${evil}.json`,
    `${ban("1.1", { id: evil, agent: { id: evil }, cluster: { node: evil } })}\n`,
  );
  for (const more of [[], ["--json"]]) {
    const { stdout } = await world.run(["test", "--against", old, file, ...more]);
    // oxlint-disable-next-line no-control-regex -- these are what must not be there
    assert.doesNotMatch(stdout, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  }
});
