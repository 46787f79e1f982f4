/** scripts/install and uninstall, interrupted: killed at every step, on a full disk, without access to a directory. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { promisify } from "node:util";
import { InstallWorld, skip } from "../rig/install-world.ts";
import { SmallDisk } from "../rig/small-disk.ts";

const run = promisify(execFile);
const given = ["--broker", "kafka.example.org:9093", "--customer-id", "abc-1"];
/** Every program with which the scripts change something. */
const changing = ["mv", "cp", "rm", "mkdir", "rmdir", "ln", "chown", "chmod", "useradd", "userdel", "wazuh-dfn-node"];

/**
 * Shadows those programs: each call counts, and at the chosen one the whole process group is killed, before the program
 * ran or after it. `path` is the search path with the shadows.
 */
class Killer {
  readonly #directory: string;
  readonly #programs = Promise.all(changing.map(async (name) => [name, await programOf(name)] as const));
  readonly path: string;

  constructor(directory: string) {
    this.#directory = directory;
    this.path = `${directory}:/usr/sbin:/usr/bin:/sbin:/bin`;
  }

  async arm(at: number, moment: "before" | "after"): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    await writeFile(join(this.#directory, "count"), "");
    for (const [name, program] of await this.#programs) {
      // Its own number, not the count at that time: a program may call another one that counts. Without a process more
      // than the program itself, because there are thousands of calls.
      const last = moment === "before" ? "kill -9 0" : `${program} "$@"\nkill -9 0`;
      const text = `#!/bin/sh
printf x >>"${this.#directory}/count"
IFS= read -r calls <"${this.#directory}/count"
if [ "\${#calls}" = ${at} ]; then
${last}
fi
exec ${program} "$@"
`;
      await writeFile(join(this.#directory, name), text);
      await chmod(join(this.#directory, name), 0o755);
    }
  }
}

async function programOf(name: string): Promise<string> {
  if (name === "wazuh-dfn-node") return process.execPath;
  const { stdout } = await run("sh", ["-c", `PATH=/usr/sbin:/usr/bin:/sbin:/bin command -v ${name}`]);
  return stdout.trim();
}

/** A run tries each seventh step, from a random one on; INSTALL_STEPS=1 tries all, which takes minutes. */
const stride = Number(process.env["INSTALL_STEPS"] ?? 7);
const firstStep = Number(process.env["INSTALL_FIRST"] ?? 1 + Math.floor(Math.random() * stride));
const again = `INSTALL_STEPS=${stride} INSTALL_FIRST=${firstStep} npm test -- install-cut-off`;

/** Each second step is cut off after the program instead of before it. */
const momentOf = (step: number): "before" | "after" => (step % 2 === 0 ? "before" : "after");

/**
 * Tries the steps of this run, until there is none of that number.
 * @param attempt returns whether the script came to its end before the step
 * @returns the step that did not come
 */
async function eachStep(t: TestContext, attempt: (step: number) => Promise<boolean>): Promise<number> {
  t.diagnostic(again);
  for (let step = firstStep; ; step += stride) {
    const isOver = await attempt(step).catch((cause: unknown) => {
      throw new Error(`cut off at step ${step}; the same steps again: ${again}`, { cause });
    });
    if (isOver) return step;
  }
}

test("install killed at any of its steps: the next run, or uninstall, puts everything right", { skip }, async (t) => {
  await using world = await InstallWorld.create();
  await world.tree.agree();
  const before = await world.snapshot();
  await world.keep();
  await world.install(given);
  const installed = await world.snapshot();
  const killer = new Killer(world.join("shadows"));
  const steps = await eachStep(t, async (step) => {
    await world.restore();
    await killer.arm(step, momentOf(step));
    const { code, output } = await world.installAlone(given, killer.path);
    if (code === 0) return true;
    assert.equal(code, "SIGKILL", output);
    const next = step % 3 === 0 ? await world.uninstall(["--purge"]) : await world.install(given);
    assert.equal(next.code, 0, next.output);
    assert.deepEqual(await world.snapshot(), step % 3 === 0 ? before : installed, output);
    return false;
  });
  assert.ok(steps > 40, `only ${steps} steps were tried`);
});

test("uninstall killed at any of its steps: the next run finishes it", { skip }, async (t) => {
  await using world = await InstallWorld.create();
  await world.tree.agree();
  const before = await world.snapshot();
  await world.install(given);
  await world.keep();
  const killer = new Killer(world.join("shadows"));
  const steps = await eachStep(t, async (step) => {
    await world.restore();
    await killer.arm(step, momentOf(step));
    const { code, output } = await world.uninstallAlone(["--purge"], killer.path);
    if (code === 0) return true;
    assert.equal(code, "SIGKILL", output);
    const again = await world.uninstall(["--purge"]);
    assert.equal(again.code, 0, again.output);
    assert.deepEqual(await world.snapshot(), before, output);
    return false;
  });
  assert.ok(steps > 15, `only ${steps} steps were tried`);
});

test("an upgrade killed at any of its steps: the next run finishes it", { skip }, async (t) => {
  await using world = await InstallWorld.create("1.0.0");
  await world.tree.agree();
  await world.install(given);
  await world.keep();
  await world.use("2.0.0");
  await world.install([]);
  const upgraded = await world.snapshot();
  const killer = new Killer(world.join("shadows"));
  await eachStep(t, async (step) => {
    await world.restore();
    await killer.arm(step, momentOf(step));
    const { code, output } = await world.installAlone([], killer.path);
    if (code === 0) return true;
    const again = await world.install([]);
    assert.equal(again.code, 0, again.output);
    assert.deepEqual(await world.snapshot(), upgraded, output);
    return false;
  });
});

test("the disk fills up at any point: everything is as before, or the output says what is left", { skip }, async () => {
  await using world = await InstallWorld.create();
  await using disk = await SmallDisk.mount(4 * 1024 * 1024);
  const target = await world.onAnotherDisk(disk.join("root"));
  const before = await target.snapshot();
  let hasFitted = false;
  for (let free = 4; free <= 512 && !hasFitted; free += 12) {
    await disk.fillUpTo(free * 1024);
    const { code, output } = await target.install(given);
    await disk.free();
    hasFitted = code === 0;
    if (hasFitted) continue;
    if (/left as it is/.test(output)) {
      // Not even space to undo: that was reported, and the next run has space.
      assert.match(output, /what is listed above is left/);
      assert.equal((await target.uninstall(["--purge"])).code, 0);
    }
    assert.deepEqual(await target.snapshot(), before, `with ${free} KiB free: ${output}`);
  }
  assert.ok(hasFitted);
  assert.match((await target.install([])).output, /nothing was changed/);
});

test("a directory that root cannot write to: everything is as before", { skip }, async () => {
  await using world = await InstallWorld.create();
  const before = await world.snapshot();
  await run("mount", ["--bind", world.tree.join("var/ossec/etc"), world.tree.join("var/ossec/etc")]);
  await run("mount", ["-o", "remount,bind,ro", world.tree.join("var/ossec/etc")]);
  try {
    const { code, output } = await world.install(given);
    assert.equal(code, 74, output);
    assert.match(output, /cannot write .*\n[^]*everything is as it was before/);
  } finally {
    await run("umount", [world.tree.join("var/ossec/etc")]);
  }
  assert.deepEqual(await world.snapshot(), before);
});
