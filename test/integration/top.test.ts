/** `wazuh-dfn top` at a real terminal. */
import assert from "node:assert/strict";
import { renameSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Terminal } from "../rig/terminal.ts";
import { alertLine, StatusWorld } from "./status-world.ts";

const main = fileURLToPath(new URL("../../daemon/main.js", import.meta.url));

/** As it is typed at a prompt. */
function topOf(world: StatusWorld, ...more: readonly string[]): string {
  return [process.execPath, main, "top", "--config", world.config, ...more].join(" ");
}

/** What `stty -a` has printed. */
function stty(screen: string): string | undefined {
  return /^speed [^$]*/m.exec(screen)?.[0];
}

test("top shows the way of an alert live, and q leaves the terminal as it was", async () => {
  await using world = await StatusWorld.create();
  await world.start();
  await using terminal = await Terminal.open(120, 45);
  await terminal.type("echo what was there");
  // What is typed before the prompt is there is shown where the prompt then comes.
  await terminal.shows(/^what was there\n\$/m);
  await terminal.type("stty -a");
  const before = stty(await terminal.shows(/^speed [^]*^\$$/m));
  await terminal.type(`${topOf(world)}; echo ended with $?`);
  await terminal.shows(/^ok: wazuh-dfn unbundled, process \d+/m);
  assert.deepEqual(await terminal.modes(), { isSecondScreen: true, hasCursor: false, isWrapping: false });
  assert.doesNotMatch(await terminal.screen(), /what was there/);
  world.writeLog(alertLine(1_700_000_001), '{"id":"1.2"}', alertLine(1_700_000_002));
  await terminal.shows(/^alerts\.json +3 +[\d.]+ +following, up to date/m);
  const screen = await terminal.shows(/^tail +3 +1 +0 +0 +2 +0$/m);
  assert.match(screen, /^relevant +2 /m);
  assert.match(screen, /^records +2 +[\d.]+ +fail2ban 2$/m);
  await terminal.press("q");
  const after = await terminal.shows(/^ended with 0$/m);
  assert.match(after, /what was there/);
  assert.deepEqual(await terminal.modes(), { isSecondScreen: false, hasCursor: true, isWrapping: true });
  await terminal.type("clear; stty -a");
  assert.equal(stty(await terminal.shows(/^speed [^]*^\$$/m)), before);
});

test("what is wrong is shown with its remedy, and a window of any size keeps each row in its place", async () => {
  await using world = await StatusWorld.create();
  await world.start();
  await using terminal = await Terminal.open(120, 45);
  await terminal.type(topOf(world));
  await terminal.shows(/^ok: /m);
  const logs = world.directory.join("ossec/logs");
  renameSync(logs, `${logs}.moved`);
  await terminal.shows(/^degraded: [^]*^ {2}.*log, for [^]*alerts\.json does not exist[^]*Is the manager running\?/m);
  for (const [columns, rows] of [
    [40, 20],
    [12, 5],
    [1, 1],
    [200, 60],
  ] as const) {
    await terminal.resize(columns, rows);
    // The first row is the beginning, and the last one the keys: nothing was wrapped or scrolled away.
    const screen = await terminal.shows(rows === 1 ? /^q\n*$/ : /^degraded.*\n(?:.*\n)*q.*\n*$/);
    assert.ok(screen.trimEnd().split("\n").length <= rows, screen);
  }
  await terminal.resize(40, 24);
  const narrow = await terminal.shows(/^SOURCE +READ/m);
  assert.match(narrow, /^alerts\.json +0 /m);
  await terminal.press("NPage");
  await terminal.shows(/^memory /m);
  renameSync(`${logs}.moved`, logs);
  await terminal.press("PPage");
  await terminal.shows(/^ok: /m);
});

test("a forwarder that stops is reported with the age of what is shown, and its successor is shown when it is there", async () => {
  await using world = await StatusWorld.create();
  const first = await world.start();
  await using terminal = await Terminal.open(120, 45);
  await terminal.type(topOf(world, "--interval", "0.2"));
  world.writeLog(alertLine(1_700_000_001));
  await terminal.shows(new RegExp(`process ${first.pid}[^]*^tail +1 +0 +0 +0 +1 +0$`, "m"));
  await first.stop();
  await terminal.shows(/^no forwarder answers on [^]*what follows is \d+ s old[^]*^tail +1 /m);
  const second = await world.start();
  const screen = await terminal.shows(new RegExp(`process ${second.pid}[^]*^tail +0 `, "m"));
  assert.doesNotMatch(screen, /no forwarder answers/);
});

test("top that is begun before the forwarder waits for it", async () => {
  await using world = await StatusWorld.create();
  await using terminal = await Terminal.open(100, 30);
  await terminal.type(topOf(world));
  await terminal.shows(/^no forwarder answers on [^]*tried again/m);
  await world.start();
  await terminal.shows(/^ok: /m);
});

test("keys pause, sort, reverse, explain, and stop it like any other program", async () => {
  await using world = await StatusWorld.create();
  await world.start();
  world.writeLog(alertLine(1_700_000_001));
  await using terminal = await Terminal.open(120, 40);
  await terminal.type(topOf(world));
  await terminal.shows(/^tail +1 /m);
  await terminal.press("h");
  await terminal.shows(/^q, Ctrl-C +quit$/m);
  await terminal.press("h");
  await terminal.shows(/^ok: /m);
  await terminal.press("s");
  await terminal.shows(/^SOURCE↓[^]*^replay [^]*^socket [^]*^tail /m);
  await terminal.press("s");
  await terminal.shows(/^SOURCE +READ↓[^]*^tail [^]*^socket /m);
  await terminal.press("r");
  await terminal.shows(/^SOURCE +READ↑[^]*^replay [^]*^tail /m);
  await terminal.press("p");
  const paused = await terminal.shows(/^ok: .* paused$/m);
  const logs = world.directory.join("ossec/logs");
  renameSync(logs, `${logs}.moved`);
  // The status itself has changed, and the screen has not.
  await eventuallyDegraded(world);
  assert.equal(await terminal.screen(), paused);
  await terminal.press("Space");
  await terminal.shows(/^degraded: /m);
  await terminal.press("C-z");
  await terminal.shows(/Stopped/);
  assert.deepEqual(await terminal.modes(), { isSecondScreen: false, hasCursor: true, isWrapping: true });
  await terminal.type("fg");
  await terminal.shows(/^degraded: /m);
  await terminal.press("C-c");
  await terminal.shows(/^\$\n*$(?!\n)/m);
  await terminal.type("echo ended with $?");
  await terminal.shows(/^ended with 0$/m);
});

async function eventuallyDegraded(world: StatusWorld): Promise<void> {
  for (;;) if ((await world.run("status")).code === 1) return;
}

test("NO_COLOR is respected, and colour says what is wrong only in addition to words", async () => {
  await using world = await StatusWorld.create();
  await world.start();
  await using plain = await Terminal.open(100, 30, { NO_COLOR: "1" });
  await plain.type(topOf(world));
  await plain.shows(/^ok: /m);
  assert.doesNotMatch(await plain.colouredScreen(), /\u001b\[/); // oxlint-disable-line no-control-regex
  await using coloured = await Terminal.open(100, 30);
  await coloured.type(topOf(world));
  await coloured.shows(/^ok: /m);
  assert.match(await coloured.colouredScreen(), /\u001b\[32mok/); // oxlint-disable-line no-control-regex
});

test("status is coloured on a terminal, and nowhere else", async () => {
  await using world = await StatusWorld.create();
  await world.start();
  await using terminal = await Terminal.open(100, 30);
  await terminal.type(topOf(world).replace(" top ", " status "));
  await terminal.shows(/^ok: /m);
  assert.match(await terminal.colouredScreen(), /\u001b\[32mok/); // oxlint-disable-line no-control-regex
  assert.match((await world.run("status")).stdout, /^ok: /);
});

test("without a terminal top prints one frame and ends as status does", async () => {
  await using world = await StatusWorld.create();
  await world.start();
  world.writeLog(alertLine(1_700_000_001));
  await world.sentReach(1);
  const { code, stdout, stderr } = await world.run("top", "--interval", "0.2");
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /^ok: wazuh-dfn unbundled, process \d+, up /);
  assert.match(stdout, /^tail +1 +0 +0 +0 +1 +0$/m);
  assert.match(stdout, /^alerts\.json +1 +0\.0 +following/m);
  assert.doesNotMatch(stdout, /\u001b|q quit/); // oxlint-disable-line no-control-regex
  const logs = world.directory.join("ossec/logs");
  renameSync(logs, `${logs}.moved`);
  await eventuallyDegraded(world);
  assert.equal((await world.run("top", "--interval", "0.2")).code, 1);
});

test("without a terminal and without a forwarder top ends with the code for unavailable; a wrong interval is a wrong call", async () => {
  await using world = await StatusWorld.create();
  const { code, stdout, stderr } = await world.run("top");
  assert.deepEqual([code, stdout], [69, ""]);
  assert.match(stderr, /no forwarder answers on /);
  for (const interval of ["0", "-1", "x", "1e9", "NaN"]) {
    const wrong = await world.run("top", `--interval=${interval}`);
    assert.equal(wrong.code, 64, interval);
    assert.match(wrong.stderr, /^wazuh-dfn: top: --interval .*from 0\.2 to 3600/);
  }
});
