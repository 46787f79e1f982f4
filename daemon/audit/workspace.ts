/**
 * A private directory below the state directory, for what does not fit into the memory. What a run that was killed has left
 * there is removed by the next one.
 */
import { chmodSync, lstatSync, mkdirSync, readdirSync, statfsSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, DfnError } from "../errors.ts";
import { lockStateDir } from "../os/state-lock.ts";
import { silentLog } from "../telemetry/log.ts";

/** Left free for the forwarder's checkpoint and dead letters. */
const reserveBytes = 64 * 1024 * 1024;

const partPattern = /^part-[0-9a-f]{2}$/;
const signals = [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const;

/** The directory, while this process uses it: one at a time does. */
export class Workspace implements AsyncDisposable {
  readonly directory: string;
  readonly #lock: AsyncDisposable;
  readonly #handlers = signals.map(([name, code]) => {
    const handler = (): void => {
      this.#clear();
      process.exit(code);
    };
    return { name, handler };
  });

  private constructor(directory: string, lock: AsyncDisposable) {
    this.directory = directory;
    this.#lock = lock;
    for (const { name, handler } of this.#handlers) process.once(name, handler);
  }

  /** @throws DfnError UNAVAILABLE if another process uses it, IO if it cannot be made */
  static async open(stateDir: string): Promise<Workspace> {
    const directory = join(stateDir, "audit");
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      if (!lstatSync(directory).isDirectory()) throw new DfnError("IO", `${directory} is not a directory; remove it`);
      chmodSync(directory, 0o700);
    } catch (reason) {
      if (reason instanceof DfnError) throw reason;
      const remedy = "run the command as root or as the forwarder's user";
      throw new DfnError("IO", `${directory} cannot be used: ${describe(reason)}; ${remedy}`, { cause: reason });
    }
    const lock = await lockStateDir(directory, silentLog).catch((reason: unknown) => {
      if (!(reason instanceof DfnError) || reason.code !== "UNAVAILABLE") throw reason;
      const what = `another audit, or a replay --missing-only, uses ${directory}; wait until it has ended`;
      throw new DfnError("UNAVAILABLE", what, { cause: reason });
    });
    const workspace = new Workspace(directory, lock);
    workspace.#clear();
    return workspace;
  }

  /**
   * Makes sure that there is space.
   * @param neededBytes besides what stays free for the forwarder
   * @throws DfnError IO
   */
  assertSpace(neededBytes: number): void {
    const { bavail, bsize } = statfsSync(this.directory);
    const free = bavail * bsize;
    if (free >= neededBytes + reserveBytes) return;
    const need = `${megabytes(neededBytes)} MB are needed in ${this.directory}, and ${megabytes(reserveBytes)} MB have to stay free for the forwarder`;
    throw new DfnError("IO", `${need}; ${megabytes(free)} MB are free: make room, or narrow it with --from and --to`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { name, handler } of this.#handlers) process.removeListener(name, handler);
    this.#clear();
    await this.#lock[Symbol.asyncDispose]();
  }

  #clear(): void {
    for (const name of readdirSync(this.directory)) {
      if (partPattern.test(name)) unlinkSync(join(this.directory, name));
    }
  }
}

/** The path of one of its files, which `Workspace` removes. @param number 0 to 255 */
export function partPath(directory: string, number: number): string {
  return join(directory, `part-${number.toString(16).padStart(2, "0")}`);
}

function megabytes(bytes: number): number {
  return Math.ceil(bytes / 1e6);
}
