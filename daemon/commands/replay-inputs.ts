/**
 * The files of a replay, opened by root's rules. Archives lie in a directory of the user wazuh, who could put a link or a
 * pipe there: what the owner of the state directory may read is opened with that user's rights. Only what root alone may
 * read is opened with root's, and then nothing is followed that others can change.
 */
import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { walk } from "../disk/walk-path.ts";
import { describe, DfnError, errnoOf } from "../errors.ts";
import { asOwner, type Owner } from "../state/owner.ts";

/** A file of a replay. */
export interface ReplayInput {
  /** As it was named on the command line; `-` is standard input. */
  readonly path: string;
  /** Gives a descriptor; undefined: the path is opened as it is. @throws DfnError IO; else the system's error */
  readonly open: (() => number) | undefined;
}

const { O_NOCTTY, O_NONBLOCK, O_RDONLY } = constants;

/**
 * The inputs by their paths. With an owner, all are opened at once, because they cannot be afterwards; what is wrong with
 * one is thrown when its turn comes.
 * @param owner who the process is about to become
 * @throws DfnError IO when there are more files than the process may have open
 */
export function replayInputs(paths: readonly string[], owner: Owner | undefined): ReplayInput[] {
  return paths.map((path) => {
    if (path === "-" || process.geteuid?.() !== 0) return { path, open: undefined };
    if (owner === undefined) return { path, open: () => openAsRoot(path) };
    const opened = attempt(() => openFor(owner, path));
    return { path, open: () => opened() };
  });
}

/** Tries at once, and gives the outcome, or throws it, later. */
function attempt(action: () => number): () => number {
  try {
    const fd = action();
    return () => fd;
  } catch (reason) {
    if (errnoOf(reason) === "EMFILE") {
      const remedy = "name fewer at once, or raise the limit (ulimit -n)";
      throw new DfnError("IO", `there are more files than this process may have open: ${remedy}`, { cause: reason });
    }
    return () => {
      throw reason;
    };
  }
}

function openFor(owner: Owner, path: string): number {
  if (isOwnDescriptor(path)) return openSync(path, O_RDONLY);
  try {
    return assertRegular(
      path,
      asOwner(owner, () => openSync(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)),
    );
  } catch (reason) {
    if (errnoOf(reason) !== "EACCES") throw reason;
    return openAsRoot(path);
  }
}

/** A pipe or device where root alone decides what lies there is what the administrator asked for. */
function openAsRoot(path: string): number {
  if (isOwnDescriptor(path)) return openSync(path, O_RDONLY);
  using found = walk(path);
  if (found.absent.length > 0) return openSync(path, O_RDONLY); // Says so.
  const isOthers = found.foreign !== undefined || found.shared !== undefined || found.stats.uid !== 0;
  if (!isOthers && !found.stats.isFile()) return openSync(found.own, O_RDONLY);
  return assertRegular(path, openSync(found.own, O_RDONLY | O_NONBLOCK | O_NOCTTY));
}

/** `<(zcat ...)` of a shell, or a redirection: a file that this process has open already. */
function isOwnDescriptor(path: string): boolean {
  return /^\/(?:dev\/(?:stdin|fd\/\d+)|proc\/self\/fd\/\d+)$/.test(path);
}

function assertRegular(path: string, fd: number): number {
  try {
    if (fstatSync(fd).isFile()) return fd;
  } catch (reason) {
    closeSync(fd);
    throw new DfnError("IO", `cannot read ${path}: ${describe(reason)}`, { cause: reason });
  }
  closeSync(fd);
  throw new DfnError("IO", `cannot read ${path}: it is not a regular file; to replay a pipe, name - and redirect it`);
}
