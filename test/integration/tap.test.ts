/** `wazuh-dfn tap` at a real forwarder. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AlertStream } from "../rig/alert-stream.ts";
import { forwarderBundle } from "../rig/forwarder-bundle.ts";
import { freePorts } from "../rig/free-ports.ts";
import { Program } from "../rig/program.ts";
import { alertLine, StatusWorld } from "./status-world.ts";

/** A tap that listens. */
async function tapOf(world: StatusWorld, ...args: readonly string[]): Promise<Program> {
  const program = new Program(process.execPath, [forwarderBundle, "tap", "--config", world.config, ...args]);
  await program.waitForLog(/listening/);
  return program;
}

interface Shown {
  readonly verdict: string;
  readonly reason: string;
  readonly id?: string;
  readonly source: string;
}

function shownBy(program: Program): Shown[] {
  return program.outputLines.map((line): Shown => JSON.parse(line));
}

const broken = `${alertLine(1_700_000_000).slice(0, -1)},}`;

test("tap shows what flows by, what becomes of each alert and why, and ends after --count", async () => {
  await using world = await StatusWorld.create();
  await world.start();
  await using tap = await tapOf(world, "--json", "--count", "4");
  await using stream = await AlertStream.connect(world.alertSocket);
  await stream.send(Buffer.from(`${alertLine(1_700_000_001)}\n`));
  await world.sentReach(1);
  world.writeLog(alertLine(1_700_000_001), '{"id":"1.2"}', broken);
  assert.equal(await tap.end(), 0);
  const shown = shownBy(tap).map(({ verdict, source, id, reason }) => [verdict, source, id, reason] as const);
  const by = (verdict: string) => shown.find(([one]) => one === verdict)?.slice(1);
  assert.deepEqual(by("sent"), ["socket", "1700000001.1", "acknowledged: fail2ban to topic acme"]);
  assert.deepEqual(by("ignored"), ["tail", "1.2", "nothing in it that a handler looks for"]);
  assert.deepEqual(by("paired"), ["tail", "1700000001.1", "a second copy: the other source has brought this alert"]);
  assert.match(String(by("dead")?.[2]), /^not-json: not JSON: /);
});

test("tap prints a line for each alert, and hostile text in it steers nothing", async () => {
  await using world = await StatusWorld.create();
  await world.start();
  await using tap = await tapOf(world, "--verdict", "sent", "--field", "data.srcip=198.51.100.9", "--count", "1");
  const evil = "\u001b[2J\u202e\u009b\nok: all is well";
  world.writeLog(
    alertLine(1_700_000_001),
    '{"id":"1.2"}',
    alertLine(1_700_000_002, "198.51.100.9").replace('"banned"', JSON.stringify(evil)),
  );
  assert.equal(await tap.end(), 0);
  const [line = "", ...more] = tap.outputLines;
  assert.deepEqual(more, []);
  assert.match(
    line,
    /^\d\d:\d\d:\d\d sent {4}tail {3}1700000002\.1 {2}agent 001 \(host\), rule 100 level 5, \\u001b\[2J/,
  );
  assert.doesNotMatch(line, /[\p{Cc}\p{Cf}]/u);
});

test("a flood is sampled, which is said, and every alert of it is sent once", async () => {
  await using world = await StatusWorld.create();
  await world.start();
  await using tap = await tapOf(world, "--json");
  const count = 5000;
  world.writeLog(...Array.from({ length: count }, (_, second) => alertLine(1_700_000_000 + second)));
  await tap.waitForLog(/this is a sample/);
  await world.sentReach(count);
  assert.equal(new Set(world.sent().map(({ headers }) => headers["wazuh-alert-id"])).size, count);
  assert.equal(world.sent().length, count);
  tap.signal("SIGINT");
  assert.equal(await tap.end(), 0);
  const shown = shownBy(tap);
  assert.ok(shown.length > 0 && shown.length < count, `${shown.length} shown`);
  assert.ok(shown.every(({ verdict }) => verdict === "sent"));
});

test("tap ends by itself after --for, and with the code for unavailable when the forwarder stops", async () => {
  await using world = await StatusWorld.create();
  const forwarder = await world.start();
  assert.equal((await world.run("tap", "--for", "200ms")).code, 0);
  await using tap = await tapOf(world);
  await forwarder.stop();
  assert.equal(await tap.end(), 69);
  assert.match(tap.errorLines.join("\n"), /no forwarder answers on .*status\.sock/);
});

test("a wrong call is refused with what would be right, and on a port it takes the Unix socket, where nobody else may see alerts", async () => {
  await using world = await StatusWorld.create();
  for (const [args, pattern] of [
    [["--verdict", "lost"], /sent, ignored, paired, dead/],
    [["--source", "kafka"], /socket, tail, replay/],
    [["--handler", "fail2bna"], /did you mean fail2ban\?/],
    [["--field", "rule"], /PATH=VALUE/],
    [["--count", "0"], /whole number from 1/],
    [["--for", "soon"], /--for /],
  ] as const) {
    const { code, stderr } = await world.run("tap", ...args);
    assert.equal(code, 64, args.join(" "));
    assert.match(stderr, pattern);
  }
  const [port = 0] = await freePorts(1);
  world.configure({ fail2ban: {} }, `127.0.0.1:${port}`);
  await world.start();
  const { code, stderr } = await world.run("tap", "--for", "1s");
  assert.equal(code, 0);
  assert.match(stderr, /listening/);
  const response = await fetch(`http://127.0.0.1:${port}/tap`);
  assert.equal(response.status, 403);
  assert.match(await response.text(), /Unix socket/);
});
