import { constants } from "node:fs";
import { chmod, chown, lstat, mkdir, open, rm, stat, type FileHandle } from "node:fs/promises";
import { connect, type Server } from "node:net";
import { dirname } from "node:path";
import { DfnError, errnoOf } from "../errors.ts";
import { onlyNames, pathOf } from "../disk/descriptor-path.ts";

const minBacklog = 511;

/**
 * Binds a server to a Unix socket. Directories above are made; a socket file that a dead process left is replaced. The
 * file's rights are closed to others until they are set.
 * @param setting named in the errors as what can be set to another path
 * @param mode    permission bits of the socket file
 * @param backlog how many clients may wait to be accepted, never fewer than Node's own 511; where more come at once, one
 *                that does not block is refused (EAGAIN). The system's bound is net.core.somaxconn
 * @throws DfnError UNAVAILABLE when a living process listens there, IO if something other than a socket is there; else
 *         the system's error
 */
export async function listenAt(
  server: Server,
  path: string,
  setting: string,
  mode: number,
  backlog = minBacklog,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await removeStale(path, setting);
  await bind(server, path, backlog);
  await withSocket(path, (own) => chmod(own, mode));
}

/**
 * Calls `action` with a path that leads to the socket that is at `path` now, whatever is put there in the meantime. A link
 * is not followed.
 * @throws DfnError IO when something other than a socket is there; else the system's error
 */
export async function withSocket<T>(path: string, action: (own: string) => Promise<T>): Promise<T> {
  const file = await openSocket(path);
  try {
    return await action(pathOf(file.fd, path));
  } finally {
    await file.close();
  }
}

/** Gives the socket file at a path to a group. @throws as `withSocket` */
export function giveSocketToGroup(path: string, gid: number): Promise<void> {
  return withSocket(path, (own) => chown(own, process.geteuid?.() ?? 0, gid));
}

async function openSocket(path: string): Promise<FileHandle> {
  const file = await open(path, onlyNames | constants.O_NOFOLLOW);
  try {
    if ((await file.stat()).isSocket()) return file;
    throw new DfnError("IO", `${path} is not a socket: find out who put it there, and remove it`);
  } catch (reason) {
    await file.close();
    throw reason;
  }
}

function bind(server: Server, path: string, backlog: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    const umask = process.umask(0o177);
    try {
      server.listen({ path, backlog: Math.max(backlog, minBacklog) }, () => {
        server.off("error", reject);
        resolve();
      });
    } finally {
      process.umask(umask);
    }
  });
}

async function removeStale(path: string, setting: string): Promise<void> {
  try {
    const found = await lstat(path);
    if (!found.isSocket()) {
      throw new DfnError("IO", `${path} exists and is not a socket: remove it, or set ${setting} to another path`);
    }
    const { uid } = await stat(dirname(path));
    if (![0, process.geteuid?.(), uid].includes(found.uid)) {
      const whose = `${path} is a socket of another user (uid ${found.uid})`;
      throw new DfnError("IO", `${whose}: find out what put it there and remove it, or set ${setting} to another path`);
    }
  } catch (reason) {
    if (errnoOf(reason) === "ENOENT") return;
    throw reason;
  }
  if (await isAlive(path)) {
    throw new DfnError("UNAVAILABLE", `another process listens on ${path}: stop it, or set ${setting}`);
  }
  await rm(path, { force: true });
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    // Refused: nobody listens. Anything else (no room in the backlog, no right) leaves the file alone.
    probe.once("error", (reason) => resolve(errnoOf(reason) !== "ECONNREFUSED" && errnoOf(reason) !== "ENOENT"));
  });
}
