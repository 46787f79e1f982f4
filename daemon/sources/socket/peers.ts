import { lstatSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { describe, DfnError } from "../../errors.ts";
import { loadNative, type PeerCredentials } from "../../os/native.ts";
import type { Log } from "../../telemetry/log.ts";

/** What decides whether a client may send alerts. */
export interface PeerPolicy {
  /** Users who may, besides the forwarder's own. */
  readonly uids: ReadonlySet<number>;
  /** Who is at the other end. @throws Error when the system does not say */
  readonly credentialsOf: (socket: Socket) => PeerCredentials;
}

/** Whom Wazuh's daemons and integratord's programs run as. */
const wazuhUser = "wazuh";

/**
 * Looks up the users of `sources.socket.allow`. One that this system does not have is left out with a warning; `wazuh` is
 * then whoever owns the manager's `queue/sockets`, because an installation may have named its user otherwise.
 * @param names user names or numbers
 * @param home  the manager's home directory
 * @throws DfnError IO when the native file that asks the kernel is missing: without it nobody's word can be trusted
 */
export function peerPolicy(names: readonly string[], home: string, log: Log): PeerPolicy {
  let native: ReturnType<typeof loadNative>;
  try {
    native = loadNative();
  } catch (reason) {
    const remedy = "put the native file next to wazuh-dfn.cjs, or set sources.socket to off";
    throw new DfnError("IO", `the socket cannot determine who sends alerts: ${describe(reason)}; ${remedy}`, {
      cause: reason,
    });
  }
  const uids = new Set([process.geteuid?.() ?? 0]);
  for (const name of names) {
    try {
      const uid =
        (/^\d+$/.test(name) ? Number(name) : native.userId(name)) ??
        (name === wazuhUser ? ownerOf(join(home, "queue/sockets")) : undefined);
      if (uid !== undefined) uids.add(uid);
      else
        log.warn(
          { code: "allowed-user-missing", user: name },
          "sources.socket.allow names a user that does not exist on this system",
        );
    } catch (reason) {
      const what =
        "a user of sources.socket.allow cannot be looked up; alerts of this user arrive only through the tail";
      log.warn({ code: "allowed-user-unknown", user: name, reason: describe(reason) }, what);
    }
  }
  return { uids, credentialsOf: (socket) => native.peerCredentials(descriptorOf(socket)) };
}

/** Undefined when there is no such directory. */
function ownerOf(directory: string): number | undefined {
  try {
    const stats = lstatSync(directory);
    return stats.isDirectory() ? stats.uid : undefined;
  } catch {
    return undefined; // There is no manager here.
  }
}

/** The descriptor of a connected socket, which Node does not offer by a public name; -1 when it is closed. */
function descriptorOf(socket: Socket): number {
  const handle: unknown = "_handle" in socket ? socket._handle : undefined;
  if (typeof handle !== "object" || handle === null || !("fd" in handle)) return -1;
  return typeof handle.fd === "number" ? handle.fd : -1;
}
