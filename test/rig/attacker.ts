import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync } from "node:fs";

/** Numbers that no user of this machine has: the forwarder's account, taken over, and the user wazuh. */
export const attackerId = 41_991;

/** @throws Error if the tests do not run as root, since only root can become an attacker */
export function assertRoot(): void {
  if (process.getuid?.() === 0) return;
  throw new Error("this test becomes an attacker, which only root can: run the tests as root");
}

/** A directory of the attacker's. */
export function attackersDirectory(path: string, mode = 0o750, id = attackerId): string {
  mkdirSync(path, { recursive: true });
  chmodSync(path, mode);
  chownSync(path, id, id);
  return path;
}

/** Runs a shell script as the attacker, to its end. @param args are `$1`, `$2`, ... */
export function asAttacker(script: string, args: readonly string[] = [], id = attackerId): string {
  return execFileSync("/bin/sh", ["-euc", script, "attacker", ...args], {
    uid: id,
    gid: id,
    cwd: "/",
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
    encoding: "utf8",
  });
}

/** A program of the attacker's that runs until it is disposed: perl, because it swaps a file in microseconds. */
export class AttackerLoop implements AsyncDisposable {
  readonly #child: ChildProcess;

  /** @param body perl that is repeated; `@ARGV` are the arguments */
  constructor(body: string, args: readonly string[], id = attackerId) {
    const program = `while (1) { ${body} }`;
    this.#child = spawn("/usr/bin/perl", ["-e", program, ...args], { uid: id, gid: id, cwd: "/", stdio: "ignore" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) throw new Error("the attacker's program ended by itself");
    this.#child.kill("SIGKILL");
    await once(this.#child, "close");
  }
}
