import { existsSync } from "node:fs";
import { DfnError } from "../errors.ts";

/** Names a file, whatever it is, and opens nothing (open(2), O_PATH; the number is that of x64 and arm64). */
export const onlyNames = 0o10000000;

const descriptors = "/proc/self/fd";

/**
 * A path that leads to what a descriptor is open for, whatever is put under its name in the meantime.
 * @param name the path under which it was opened; used if there is no /proc and this user could be led to nothing that
 *             it may not do anyway
 * @throws DfnError IO for root if /proc is not mounted
 */
export function pathOf(fd: number, name: string): string {
  if (existsSync(descriptors)) return `${descriptors}/${fd}`;
  if (process.geteuid?.() !== 0) return name;
  throw new DfnError("IO", "/proc is not mounted, and root needs it to work safely: mount -t proc proc /proc");
}
