import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { errnoOf, isAbsent } from "../errors.ts";
import { startOfText, wholeText } from "./read.ts";

/** The account whose rights are checked. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  /** All groups, the primary one first. */
  readonly gids: readonly number[];
}

/** The attributes of a file that decide on rights; as in `fs.Stats`. */
export interface Ownership {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** /proc/PID/status is one page, plus a line for the groups. */
const maxStatusBytes = 1024 * 1024;
const maxAccountBytes = 16 * 1024 * 1024;

/** As in access(2). */
const rights = { read: 4, write: 2, execute: 1 } as const;
export type Right = keyof typeof rights;

/** Whether the mode bits give an account a right; access lists are not checked. */
export function may(account: Account, { uid, gid, mode }: Ownership, right: Right): boolean {
  if (account.uid === 0) return right !== "execute" || (mode & 0o111) !== 0;
  const shift = account.uid === uid ? 6 : account.gids.includes(gid) ? 3 : 0;
  return ((mode >> shift) & rights[right]) !== 0;
}

/** Why an account cannot access a file. */
export type AccessRefusal =
  | { readonly kind: "absent"; readonly path: string }
  /** The path of the file, or of a directory above it. */
  | { readonly kind: "refused"; readonly path: string }
  /** The current user may not see it. */
  | { readonly kind: "unseen"; readonly path: string };

/**
 * Whether an account can access a file. For the current user the system is asked; for others the mode bits of the file
 * and of all directories above it decide. Undefined: it can.
 */
export async function refusalFor(account: Account, path: string, right: Right): Promise<AccessRefusal | undefined> {
  if (account.uid === process.geteuid?.()) return ownRefusal(path, right);
  const wanted: [string, Right][] = [[path, right]];
  for (let at = dirname(resolve(path)); ; at = dirname(at)) {
    wanted.push([at, "execute"]);
    if (at === dirname(at)) break;
  }
  // From the top, so that the first directory that denies access is named.
  for (const [at, needed] of wanted.toReversed()) {
    try {
      if (!may(account, await stat(at), needed)) return { kind: "refused", path: at };
    } catch (reason) {
      return { kind: errnoOf(reason) === "EACCES" ? "unseen" : "absent", path: at };
    }
  }
  return undefined;
}

async function ownRefusal(path: string, right: Right): Promise<AccessRefusal | undefined> {
  const mode = { read: constants.R_OK, write: constants.W_OK, execute: constants.X_OK }[right];
  try {
    await access(path, mode);
    return undefined;
  } catch (reason) {
    return { kind: isAbsent(reason) ? "absent" : "refused", path };
  }
}

/** Whether a file belongs to root and nobody else may change it. */
export async function isRootsAlone(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && found.uid === 0 && (found.mode & 0o022) === 0;
}

/** The current user. */
export function ownAccount(): Account {
  const gids = [process.getegid?.() ?? 0, ...(process.getgroups?.() ?? [])];
  const uid = process.geteuid?.() ?? 0;
  return { name: uid === 0 ? "root" : `uid ${uid}`, uid, gids };
}

/** The account of a running process. Throws the system's error if there is none. */
export async function accountOfProcess(pid: number): Promise<Account> {
  const text = await startOfText(`/proc/${pid}/status`, maxStatusBytes);
  const numbers = (name: string): number[] => {
    const line = new RegExp(`^${name}:\\s*(.*)$`, "m").exec(text)?.[1] ?? "";
    return line.split(/\s+/).filter(Boolean).map(Number);
  };
  // Real, effective, saved, file system: the last one decides on files.
  const uid = numbers("Uid")[3] ?? 0;
  return { name: await nameOf(uid), uid, gids: [numbers("Gid")[3] ?? 0, ...numbers("Groups")] };
}

/** The account of that name in /etc/passwd, with its groups in /etc/group; undefined if there is none. */
export async function accountNamed(name: string): Promise<Account | undefined> {
  const entry = (await lines("/etc/passwd")).find(([user]) => user === name);
  if (entry === undefined) return undefined;
  const groups = (await lines("/etc/group")).filter(([, , , members]) => members?.split(",").includes(name));
  return { name, uid: Number(entry[2]), gids: [Number(entry[3]), ...groups.map(([, , gid]) => Number(gid))] };
}

/** The owner of a file, with the file's group as its only one. Throws the system's error. */
export async function fileOwner(path: string): Promise<Account> {
  const { uid, gid } = await stat(path);
  return { name: await nameOf(uid), uid, gids: [gid] };
}

async function nameOf(uid: number): Promise<string> {
  return (await lines("/etc/passwd")).find(([, , number]) => number === String(uid))?.[0] ?? `uid ${uid}`;
}

/** The fields of each line; none if the file cannot be read (users from a directory service have no line either). */
async function lines(path: string): Promise<string[][]> {
  const text = await wholeText(path, maxAccountBytes).catch(() => "");
  return text.split("\n").map((line) => line.split(":"));
}
