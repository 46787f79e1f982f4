import { closeSync, mkdirSync, openSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { describe, DfnError, errnoOf } from "../errors.ts";

const fileMode = 0o640;
const directoryMode = 0o750;
/** Leaves both as they are, whatever the shell of the caller takes away. */
const ownMask = 0o027;

/**
 * Writes a file that was not there before, with mode 0640, and makes the directory it goes into when that alone is
 * missing, with mode 0750. What is at the path already, a symbolic link too, is neither replaced nor followed.
 * @param gid group of what is made, which only root may choose; undefined: this process's own. Both are made with it, so
 *            that nothing is ever given away by its name
 * @throws DfnError IO when there is something at the path already, or it cannot be written
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
        ? `${path} is there already and is not overwritten; name another file, or move it away`
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
    unlinkSync(path); // Half a file would be in the way of the next try.
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
