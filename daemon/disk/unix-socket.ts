import { chmod, lstat, mkdir, rm } from "node:fs/promises";
import { connect, type Server } from "node:net";
import { dirname } from "node:path";
import { DfnError, errnoOf } from "../errors.ts";

const leastBacklog = 511;

/**
 * Binds a server to a Unix socket. Directories above are made; a socket file that a dead process left is replaced. The
 * file's rights are closed to others until they are set.
 * @param setting named in the errors as what can be set to another path
 * @param mode    permission bits of the socket file
 * @param backlog how many clients may wait to be accepted, never fewer than Node's own 511; where more come at once, one
 *                that does not block is refused (EAGAIN). The system's bound is net.core.somaxconn
 * @throws DfnError UNAVAILABLE when a living process listens there, IO when something else than a socket is there; else
 *         what the system says
 */
export async function listenAt(
  server: Server,
  path: string,
  setting: string,
  mode: number,
  backlog = leastBacklog,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await removeStale(path, setting);
  await bind(server, path, backlog);
  await chmod(path, mode);
}

function bind(server: Server, path: string, backlog: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    const umask = process.umask(0o177);
    try {
      server.listen({ path, backlog: Math.max(backlog, leastBacklog) }, () => {
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
      throw new DfnError("IO", `${path} exists and is no socket: remove it, or set ${setting} to another path`);
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
