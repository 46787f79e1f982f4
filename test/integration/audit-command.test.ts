import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
} from "node:fs";
import { test } from "node:test";
import { eventually } from "../rig/eventually.ts";
import { present } from "../rig/present.ts";
import { mayMount, SmallDisk } from "../rig/small-disk.ts";
import { forwarderBundle } from "../rig/forwarder-bundle.ts";
import { ban, day, ExplainWorld } from "./explain-world.ts";

let lists = 0;

/** Starts `audit --ids` with a list that does not end. */
async function endlessAudit(world: ExplainWorld) {
  const args = ["audit", "--ids", "/dev/stdin", "--config", world.directory.join("config.yaml")];
  // What Node gives a child as a pipe is a socket, which cannot be opened by its path.
  const pipe = world.directory.join(`list-${lists++}`);
  execFileSync("mkfifo", [pipe]);
  const list = openSync(pipe, constants.O_RDWR);
  const child = spawn(process.execPath, [forwarderBundle, ...args], { stdio: [list, "ignore", "ignore"] });
  child.once("close", () => closeSync(list));
  await eventually("files of its own", () => partsOf(world).length > 1);
  return child;
}

function partsOf(world: ExplainWorld): string[] {
  try {
    return readdirSync(world.directory.join("state/audit")).filter((name) => name !== "lock");
  } catch {
    return []; // It is made by the command.
  }
}

/** Field 19 of proc(5); the name in brackets may hold blanks. */
function niceness(pid: number, thread: string): string | undefined {
  return readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8").split(") ")[1]?.split(" ")[16];
}

/** A second after the first alert, as options take it. */
function at(second: number): string {
  return new Date((day + second) * 1000).toISOString();
}

/** Twenty alerts, a second each. */
function bans(from: number): string[] {
  return Array.from({ length: 20 }, (_, second) => ban(`${day + from + second}.1`));
}

async function withForwarderDone(): Promise<ExplainWorld> {
  const world = await ExplainWorld.create();
  const archive = world.archive("21.json", ...Array.from({ length: 300 }, (_, at) => ban(`${day + at}.1`)));
  world.makeLive(archive);
  const forwarder = await world.start();
  await eventually("all records", () => statSync(world.records).size > 300 * 300);
  assert.equal((await forwarder.stop()).ended, 0);
  return world;
}

test("the file sink is read back as a topic is", async () => {
  await using world = await withForwarderDone();
  const { code, stdout, stderr } = await world.run(["audit", "--json"]);
  const { verdict, total } = JSON.parse(stdout);
  assert.deepEqual([code, stderr, verdict, total.relevant, total.inKafka], [0, "", "complete", 300, 300]);
  assert.equal(statSync(world.directory.join("state/audit")).mode & 0o777, 0o700);
  assert.deepEqual(partsOf(world), []);
});

test("with manifests a line is judged by the settings that it was read with, unless today's are asked for", async () => {
  await using world = await ExplainWorld.create();
  world.configure({ manifest: { topic: "proof", interval: "1s" } });
  const archive = world.archive("21.json", ...bans(0));
  world.makeLive(archive);
  // The second and the last stretch: without the handler nothing is relevant, which an audit by today's settings would not see.
  const stretches = [{ fail2ban: {} }, { fail2ban: "off" }, { fail2ban: {} }, { fail2ban: "off" }] as const;
  const readTo = async (): Promise<void> => {
    const size = statSync(archive).size;
    await eventually("all of it", async () => {
      const { stdout } = await world.run(["status", "--json"]);
      return stdout !== "" && JSON.parse(stdout).log?.offset === size;
    });
  };
  for (const [at, handlers] of stretches.entries()) {
    world.configure({ handlers });
    if (at > 0)
      appendFileSync(
        archive,
        bans(100 * at)
          .map((line) => `${line}\n`)
          .join(""),
      );
    const forwarder = await world.start();
    await readTo();
    assert.equal((await forwarder.stop()).ended, 0);
  }
  const { code, stdout } = await world.run(["audit", "--json"]);
  const { verdict, total } = JSON.parse(stdout);
  assert.deepEqual([code, verdict, total.relevant, total.inKafka], [0, "complete", 40, 40]);
  const now = await world.run(["audit", "--json", "--config-now"]);
  assert.equal(JSON.parse(now.stdout).total.relevant, 0);
});

test("--from and --to are kept to on both sides", async () => {
  await using world = await withForwarderDone();
  const { code, stdout } = await world.run(["audit", "--json", "--from", at(100), "--to", at(150)]);
  const { total, from, to } = JSON.parse(stdout);
  assert.deepEqual([code, total.relevant, total.inKafka, from, to], [0, 50, 50, at(100), at(150)]);
});

test("a killed run leaves files that the next one removes; one that is asked to end removes them itself", async () => {
  await using world = await withForwarderDone();
  const killed = await endlessAudit(world);
  const threads = readdirSync(`/proc/${present(killed.pid)}/task`);
  for (const thread of threads) assert.equal(niceness(present(killed.pid), thread), "19", `thread ${thread}`);
  const second = await world.run(["audit"]);
  assert.equal(second.code, 69);
  assert.match(second.stderr, /another audit, or a replay --missing-only, uses .*audit; wait until it has ended/);
  killed.kill("SIGKILL");
  await once(killed, "close");
  assert.ok(partsOf(world).length > 1, "nothing was left");
  const { code } = await world.run(["audit"]);
  assert.deepEqual([code, partsOf(world)], [0, []]);
  const asked = await endlessAudit(world);
  asked.kill("SIGTERM");
  const [ended] = await once(asked, "close");
  assert.deepEqual([ended, partsOf(world)], [143, []]);
});

test("a disk without space is said before anything is read", { skip: !mayMount && "needs root" }, async () => {
  await using disk = await SmallDisk.mount(16 * 1024 * 1024);
  await using world = await ExplainWorld.create();
  mkdirSync(disk.join("state"));
  world.configure({ state_dir: disk.join("state") });
  world.archive("21.json", ban(`${day}.1`));
  const { code, stderr } = await world.run(["audit"]);
  assert.equal(code, 74);
  assert.match(stderr, /MB have to stay free for the forwarder; \d+ MB are free: make room, or narrow it with --from/);
});

test("wrong options are refused with the command that explains them", async () => {
  await using world = await ExplainWorld.create();
  for (const args of [["--from", "yesterday"], ["--ids", "-"], ["file"]]) {
    const { code, stderr } = await world.run(["audit", ...args]);
    assert.deepEqual([code, stderr.includes("wazuh-dfn audit --help")], [64, true], stderr);
  }
  const unread = await world.run(["audit", "--ids", world.directory.join("nowhere")]);
  assert.deepEqual(
    [unread.code, unread.stderr.includes("--ids: the list cannot be read: ")],
    [74, true],
    unread.stderr,
  );
  const replayed = await world.run(["replay", "--ids", "list", "file"]);
  assert.deepEqual([replayed.code, replayed.stderr.includes("--ids is for --missing-only")], [64, true]);
});
