/**
 * Root's commands work on the state directory as the user it belongs to. The forwarder's account owns what is there, and
 * may have been compromised: what it plants (links, pipes, files swapped in a loop) can then do no more than it could do
 * itself. And nothing is left behind that the forwarder could not write afterwards.
 *
 * The rule, which README.md explains to the administrator:
 * - A process that does not run as root stays as it is.
 * - A state directory of root's, in directories of root's: nothing changes.
 * - A state directory of another user: the process becomes that user for good (real, effective and saved ids), with the
 *   directory's group as its group, as the unit has it, and the groups that /etc/group gives the user.
 * - A directory that is not there yet counts as belonging to the owner of the nearest one above. The package's own, below
 *   /var/lib, is created for the user wazuh-dfn, if there is one.
 * - A directory of one user below a directory of another (root's below a user's too) is refused: the one above could be
 *   swapped.
 */
import { closeSync, constants, fchmodSync, fchownSync, fstatSync, mkdirSync, openSync } from "node:fs";
import { deadLetterDirectory } from "../dead-letters/store.ts";
import { pathOf } from "../disk/descriptor-path.ts";
import { readRegularFileSync } from "../disk/read-file.ts";
import { walk, type Walked } from "../disk/walk-path.ts";
import { describe, DfnError, errnoOf } from "../errors.ts";
import { command } from "../printable.ts";

/** What the installation makes: see scripts/install.d/base.sh and the unit. */
const packaged = { directory: "/var/lib/wazuh-dfn", user: "wazuh-dfn", group: "wazuh", mode: 0o750 } as const;
/** Groups that hold nothing: `nogroup` and `nobody` (Debian's and Red Hat's name for the same number). */
const nobody = 65_534;
const maxAccountBytes = 16 * 1024 * 1024;

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- the types of Node are one, and leave this out
  namespace NodeJS {
    interface Process {
      initgroups?(user: number, extraGroup: number): void;
    }
  }
}

/** Who a process becomes. */
export interface StateOwner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Becomes the owner of the state directory, for good, if root runs this and it is another user's. For commands that read
 * there, or change what is there. Everything that only root may read has to be open or read before.
 * @throws DfnError IO when the directory cannot be trusted (see above) or the process cannot become its owner
 */
export function becomeOwnerOf(stateDir: string): void {
  become(ownerOfStateDir(stateDir, { isWritten: false }));
}

/**
 * Who the process has to become before it touches the state directory; undefined: nobody else.
 * @param options isWritten: the command will write to it, so the package's own directory is made if it is not there
 * @throws DfnError IO when the directory cannot be trusted
 */
export function ownerOfStateDir(
  stateDir: string,
  { isWritten }: { readonly isWritten: boolean },
): StateOwner | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  using state = walkTo(stateDir);
  assertOneOwner(stateDir, state);
  const inside = deadLetterDirectory(stateDir);
  using letters = walkTo(inside);
  const { uid, gid } = state.stats;
  if (letters.stats.uid !== uid) {
    const what = `the state directory ${stateDir} belongs to uid ${uid}, and ${inside} to uid ${letters.stats.uid}`;
    throw new DfnError("IO", `${what}; give it to the same user: ${command`chown -hR ${uid}:${gid} ${inside}`}`);
  }
  if (state.foreign !== undefined) return { uid, gid: groupFor(uid, gid) };
  return state.absent.length === 1 && stateDir === packaged.directory ? packagedOwner(state, isWritten) : undefined;
}

/** @throws DfnError IO when a directory on the way is another's, who could put something else in the place of the rest */
function assertOneOwner(directory: string, { foreign, third, stats }: Walked): void {
  if (foreign === undefined || (foreign.uid === stats.uid && third === undefined)) return;
  const other = third ?? foreign.path;
  throw new DfnError(
    "IO",
    `${directory} belongs to uid ${stats.uid}, and ${other} above it to another user, who could swap it: give both to ` +
      `the user that the forwarder runs as, or set state_dir to a path whose directories all belong to root`,
  );
}

function packagedOwner(found: Walked, isMade: boolean): StateOwner | undefined {
  const user = accountLine("/etc/passwd", packaged.user);
  if (user === undefined) return undefined;
  const group = accountLine("/etc/group", packaged.group);
  const owner = { uid: Number(user[2]), gid: Number(group === undefined ? user[3] : group[2]) };
  if (isMade) makeIn(found, found.absent, owner, packaged.mode);
  return owner;
}

function walkTo(path: string): Walked {
  try {
    return walk(path);
  } catch (reason) {
    if (reason instanceof DfnError) throw reason;
    throw new DfnError("IO", `cannot access the state directory ${path}: ${describe(reason)}`, { cause: reason });
  }
}

/** Creates a directory for the owner, if only root's directories lead to it. */
function provide(directory: string, owner: StateOwner): void {
  try {
    using found = walk(directory);
    if (found.absent.length > 0 && found.foreign === undefined) makeIn(found, found.absent, owner, 0o755);
  } catch {
    // Whoever uses the directory reports what is wrong with it.
  }
}

/** Makes directories one below the other, each the owner's, reached by descriptors. */
function makeIn(at: Walked, names: readonly string[], { uid, gid }: StateOwner, mode: number): void {
  const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;
  const opened: number[] = [];
  try {
    let parent = at.own;
    for (const name of names) {
      try {
        mkdirSync(`${parent}/${name}`, 0o700);
      } catch (reason) {
        if (errnoOf(reason) === "EEXIST") return; // In this moment, by another: it is not ours to give away.
        throw reason;
      }
      const fd = openSync(`${parent}/${name}`, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      opened.push(fd);
      if (fstatSync(fd).uid !== 0) return;
      fchownSync(fd, uid, gid);
      fchmodSync(fd, mode);
      parent = pathOf(fd, `${parent}/${name}`);
    }
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

/** The directory's group, as the unit has it; never root's, which its owner is not in. */
function groupFor(uid: number, gid: number): number {
  if (gid !== 0) return gid;
  const own = Number(accountLine("/etc/passwd", String(uid), 2)?.[3]);
  return Number.isSafeInteger(own) && own > 0 ? own : nobody;
}

/** The fields of a line of /etc/passwd or /etc/group; undefined when it has no such line. */
function accountLine(file: string, value: string, field = 0): string[] | undefined {
  let text = "";
  try {
    text = readRegularFileSync(file, { maxBytes: maxAccountBytes, links: "follow" }).toString();
  } catch {
    return undefined; // A container may have no such file.
  }
  return text
    .split("\n")
    .map((line) => line.split(":"))
    .find((fields) => fields[field] === value);
}

/**
 * Becomes a user for good; does nothing without one.
 * @param needed directories that are made for the user if they are not there and only root may create them
 * @throws DfnError IO when the process cannot
 */
export function become(owner: StateOwner | undefined, needed: readonly string[] = []): void {
  if (owner === undefined) return;
  const { uid, gid } = owner;
  for (const directory of needed) provide(directory, owner);
  const what = `the state directory belongs to uid ${uid}, and this process cannot become that user`;
  try {
    process.setgroups?.([gid]);
    joinGroups(uid, gid);
    process.setgid?.(gid);
    process.setuid?.(uid);
  } catch (reason) {
    throw new DfnError("IO", `${what}: ${describe(reason)}`, { cause: reason });
  }
  if (process.getuid?.() !== uid || process.geteuid?.() !== uid || process.getegid?.() !== gid || canReturn()) {
    throw new DfnError("IO", `${what} for good`);
  }
}

/** Does something with a user's rights, and is root again. For what is done at once. */
export function asOwner<T>({ uid, gid }: StateOwner, action: () => T): T {
  const groups = process.getgroups?.() ?? [];
  const own = process.getegid?.() ?? 0;
  try {
    process.setgroups?.([gid]);
    joinGroups(uid, gid);
    process.setegid?.(gid);
    process.seteuid?.(uid);
    return action();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(own);
    process.setgroups?.(groups);
  }
}

function joinGroups(uid: number, gid: number): void {
  try {
    process.initgroups?.(uid, gid);
  } catch {
    // No user has this number: it is in no group but the directory's.
  }
  // A user may be in group 0 by mistake; this process needs nothing of root's.
  const groups = process.getgroups?.() ?? [];
  if (groups.includes(0)) process.setgroups?.(groups.filter((group) => group !== 0));
}

function canReturn(): boolean {
  try {
    process.seteuid?.(0);
    return true;
  } catch {
    return false;
  }
}
