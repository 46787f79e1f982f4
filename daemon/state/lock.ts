import { mkdir, open, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { describe, DfnError } from "../errors.ts";
import type { Log } from "../telemetry/log.ts";

const exclusive = 2;
const nonBlocking = 4;

type Flock = (fd: number, operation: number) => number;

/**
 * Makes the state directory (mode 0750) and locks it, so that one forwarder at a time moves its checkpoint. The kernel
 * gives the lock back when the process ends, however it ends: nothing stale can be left.
 *
 * @throws DfnError UNAVAILABLE when another process holds it, IO when the directory cannot be made or written
 */
export async function lockStateDir(directory: string, log: Log): Promise<AsyncDisposable> {
  const path = join(directory, "lock");
  let file: FileHandle;
  try {
    await mkdir(directory, { recursive: true, mode: 0o750 });
    file = await open(path, "a", 0o600);
  } catch (reason) {
    const remedy = "make it writable for this user, or set state_dir";
    throw new DfnError("IO", `cannot use the state directory ${directory}: ${describe(reason)}; ${remedy}`, {
      cause: reason,
    });
  }
  const flock = await loadFlock(log);
  if (flock !== undefined && flock(file.fd, exclusive | nonBlocking) !== 0) {
    await file.close();
    const remedy = "stop it, or give this one a state_dir of its own";
    throw new DfnError("UNAVAILABLE", `another wazuh-dfn uses the state directory ${directory}: ${remedy}`);
  }
  return { [Symbol.asyncDispose]: () => file.close() };
}

/** flock(2), which Node does not offer. Undefined where the native part is missing. */
async function loadFlock(log: Log): Promise<Flock | undefined> {
  try {
    const { default: koffi } = await import("koffi");
    return koffi.load(null).func("int flock(int fd, int operation)") as Flock;
  } catch (reason) {
    const what =
      "the state directory cannot be locked, because koffi's native part is missing: start one forwarder only";
    log.warn({ reason: describe(reason) }, what);
    return undefined;
  }
}
