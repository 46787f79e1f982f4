/**
 * scripts/install at a terminal: it asks for what no option gave, shows what it would do, and asks before it does it.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { InstallWorld, skip } from "../rig/install-world.ts";

/** Types each answer when its question has come; returns everything that was on the screen. */
async function atTerminal(
  world: InstallWorld,
  answers: readonly (readonly [question: RegExp, answer: string])[],
): Promise<string> {
  const command = `${join(world.package, "usr/lib/wazuh-dfn/install")} --root ${world.tree.root}`;
  // script(1) of util-linux gives the command a terminal.
  const child = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", SHELL: "/bin/sh", LC_ALL: "C" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const left = [...answers];
  let screen = "";
  let unanswered = "";
  child.stdout.on("data", (bytes: Buffer) => {
    screen += bytes.toString();
    unanswered += bytes.toString();
    const next = left[0];
    if (next === undefined || !next[0].test(unanswered)) return;
    left.shift();
    unanswered = "";
    child.stdin.write(`${next[1]}\n`);
  });
  await once(child, "close");
  assert.equal(left.length, 0, screen);
  return screen;
}

const questions = [
  [/Kafka brokers[^]*: $/, "kafka.example.org"],
  [/not well formed[^]*: $/, "kafka.example.org:443"],
  [/Customer id[^]*: $/, "abc-1"],
  [/Own networks[^]*: $/, ""],
  [/broker's CA[^]*: $/, ""],
  [/client certificate[^]*: $/, ""],
] as const;

test("missing values are asked for, the plan is shown, and yes installs", { skip }, async () => {
  await using world = await InstallWorld.create();
  const screen = await atTerminal(world, [...questions, [/Go on\? \[y\/N\] $/, "y"]]);
  assert.match(screen, /would append the block[^]*Go on\?[^]*\nappend the block/);
  assert.match(
    await world.tree.read("etc/wazuh-dfn/config.yaml"),
    /brokers: \["kafka\.example\.org:443"\]\n {4}tls: on\n/,
  );
  assert.equal(await world.tree.restarts(), 1);
  assert.match(await atTerminal(world, []), /nothing was changed/);
});

test("any answer other than yes changes nothing", { skip }, async () => {
  await using world = await InstallWorld.create();
  const before = await world.snapshot();
  assert.match(await atTerminal(world, [...questions, [/Go on\? \[y\/N\] $/, ""]]), /nothing was changed/);
  assert.deepEqual(await world.snapshot(), before);
});
