import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { errnoOf, isAbsent } from "../errors.ts";
import { startOfText, wholeText } from "./read.ts";

/** Whose rights count for a look at a file. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  /** All groups, the first one first. */
  readonly gids: readonly number[];
}

/** What of a file decides on rights; as `fs.Stats` has it. */
export interface Ownership {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** /proc/PID/status has a page, and a line for the groups. */
const mostStatusBytes = 1024 * 1024;
const mostAccountBytes = 16 * 1024 * 1024;

/** As in access(2). */
const rights = { read: 4, write: 2, execute: 1 } as const;
export type Right = keyof typeof rights;

/** Whether the mode bits give an account a right; access lists are not looked at. */
export function may(account: Account, { uid, gid, mode }: Ownership, right: Right): boolean {
  if (account.uid === 0) return right !== "execute" || (mode & 0o111) !== 0;
  const shift = account.uid === uid ? 6 : account.gids.includes(gid) ? 3 : 0;
  return ((mode >> shift) & rights[right]) !== 0;
}

/** What keeps an account from a file. */
export type AccessRefusal =
  | { readonly kind: "absent"; readonly path: string }
  /** The path is the file's, or that of a directory above it. */
  | { readonly kind: "refused"; readonly path: string }
  /** The user who runs this may not look. */
  | { readonly kind: "unseen"; readonly path: string };

/**
 * Whether an account gets at a file. For the user who runs this the system is asked; for others mode bits of the file
 * and of all directories above it are read. Undefined: it does.
 */
export async function refusalFor(account: Account, path: string, right: Right): Promise<AccessRefusal | undefined> {
  if (account.uid === process.geteuid?.()) return ownRefusal(path, right);
  const wanted: [string, Right][] = [[path, right]];
  for (let at = dirname(resolve(path)); ; at = dirname(at)) {
    wanted.push([at, "execute"]);
    if (at === dirname(at)) break;
  }
  // From the top, so that the first directory in the way is named.
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

/** Whether a file is root's and nobody else may change it. */
export async function isRootsAlone(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && found.uid === 0 && (found.mode & 0o022) === 0;
}

/** The user who runs this. */
export function ownAccount(): Account {
  const gids = [process.getegid?.() ?? 0, ...(process.getgroups?.() ?? [])];
  const uid = process.geteuid?.() ?? 0;
  return { name: uid === 0 ? "root" : `uid ${uid}`, uid, gids };
}

/** The account of a running process. Throws what the system says when there is none. */
export async function accountOfProcess(pid: number): Promise<Account> {
  const text = await startOfText(`/proc/${pid}/status`, mostStatusBytes);
  const numbers = (name: string): number[] => {
    const line = new RegExp(`^${name}:\\s*(.*)$`, "m").exec(text)?.[1] ?? "";
    return line.split(/\s+/).filter(Boolean).map(Number);
  };
  // Real, effective, saved, file system: the last one decides on files.
  const uid = numbers("Uid")[3] ?? 0;
  return { name: await nameOf(uid), uid, gids: [numbers("Gid")[3] ?? 0, ...numbers("Groups")] };
}

/** The account of that name in /etc/passwd, with its groups in /etc/group; undefined where there is none. */
export async function accountNamed(name: string): Promise<Account | undefined> {
  const entry = (await lines("/etc/passwd")).find(([user]) => user === name);
  if (entry === undefined) return undefined;
  const groups = (await lines("/etc/group")).filter(([, , , members]) => members?.split(",").includes(name));
  return { name, uid: Number(entry[2]), gids: [Number(entry[3]), ...groups.map(([, , gid]) => Number(gid))] };
}

/** The owner of a file, with the file's group as its only one. Throws what the system says. */
export async function fileOwner(path: string): Promise<Account> {
  const { uid, gid } = await stat(path);
  return { name: await nameOf(uid), uid, gids: [gid] };
}

async function nameOf(uid: number): Promise<string> {
  return (await lines("/etc/passwd")).find(([, , number]) => number === String(uid))?.[0] ?? `uid ${uid}`;
}

/** The fields of each line; none where the file cannot be read (users from a directory service have no line either). */
async function lines(path: string): Promise<string[][]> {
  const text = await wholeText(path, mostAccountBytes).catch(() => "");
  return text.split("\n").map((line) => line.split(":"));
}
