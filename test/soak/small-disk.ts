import { spawnSync } from "node:child_process";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "../../daemon/errors.ts";

/** Mounts a file system in memory at an existing directory. */
export function mountSmall(directory: string, bytes: number): void {
  mount(["-t", "tmpfs", "-o", `size=${bytes},mode=0755`, "tmpfs", directory]);
}

export function unmount(directory: string): void {
  spawnSync("umount", ["-l", directory]);
}

/** Nothing can be written below the mount, or it can again. */
export function setReadOnly(directory: string, isReadOnly: boolean): void {
  mount(["-o", isReadOnly ? "remount,ro" : "remount,rw", directory]);
}

/** Fills the file system to its last byte. */
export function fill(directory: string): void {
  const file = openSync(join(directory, "filler"), "w");
  const chunk = Buffer.alloc(65_536);
  try {
    for (let size = chunk.length; size > 0; size = Math.floor(size / 2)) {
      while (tryWrite(file, chunk.subarray(0, size))) continue;
    }
  } finally {
    closeSync(file);
  }
}

export function free(directory: string): void {
  rmSync(join(directory, "filler"), { force: true });
}

function tryWrite(file: number, bytes: Buffer): boolean {
  try {
    return writeSync(file, bytes) === bytes.length;
  } catch (reason) {
    if (errnoOf(reason) !== "ENOSPC") throw reason;
    return false;
  }
}

function mount(args: readonly string[]): void {
  const { status, stderr } = spawnSync("mount", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`mount ${args.join(" ")}: ${stderr}`);
}
