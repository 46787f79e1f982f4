import { execFile } from "node:child_process";
import { rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { TempDir } from "./temp-dir.ts";

const run = promisify(execFile);

/** Whether this process may mount file systems; tests of a full disk need it. */
export const mayMount = process.geteuid?.() === 0;

/** A file system of its own, small enough to be filled. */
export class SmallDisk implements AsyncDisposable {
  readonly path: string;
  readonly #directory: TempDir;

  private constructor(directory: TempDir) {
    this.#directory = directory;
    this.path = directory.path;
  }

  static async mount(bytes: number): Promise<SmallDisk> {
    const directory = await TempDir.create();
    await run("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", directory.path]);
    return new SmallDisk(directory);
  }

  join(...parts: string[]): string {
    return join(this.path, ...parts);
  }

  /** Takes all space except the given number of bytes, in whole pages of 4 KiB. */
  async fillUpTo(freeBytes: number): Promise<void> {
    await this.free();
    const { bavail, bsize } = await statfs(this.path);
    await writeFile(this.join("filler"), Buffer.alloc(bavail * bsize - freeBytes));
  }

  /** Frees the space. */
  async free(): Promise<void> {
    await rm(this.join("filler"), { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run("umount", ["-l", this.path]);
    await this.#directory[Symbol.asyncDispose]();
  }
}
