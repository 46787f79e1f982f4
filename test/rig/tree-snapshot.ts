import { createHash } from "node:crypto";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";

/**
 * Every file below a directory with kind, mode, owner and content, one per line, in order. Two trees with equal
 * snapshots are the same byte for byte; times are left out.
 * @param leaveOut paths, relative to the directory, that may change
 */
export async function snapshotOf(root: string, leaveOut: RegExp = /^$/): Promise<string[]> {
  const names = await namesBelow(root, "");
  const lines = names.filter((name) => !leaveOut.test(name)).map((name) => describeFile(root, name));
  return (await Promise.all(lines)).toSorted();
}

/** What changed between two snapshots: lines that are gone after a "-", new ones after a "+". */
export function changesBetween(before: readonly string[], after: readonly string[]): string[] {
  const [had, has] = [new Set(before), new Set(after)];
  return [
    ...before.filter((line) => !has.has(line)).map((line) => `- ${line}`),
    ...after.filter((line) => !had.has(line)).map((line) => `+ ${line}`),
  ];
}

/** Not by `readdir` with `recursive`, which follows symbolic links, out of a root into this machine's own system. */
async function namesBelow(root: string, directory: string): Promise<string[]> {
  const entries = await readdir(join(root, directory), { withFileTypes: true });
  const names = entries.map(async (entry) => {
    const name = join(directory, entry.name);
    return entry.isDirectory() ? [name, ...(await namesBelow(root, name))] : [name];
  });
  return (await Promise.all(names)).flat();
}

async function describeFile(root: string, name: string): Promise<string> {
  const path = join(root, name);
  const { mode, uid, gid } = await lstat(path);
  const head = `${name} ${mode.toString(8)} ${uid}:${gid}`;
  if ((mode & 0o170000) === 0o100000) {
    return `${head} ${createHash("sha256")
      .update(await readFile(path))
      .digest("hex")}`;
  }
  return (mode & 0o170000) === 0o120000 ? `${head} -> ${await readlink(path)}` : head;
}
