/** Single files in a directory that was entered: judged on the open descriptor, written aside, placed by one rename. */
import { spawnSync } from "node:child_process";
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
  type BigIntStats,
} from "node:fs";
import { readRegularFileSync } from "../../daemon/disk/read-file.ts";
import { describe, DfnError, errnoOf } from "../../daemon/errors.ts";
import { type Directory, unexpected } from "./directory.ts";

/** A file that was opened and judged. */
export interface OpenFile extends Disposable {
  readonly fd: number;
  readonly path: string;
  readonly stats: BigIntStats;
  readonly content: Buffer;
}

/** Who gets a file, and what they may do with it: as named, or as with another open file, with its labels. */
export type Attributes =
  { readonly uid: number; readonly gid: number; readonly mode: number } | { readonly like: OpenFile };

/**
 * Opens a regular file and reads it. In a directory that others may write to it must have one name.
 * @returns undefined if there is nothing of that name
 * @throws DfnError IO for a link, pipe, device or directory, for one of several hard links, for a file that is too large
 *         or is written to at this moment
 */
export function openFile(directory: Directory, name: string, maxBytes: number): OpenFile | undefined {
  const path = `${directory.path}/${name}`;
  const fd = openNoFollow(directory, name, path);
  if (fd === undefined) return undefined;
  try {
    const stats = fstatSync(fd, { bigint: true });
    if (!stats.isFile()) throw new DfnError("IO", `${path} is not a regular file; ${unexpected}`);
    // Another name may be in a directory that others may not read: its content would be shown under this one.
    if (stats.nlink !== 1n && !directory.isRoots) {
      throw new DfnError(
        "IO",
        `${path} has ${stats.nlink} names (hard links): give it a copy of its own, or remove them`,
      );
    }
    const content = contentOf(fd, path, maxBytes);
    if (!isSame(stats, fstatSync(fd, { bigint: true }))) {
      throw new DfnError("IO", `${path} is being written to: run this again`);
    }
    return { fd, path, stats, content, [Symbol.dispose]: () => closeSync(fd) };
  } catch (reason) {
    closeSync(fd);
    throw reason;
  }
}

function openNoFollow(directory: Directory, name: string, path: string): number | undefined {
  const { O_RDONLY, O_NONBLOCK, O_NOCTTY, O_NOFOLLOW } = constants;
  try {
    return openSync(directory.at(name), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
  } catch (reason) {
    const errno = errnoOf(reason);
    if (errno === "ENOENT") return undefined;
    if (errno === "ELOOP") {
      throw new DfnError(
        "IO",
        `${path} is a symbolic link, which others than root may have made: put the file itself there`,
      );
    }
    if (errno === "ENXIO") throw new DfnError("IO", `${path} is not a regular file; ${unexpected}`);
    throw inWords(`cannot open ${path}`, directory, reason);
  }
}

/** By the descriptor's own name, so it is the very file that was judged. */
export function contentOf(fd: number, path: string, maxBytes: number): Buffer {
  const own = `/proc/self/fd/${fd}`;
  try {
    return readRegularFileSync(own, { maxBytes, links: "follow" });
  } catch (reason) {
    throw new DfnError("IO", describe(reason).replaceAll(own, path));
  }
}

/** Whether two looks at a descriptor, or at two, show one file in one state. A change of the content changes ctime. */
export function isSame(one: BigIntStats, other: BigIntStats): boolean {
  return (
    isOneFile(one, other) && one.size === other.size && one.ctimeNs === other.ctimeNs && one.mtimeNs === other.mtimeNs
  );
}

export function isOneFile(one: BigIntStats, other: BigIntStats): boolean {
  return one.dev === other.dev && one.ino === other.ino;
}

export interface Placing {
  readonly directory: Directory;
  readonly name: string;
  /** A name that nobody knew before: the file is written under it. */
  readonly tempName: string;
  readonly content: Buffer;
  readonly attributes: Attributes;
  /** What is to be replaced; `undefined`: nothing may be there. Left out: whatever is there is replaced. */
  readonly replaces?: OpenFile | undefined;
}

/** @throws DfnError IO when the new file is not there any more: only somebody else can have taken it away */
function rename(temp: string, place: string, path: string): void {
  try {
    renameSync(temp, place);
  } catch (reason) {
    if (errnoOf(reason) !== "ENOENT") throw reason;
    throw new DfnError("IO", `the new ${path} was removed by somebody else before it was in place`, {
      cause: reason,
    });
  }
}

/**
 * Writes a new file and puts it into its place by a rename.
 * @throws DfnError IO when something else is in the place than what is to be replaced, or when somebody else put
 *         another file there meanwhile; the system's error
 */
export function place(placing: Placing): void {
  const { directory, name, tempName, content, attributes } = placing;
  const path = `${directory.path}/${name}`;
  const temp = directory.at(tempName);
  const fd = openNew(directory, tempName, path);
  try {
    for (let at = 0; at < content.length;) at += writeSync(fd, content, at);
    setAttributes(fd, attributes, path);
    fsyncSync(fd);
    if ("replaces" in placing) assertUnchanged(path, directory.at(name), placing.replaces);
    rename(temp, directory.at(name), path);
    const placed = lstatSync(directory.at(name), { bigint: true, throwIfNoEntry: false });
    if (placed === undefined || !isOneFile(placed, fstatSync(fd, { bigint: true }))) {
      throw new DfnError("IO", `${path} was replaced by somebody else while it was written`);
    }
    syncDirectory(directory);
  } catch (reason) {
    removeIfOurs(temp, fd);
    throw inWords(`cannot write ${path}`, directory, reason);
  } finally {
    closeSync(fd);
  }
}

function openNew(directory: Directory, tempName: string, path: string): number {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  try {
    return openSync(directory.at(tempName), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  } catch (reason) {
    throw inWords(`cannot write ${path}`, directory, reason);
  }
}

/** The system's error, with the path that a person knows. */
function inWords(what: string, directory: Directory, reason: unknown): DfnError {
  if (reason instanceof DfnError) return reason;
  return new DfnError("IO", `${what}: ${describe(reason).replaceAll(directory.self, directory.path)}`);
}

function setAttributes(fd: number, attributes: Attributes, path: string): void {
  if ("like" in attributes) copyAttributes(attributes.like.fd, fd, path);
  else {
    fchownSync(fd, attributes.uid, attributes.gid);
    fchmodSync(fd, attributes.mode);
  }
}

/**
 * Owner, mode, access lists and labels of an open file for another one. Node has no call for the last two, so cp does
 * it, between descriptors that it inherits; its times are not taken over, because the content is new.
 */
export function copyAttributes(from: number, to: number, path: string): void {
  const options = ["-aL", "--attributes-only", "--no-preserve=timestamps"];
  const { status, stderr, error } = spawnSync("cp", [...options, "/proc/self/fd/3", "/proc/self/fd/4"], {
    stdio: ["ignore", "ignore", "pipe", from, to],
  });
  if (status !== 0) {
    throw new DfnError("IO", `cannot keep owner and mode of ${path}: ${error?.message ?? stderr.toString().trim()}`);
  }
}

function assertUnchanged(path: string, at: string, expected: OpenFile | undefined): void {
  const now = lstatSync(at, { bigint: true, throwIfNoEntry: false });
  const isExpected = now === undefined || expected === undefined ? now === expected : isSame(now, expected.stats);
  if (!isExpected) throw changed(path);
}

export function changed(path: string): DfnError {
  return new DfnError("IO", `${path} was changed by somebody else meanwhile and is left as it is: run this again`);
}

function removeIfOurs(temp: string, fd: number): void {
  const there = lstatSync(temp, { bigint: true, throwIfNoEntry: false });
  if (there !== undefined && isOneFile(there, fstatSync(fd, { bigint: true }))) unlinkSync(temp);
}

/** Removes a file, or a link itself. Nothing there is fine. */
export function remove(directory: Directory, name: string): void {
  try {
    // Not by its error: a file system that is read-only has another one for what is not there.
    if (lstatSync(directory.at(name), { throwIfNoEntry: false }) === undefined) return;
    unlinkSync(directory.at(name));
    syncDirectory(directory);
  } catch (reason) {
    if (errnoOf(reason) === "ENOENT") return;
    throw inWords(`cannot remove ${directory.path}/${name}`, directory, reason);
  }
}

function syncDirectory(directory: Directory): void {
  const fd = openSync(directory.self, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
