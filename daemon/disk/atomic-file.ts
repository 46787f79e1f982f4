import { link, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errnoOf } from "../errors.ts";
import { namesIn } from "./list-directory.ts";
import { createNew } from "./open-file.ts";
import { readRegularFile } from "./read-file.ts";

/** What a process writes until it is renamed; its number keeps two processes from writing the same one. */
const temporaryName = /\.(\d{1,10})\.new$/;
/** What earlier versions left when they were killed. */
const formerNames = /^(?:checkpoint\.json\.tmp|window\.bin\.new|.*\.ndjson\.new)$/;

interface AtomicWrite {
  /** Called when the new file is whole and durable, and not yet in its place. */
  readonly beforeRename?: () => Promise<void>;
}

/**
 * Replaces a file so that a crash at any moment leaves the old one or the new one, whole: a new temporary file next to it,
 * sync, rename, sync of the directory. Mode 0600. Nothing is opened through a link, even if somebody else may write
 * to the directory.
 * @param data pieces are written as they come and are not held
 */
export async function writeAtomically(
  path: string,
  data: string | Buffer | AsyncIterable<Buffer>,
  { beforeRename }: AtomicWrite = {},
): Promise<void> {
  const temporary = `${path}.${process.pid}.new`;
  const file = await createNew(temporary, 0o600);
  try {
    try {
      if (typeof data === "string" || Buffer.isBuffer(data)) await file.writeFile(data);
      else for await (const piece of data) await file.appendFile(piece);
      await file.sync();
    } finally {
      await file.close();
    }
    await beforeRename?.();
    await rename(temporary, path);
  } catch (reason) {
    await rm(temporary, { force: true });
    throw reason;
  }
  await syncDirectory(dirname(path));
}

/**
 * Gives a file a second name, so that it stays when the first name is given to something else. What has the second
 * name already goes. A link is not followed.
 * @param maxBytes the largest file that is copied if the file system has no hard links
 * @throws the system's error; ENOENT if there is nothing
 */
export async function keepAs(path: string, second: string, maxBytes: number): Promise<void> {
  await rm(second, { force: true });
  try {
    await link(path, second);
  } catch (reason) {
    if (errnoOf(reason) === "ENOENT") throw reason;
    await writeAtomically(second, await readRegularFile(path, { maxBytes, links: "refuse" }));
  }
}

/** Removes temporary files of processes that have ended. For one process at a time. Does nothing if there is no directory. */
export async function removeLeftovers(directory: string): Promise<void> {
  for (const name of await temporariesIn(directory)) {
    const pid = temporaryName.exec(name)?.[1];
    if (pid === undefined || !isProcessAlive(Number(pid))) await rm(join(directory, name), { force: true });
  }
}

async function temporariesIn(directory: string): Promise<string[]> {
  try {
    return await namesIn(directory, isTemporary);
  } catch (reason) {
    if (errnoOf(reason) === "ENOENT") return [];
    throw reason;
  }
}

function isTemporary(name: string): boolean {
  return temporaryName.test(name) || formerNames.test(name);
}

/** Whether a process of this number runs, be it of another user. */
export function isProcessAlive(pid: number): boolean {
  if (pid === process.pid) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (reason) {
    return errnoOf(reason) !== "ESRCH";
  }
}

/** Makes names that were made or changed in a directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
