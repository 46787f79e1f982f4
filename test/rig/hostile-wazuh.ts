import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { chmod, lstat, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { InstallWorld } from "./install-world.ts";
import { snapshotOf } from "./tree-snapshot.ts";
import { wazuhId } from "./wazuh/installable-manager.ts";

/** In every file that only root may read. */
const secret = "TOP-SECRET";

/**
 * User wazuh, turned against root: what it does runs with its uid, so the kernel allows it what it would allow a daemon
 * that was taken over. `victims` are root's own files, which must stay unchanged and in place.
 */
export class HostileWazuh implements AsyncDisposable {
  readonly #world: InstallWorld;
  readonly #before: string[];
  readonly #loops: ChildProcess[] = [];
  /** A directory of root's that everybody may look into. */
  readonly victims: string;

  private constructor(world: InstallWorld, victims: string, before: string[]) {
    this.#world = world;
    this.victims = victims;
    this.#before = before;
  }

  static async in(world: InstallWorld): Promise<HostileWazuh> {
    const victims = world.join("victims");
    await mkdir(victims, { mode: 0o755 });
    // Taken for a configuration and for rules, if somebody follows a link to it.
    const conf = `<ossec_config>\n<global>\n<logall>${secret}</logall>\n</global>\n</ossec_config>\n`;
    await writeFile(join(victims, "secret.xml"), conf, { mode: 0o600 });
    await writeFile(join(victims, "profile.sh"), "true\n", { mode: 0o644 });
    return new HostileWazuh(world, victims, await snapshotOf(victims));
  }

  /** The beginning of all its paths. */
  get home(): string {
    return this.#world.tree.home;
  }

  /** Runs statements of JavaScript as user wazuh: `fs`, `home` and `victims` are available. */
  now(statements: string): void {
    execFileSync(process.execPath, ["-e", this.#program(statements)], { uid: wazuhId, gid: wazuhId, stdio: "pipe" });
  }

  /** The same again and again, whatever it throws, until `stop`. Resolves when it has begun. */
  async loop(statements: string): Promise<void> {
    const body = `process.stdout.write("on"); for (;;) { try { ${statements} } catch {} }`;
    const child = spawn(process.execPath, ["-e", this.#program(body)], {
      uid: wazuhId,
      gid: wazuhId,
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#loops.push(child);
    await once(child.stdout, "data");
  }

  async stop(): Promise<void> {
    for (const child of this.#loops.splice(0)) {
      const closed = once(child, "close");
      child.kill("SIGKILL");
      await closed;
    }
  }

  /**
   * A search path with a stand-in for a program: when a call of it holds this text, for the nth time, the statements
   * are run as user wazuh just before. `wazuh-dfn-node` is the package's own Node.
   */
  async before(program: string, text: string, statements: string, nth = 1): Promise<string> {
    const directory = this.#world.join("stand-ins");
    mkdirSync(directory, { recursive: true });
    const attack = join(directory, "attack.cjs");
    const calls = join(directory, "calls");
    await writeFile(calls, "");
    await writeFile(attack, this.#program(statements), { mode: 0o644 });
    const real = program === "wazuh-dfn-node" ? process.execPath : `/bin/${program}`;
    const as = `setpriv --reuid=${wazuhId} --regid=${wazuhId} --clear-groups "${process.execPath}" "${attack}"`;
    const script = `#!/bin/sh\ncase "$*" in *'${text}'*) printf x >>"${calls}"; [ "$(cat "${calls}")" != ${"x".repeat(nth)} ] || ${as} || exit 99 ;; esac\nexec ${real} "$@"\n`;
    await writeFile(join(directory, program), script);
    await chmod(join(directory, program), 0o755);
    return `${directory}:/usr/sbin:/usr/bin:/sbin:/bin`;
  }

  /** Root's files are unchanged, and nothing that only root may read is where others may read it. */
  async gainedNothing(): Promise<void> {
    assert.deepEqual(await snapshotOf(this.victims), this.#before);
    for (const path of await filesBelow(this.#world.tree.root)) {
      assert.ok(!(await readFile(path, "latin1")).includes(secret), `${path} contains what only root may read`);
    }
  }

  #program(statements: string): string {
    const at = `const fs = require("node:fs"), home = ${JSON.stringify(this.home)}, victims = ${JSON.stringify(this.victims)};`;
    return `${at}\n${statements}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Regular files, links not followed; none is read that is larger than any of the installer's. */
async function filesBelow(directory: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    const stats = await lstat(path).catch(() => undefined);
    if (stats?.isDirectory() === true) found.push(...(await filesBelow(path)));
    else if (stats?.isFile() === true && stats.size < 32 * 1024 * 1024) found.push(path);
  }
  return found;
}
