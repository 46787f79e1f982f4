import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { DeadLetterUsage } from "../../daemon/dead-letters/usage.ts";
import { segmentsOf } from "../../daemon/dead-letters/segments.ts";
import { eventually } from "../rig/eventually.ts";
import { AlertStream } from "../rig/alert-stream.ts";
import { list, store } from "./dead-letter-world.ts";
import { alertLine, StatusWorld } from "./status-world.ts";

test("every action reports an empty store as such", async () => {
  await using world = await StatusWorld.create();
  assert.equal((await world.run("dead-letter", "list")).stdout, "no dead letters\n");
  assert.deepEqual(await list(world), []);
  assert.equal((await world.run("dead-letter", "purge", "--all")).stdout, "removed 0\n");
  const { code, stdout } = await world.run("dead-letter", "replay", "--all");
  assert.deepEqual([code, stdout], [0, "acknowledged and removed 0, kept 0\n"]);
  assert.equal(existsSync(world.deadLetters), false, "the forwarder could not write to a directory that root made");
});

test("list has a line for each entry, show prints everything about one, and nothing in them controls the terminal", async () => {
  await using world = await StatusWorld.create();
  const broken = '{"full_log":"\u001b]0;owned\u0007';
  await store(world, [
    { bytes: alertLine(1_700_000_001), handler: "fail2ban" },
    { bytes: broken, reason: "not-json" },
  ]);
  const listed = await world.run("dead-letter", "list");
  assert.match(
    listed.stdout,
    /^ID +TIME +REASON +HANDLER +SIZE +DETAIL\n\S+:1 .* refused +fail2ban .*\n\S+:2 .* not-json +- .*\n2 dead letters\n$/,
  );
  const [first, second] = await list(world);
  const shown = await world.run("dead-letter", "show", first?.id ?? "", second?.id ?? "");
  assert.equal(shown.code, 0);
  assert.ok(shown.stdout.includes(alertLine(1_700_000_001)));
  assert.match(shown.stdout, new RegExp(`place +${world.alertsJson}, byte 1000, ${broken.length} bytes long`));
  assert.ok(shown.stdout.includes('{"full_log":"\\u001b]0;owned\\u0007'));
  assert.doesNotMatch(listed.stdout + shown.stdout, /[\u001b\u0007]/); // oxlint-disable-line no-control-regex -- they must not be there
  const json: { id: string; raw: string } = JSON.parse(
    (await world.run("dead-letter", "show", second?.id ?? "", "--json")).stdout,
  );
  assert.deepEqual([json.id, Buffer.from(json.raw, "base64").toString()], [second?.id, broken]);
});

test("replay sends entries through the handlers and removes what is acknowledged; what cannot be sent stays", async () => {
  await using world = await StatusWorld.create();
  await store(world, [
    { bytes: alertLine(1_700_000_001), handler: "fail2ban" },
    { bytes: '{"broken', reason: "not-json" },
    { bytes: alertLine(1_700_000_003), handler: "windows" },
    { bytes: alertLine(1_700_000_004).slice(0, 30), reason: "over-long", length: 20_000_000 },
    { bytes: alertLine(1_700_000_005) },
  ]);
  const { code, stdout, stderr } = await world.run("dead-letter", "replay", "--all", "--json");
  assert.equal(code, 65, stderr);
  const result: { acknowledged: number; kept: { id: string; reason: string }[] } = JSON.parse(stdout);
  assert.equal(result.acknowledged, 2);
  assert.deepEqual(
    result.kept.map(({ id, reason }) => [id.replace(/.*:/, ""), reason.replace(/[:;].*/, "")]),
    [
      ["2", "still not an alert"],
      ["3", "the handler windows does not want it any more, or is off"],
      ["4", "only its first 30 bytes were kept"],
    ],
  );
  assert.deepEqual(
    world.sent().map(({ headers }) => [headers["wazuh-alert-id"], headers["wazuh-dfn-source"]]),
    [
      ["1700000001.1", "replay"],
      ["1700000005.1", "replay"],
    ],
  );
  assert.deepEqual(
    (await list(world)).map(({ id }) => id.replace(/.*:/, "")),
    ["2", "3", "4"],
  );
});

test("of an alert with two records, only the one that was refused is sent again", async () => {
  await using world = await StatusWorld.create();
  world.configure({ fail2ban: {}, passthrough: { topic: "everything" } });
  await store(world, [{ bytes: alertLine(1_700_000_001), handler: "passthrough" }]);
  const [entry] = await list(world);
  const { code, stdout } = await world.run("dead-letter", "replay", entry?.id ?? "");
  assert.deepEqual([code, stdout], [0, "acknowledged and removed 1, kept 0\n"]);
  assert.deepEqual(
    world.sent().map(({ topic, headers }) => [topic, headers["wazuh-dfn-handler"]]),
    [["everything", "passthrough"]],
  );
  assert.deepEqual(await list(world), []);
});

test("while a forwarder is running entries are sent again and removed, and it continues to append to the same file", async () => {
  await using world = await StatusWorld.create();
  await world.start();
  await using stream = await AlertStream.connect(world.alertSocket);
  await stream.send(Buffer.from('{"id":"1.1",broken}\n'));
  await eventually("the first entry", async () => (await list(world)).length === 1);
  await store(world, [{ bytes: alertLine(1_700_000_001) }]);
  const replayed = await world.run("dead-letter", "replay", "--all");
  assert.equal(replayed.code, 65);
  assert.match(replayed.stdout, /:1 stays: still not an alert.*\nacknowledged and removed 1, kept 1\n$/);
  assert.equal(world.sent().length, 1);
  assert.equal((await world.run("dead-letter", "purge", "--all")).stdout, "removed 1\n");
  assert.deepEqual(await list(world), []);
  await stream.send(Buffer.from('{"id":"1.2",broken}\n'));
  const [entry] = await eventually("the second entry", async () => {
    const entries = await list(world);
    return entries.length === 1 && entries;
  });
  assert.match(entry?.id ?? "", /:2$/);
  assert.equal((await segmentsOf(world.deadLetters)).length, 2);
  const usage = new DeadLetterUsage(world.deadLetters);
  assert.equal((await usage.count()).entries, 1);
  // The status counts them once a second.
  await eventually("the status has it", async () => {
    const { stdout } = await world.run("status", "--json");
    return JSON.parse(stdout).deadLetters.entries === 1;
  });
});

test("an ID that does not exist ends with 65 and changes nothing; a call without a choice ends with 64", async () => {
  await using world = await StatusWorld.create();
  await store(world, [{ bytes: "a" }]);
  const [entry] = await list(world);
  const unknown = await world.run("dead-letter", "purge", entry?.id ?? "", "../../etc/passwd:1");
  assert.equal(unknown.code, 65);
  assert.match(unknown.stderr, /^wazuh-dfn: there is no dead letter \.\.\/\.\.\/etc\/passwd:1; see: /);
  for (const args of [
    ["purge"],
    ["replay"],
    ["show"],
    ["list", "x"],
    ["replay", "--before", "2020-01-01"],
    ["purge", "x", "--all"],
    ["prune"],
    [],
  ]) {
    assert.equal((await world.run("dead-letter", ...args)).code, 64, args.join(" "));
  }
  assert.equal((await list(world)).length, 1);
  assert.equal(
    readdirSync(world.deadLetters).some((name) => name.endsWith(".removed")),
    false,
  );
});
