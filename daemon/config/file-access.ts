/**
 * Who can get at the files that the settings name. Mode bits are judged, not access lists. A secret is for the
 * forwarder's user and root alone: group wazuh holds every daemon of the manager, and whoever may read alerts.json.
 */
import { readFileSync, type Stats, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { readWithStatsSync } from "../disk/read-file.ts";
import { quotePath } from "../sinks/kafka/tls/forms.ts";
import type { Problem } from "./values/problem.ts";

/** Whom the installer lets the forwarder run as. */
const usualUser = "wazuh-dfn";
/** Files there are made by systemd for one unit (LoadCredential=), with access lists that mode bits do not show. */
const credentialsDirectory = "/run/credentials/";
const maxBytes = 1024 * 1024;

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gids: readonly number[];
}

/** Users and groups, as far as the files in /etc say. */
export class Accounts {
  readonly #users: readonly (readonly string[])[];
  readonly #groups: readonly (readonly string[])[];
  readonly #asker: Account;

  /** The arguments are for tests: whose users and groups, and who asks. */
  constructor(etc = "/etc", asker?: Pick<Account, "uid" | "gids">) {
    this.#users = fieldsOf(join(etc, "passwd"));
    this.#groups = fieldsOf(join(etc, "group"));
    const { uid, gids } = asker ?? {
      uid: process.geteuid?.() ?? 0,
      gids: [process.getegid?.() ?? 0, ...(process.getgroups?.() ?? [])],
    };
    this.#asker = { name: this.userName(uid), uid, gids };
  }

  get asker(): Account {
    return this.#asker;
  }

  /**
   * Who the forwarder runs as: whoever asks, or, when that is root, the user of the installation. Undefined: unknown.
   */
  forwarder(): Account | undefined {
    if (this.#asker.uid !== 0) return this.#asker;
    const entry = this.#users.find(([name]) => name === usualUser);
    if (entry === undefined) return undefined;
    const further = this.#groups.filter(([, , , members]) => members?.split(",").includes(usualUser));
    const gids = [entry[3], ...further.map(([, , gid]) => gid)].map(Number);
    return { name: usualUser, uid: Number(entry[2]), gids };
  }

  userName(uid: number): string {
    return this.#users.find((entry) => entry[2] === String(uid))?.[0] ?? String(uid);
  }

  groupName(gid: number): string {
    return this.#groups.find((entry) => entry[2] === String(gid))?.[0] ?? String(gid);
  }

  /** Users who have a group as their own or as a further one. */
  membersOf(gid: number): readonly string[] {
    const named = this.#groups
      .filter((entry) => entry[2] === String(gid))
      .flatMap((entry) => (entry[3] ?? "").split(","));
    const own = this.#users.filter((entry) => entry[3] === String(gid)).map(([name]) => name ?? "");
    return [...new Set([...named, ...own])].filter((name) => name !== "");
  }
}

function fieldsOf(path: string): readonly (readonly string[])[] {
  try {
    return readFileSync(path, "utf8")
      .split("\n")
      .map((line) => line.split(":"));
  } catch {
    return []; // Users of a directory service are not in it either.
  }
}

/**
 * Who but the forwarder may read or change a file that holds a secret, with what it takes to end that. Nothing for a
 * file that cannot be looked at: whoever reads it says so.
 */
export function secretAccess(setting: string, path: string, accounts: Accounts): Problem[] {
  const stats = statsOf(path);
  if (stats === undefined || resolve(path).startsWith(credentialsDirectory)) return [];
  const forwarder = accounts.forwarder();
  const { mode, uid, gid } = stats;
  const who = (bit: number): string | undefined => {
    if ((mode & bit) !== 0) return "everybody";
    // Root's own group has nobody in it who is not root anyway.
    if ((mode & (bit << 3)) === 0 || gid === 0) return undefined;
    const others = accounts.membersOf(gid).filter((name) => name !== "root" && name !== forwarder?.name);
    return others.length === 0 ? undefined : `every member of group ${accounts.groupName(gid)}`;
  };
  const found = [
    { who: who(0o4), what: "read" },
    { who: who(0o2), what: "replace" },
  ].filter((one) => one.who !== undefined);
  if (uid !== 0 && forwarder !== undefined && uid !== forwarder.uid) {
    found.push({ who: `user ${accounts.userName(uid)}`, what: "read and replace" });
  }
  const owner = forwarder?.name ?? "USER";
  const file = quotePath(path);
  const remedy = `fix it with: chown ${owner}: ${file} && chmod 0400 ${file}${forwarder === undefined ? ", USER being the forwarder's" : ""}`;
  return found.map((one) => ({
    severity: "warning",
    setting,
    message: `${path}: ${one.who ?? ""} may ${one.what} this file, which is secret; ${remedy}`,
  }));
}

/**
 * Whether the forwarder's user will be able to read a file, when another one asks. Nothing for a file that this user
 * cannot look at either.
 */
export function readAccess(setting: string, path: string, accounts: Accounts): Problem[] {
  const forwarder = accounts.forwarder();
  if (forwarder === undefined || forwarder.uid === accounts.asker.uid) return [];
  if (resolve(path).startsWith(credentialsDirectory)) return [];
  const blocked = (at: string, bit: number): boolean => {
    const stats = statSync(at);
    const shift = stats.uid === forwarder.uid ? 6 : forwarder.gids.includes(stats.gid) ? 3 : 0;
    return ((stats.mode >> shift) & bit) === 0;
  };
  const above: string[] = [];
  for (let at = dirname(resolve(path)); ; at = dirname(at)) {
    above.unshift(at);
    if (at === dirname(at)) break;
  }
  try {
    const closed = above.find((at) => blocked(at, 1)) ?? (blocked(path, 4) ? path : undefined);
    if (closed === undefined) return [];
    const where = closed === path ? "its mode" : `the mode of ${closed}`;
    const remedy =
      closed === path
        ? `fix it with: chown ${forwarder.name}: ${quotePath(path)} && chmod 0400 ${quotePath(path)}`
        : "move it to /etc/wazuh-dfn";
    const message = `${path}: the forwarder's user ${forwarder.name} may not read this file, because of ${where}; ${remedy}`;
    return [{ severity: "warning", setting, message }];
  } catch {
    return []; // Not there: whoever reads it says so.
  }
}

/** Of the file that is open, so that it is the one that was judged whatever its name is given to later. */
function statsOf(path: string): Stats | undefined {
  try {
    return readWithStatsSync(path, { maxBytes, links: "follow" }).stats;
  } catch {
    return undefined;
  }
}
