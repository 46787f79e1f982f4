import { closeSync, mkdirSync, openSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { describe, DfnError, errnoOf } from "../errors.ts";

const fileMode = 0o640;
const directoryMode = 0o750;
/** Keeps both modes as they are, whatever the umask of the caller's shell. */
const ownMask = 0o027;

/**
 * Writes a new file with mode 0640, and creates its directory with mode 0750 if only that one is missing. Whatever
 * exists at the path, including a symbolic link, is neither replaced nor followed.
 * @param gid group of what is created, which only root may choose; undefined: this process's own. Both are created with
 *            it, so that no chown by name is needed afterwards
 * @throws DfnError IO if something exists at the path, or it cannot be written
 */
export function writeNewFile(path: string, text: string, gid: number | undefined): void {
  const group = process.getegid?.();
  const mask = process.umask(ownMask);
  try {
    if (gid !== undefined) process.setegid?.(gid);
    write(path, text);
  } catch (reason) {
    const what =
      errnoOf(reason) === "EEXIST"
        ? `${path} exists and is not overwritten; name another file, or move it away`
        : `${path} cannot be written: ${describe(reason)}`;
    throw new DfnError("IO", what, { cause: reason });
  } finally {
    process.umask(mask);
    if (gid !== undefined && group !== undefined) process.setegid?.(group);
  }
}

function write(path: string, text: string): void {
  const file = openNew(path);
  try {
    writeFileSync(file, text);
  } catch (reason) {
    unlinkSync(path); // Half a file would block the next attempt.
    throw reason;
  } finally {
    closeSync(file);
  }
}

function openNew(path: string): number {
  const open = (): number => openSync(path, "wx", fileMode);
  try {
    return open();
  } catch (reason) {
    if (errnoOf(reason) !== "ENOENT") throw reason;
    mkdirSync(dirname(path), { mode: directoryMode });
    return open();
  }
}
