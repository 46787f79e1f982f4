/**
 * The files of a replay, opened safely for root. Archives are in a directory of the user wazuh, who could put a link or a
 * pipe there: what the owner of the state directory may read is opened with that user's rights. Only what nobody but root
 * may read is opened as root, and then nothing is followed that others can change.
 */
import { closeSync, constants, existsSync, fstatSync, openSync } from "node:fs";
import { walk } from "../disk/walk-path.ts";
import { describe, DfnError, errnoOf } from "../errors.ts";
import { asOwner, type StateOwner } from "../state/owner.ts";

/** A file of a replay. */
interface ReplayInput {
  /** As given on the command line; `-` is standard input. */
  readonly path: string;
  /** Offset in the decompressed content at which reading begins. */
  readonly from: number;
  /** Returns a descriptor; undefined: the path is opened as it is. @throws DfnError IO; else the system's error */
  readonly open: (() => number) | undefined;
}

const { O_NOCTTY, O_NONBLOCK, O_RDONLY } = constants;

/**
 * The inputs by their paths and offsets. With an owner, all are opened at once, because they cannot be afterwards; an
 * error with one of them is thrown when its turn comes.
 * @param owner who the process is about to become
 * @throws DfnError IO when there are more files than the process may have open
 */
export function replayInputs(
  named: readonly { readonly path: string; readonly from: number }[],
  owner: StateOwner | undefined,
): ReplayInput[] {
  return named.map(({ path, from }) => {
    if (path === "-" || process.geteuid?.() !== 0) return { path, from, open: undefined };
    if (owner === undefined) return { path, from, open: () => openAsRoot(path) };
    const opened = attempt(() => openFor(owner, path));
    return { path, from, open: () => opened() };
  });
}

/**
 * A place as `--at` takes it and as the log's errors print it. If only the compressed file exists by now, that one is
 * meant: offsets are those of the content.
 * @throws DfnError USAGE
 */
export function placeNamed(text: string): { path: string; from: number } {
  const [, path = "", digits = ""] = /^(.+):(\d{1,15})$/s.exec(text) ?? [];
  if (path === "") {
    const form = "is not FILE:OFFSET; use e.g. /var/ossec/logs/alerts/2026/Nov/ossec-alerts-21.json.gz:4096";
    throw new DfnError("USAGE", `replay: --at: "${text}" ${form}`);
  }
  const isCompressedSince = !existsSync(path) && existsSync(`${path}.gz`);
  return { path: isCompressedSince ? `${path}.gz` : path, from: Number(digits) };
}

/** Tries at once, and returns or throws the result later. */
function attempt(action: () => number): () => number {
  try {
    const fd = action();
    return () => fd;
  } catch (reason) {
    if (errnoOf(reason) === "EMFILE") {
      const remedy = "name fewer at once, or raise the limit (ulimit -n)";
      throw new DfnError("IO", `more files than this process may have open: ${remedy}`, { cause: reason });
    }
    return () => {
      throw reason;
    };
  }
}

function openFor(owner: StateOwner, path: string): number {
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

/** A pipe or device at a place that only root controls is what the administrator asked for. */
function openAsRoot(path: string): number {
  if (isOwnDescriptor(path)) return openSync(path, O_RDONLY);
  using found = walk(path);
  if (found.absent.length > 0) return openSync(path, O_RDONLY); // Throws that it does not exist.
  const isOthers = found.foreign !== undefined || found.shared !== undefined || found.stats.uid !== 0;
  if (!isOthers && !found.stats.isFile()) return openSync(found.own, O_RDONLY);
  return assertRegular(path, openSync(found.own, O_RDONLY | O_NONBLOCK | O_NOCTTY));
}

/** `<(zcat ...)` of a shell, or a redirection: a file that this process has open already. */
function isOwnDescriptor(path: string): boolean {
  return /^\/(?:dev\/(?:stdin|fd\/\d+)|proc\/self\/fd\/\d+)$/.test(path);
}

function assertRegular(path: string, fd: number): number {
  let isDirectory = false;
  try {
    const found = fstatSync(fd);
    if (found.isFile()) return fd;
    isDirectory = found.isDirectory();
  } catch (reason) {
    closeSync(fd);
    throw new DfnError("IO", `cannot read ${path}: ${describe(reason)}`, { cause: reason });
  }
  closeSync(fd);
  if (isDirectory) throw new DfnError("IO", `cannot read ${path}: it is a directory; name the files in it`);
  throw new DfnError("IO", `cannot read ${path}: it is not a regular file; to replay a pipe, name - and redirect it`);
}
