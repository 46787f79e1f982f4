/**
 * Opening files for writing in a directory that somebody else may write to as well: nothing is followed through a link,
 * no FIFO or device is opened, and a file that is said to be new is new.
 */
import { constants } from "node:fs";
import { lstat, open, realpath, rm, type FileHandle } from "node:fs/promises";
import { DfnError, errnoOf } from "../errors.ts";

const { O_CREAT, O_EXCL, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_APPEND, O_WRONLY } = constants;
const guarded = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
/** Somebody who puts a file there each time that it is taken away does not keep us for ever. */
const maxTries = 20;

/**
 * Opens a regular file for reading and appending; creates it if there is none.
 * @param mode permission bits of a file that is made
 * @throws DfnError IO when a link or something other than a regular file is there; else the system's error
 */
export function openForAppending(path: string, mode: number): Promise<FileHandle> {
  return openRegular(path, O_RDWR | O_APPEND | O_CREAT, mode);
}

/** Opens a regular file for reading. @throws as `openForAppending` */
export function openForReading(path: string): Promise<FileHandle> {
  return openRegular(path, O_RDONLY, 0);
}

async function openRegular(path: string, flags: number, mode: number): Promise<FileHandle> {
  let file: FileHandle;
  try {
    file = await open(path, flags | guarded, mode);
  } catch (reason) {
    throw notRegular(path, reason) ?? reason;
  }
  try {
    if ((await file.stat()).isFile()) return file;
    throw wrongKind(path);
  } catch (reason) {
    await file.close();
    throw reason;
  }
}

/** The system's error for a link (ELOOP), a FIFO that nobody reads or a socket (ENXIO), and a directory (EISDIR). */
function notRegular(path: string, reason: unknown): DfnError | undefined {
  return ["ELOOP", "ENXIO", "EISDIR"].includes(errnoOf(reason) ?? "") ? wrongKind(path, reason) : undefined;
}

function wrongKind(path: string, cause?: unknown): DfnError {
  const what = "is a link, a pipe, a directory or a device, but wazuh-dfn needs a file of its own there";
  return new DfnError("IO", `${path} ${what}: find out who put it there, and remove it`, { cause });
}

/**
 * The path of a file that an administrator may have put elsewhere: behind a link that root or this user made. A link of
 * anybody else is left in the path, so that opening it as above is refused.
 */
export async function behindOwnLink(path: string): Promise<string> {
  const found = await lstat(path).catch(() => undefined); // Opening it reports what is wrong with it.
  if (found?.isSymbolicLink() !== true) return path;
  return found.uid === 0 || found.uid === process.geteuid?.() ? realpath(path) : path;
}

/**
 * Makes a file that was not there before. What has the name already is removed first, as a name: a link's target is not
 * touched.
 * @throws DfnError IO when the name is taken again and again; else the system's error
 */
export async function createNew(path: string, mode: number): Promise<FileHandle> {
  for (let tries = 1; ; tries++) {
    try {
      return await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY, mode);
    } catch (reason) {
      if (errnoOf(reason) !== "EEXIST") throw reason;
      if (tries === maxTries) {
        throw new DfnError("IO", `another process creates ${path} again whenever it is removed: find out which`, {
          cause: reason,
        });
      }
      await rm(path, { force: true });
    }
  }
}
