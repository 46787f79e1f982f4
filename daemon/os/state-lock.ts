import { mkdir, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { type Flock, loadFlock } from "./flock.ts";
import { openForAppending } from "../disk/open-file.ts";
import { describe, DfnError } from "../errors.ts";
import type { Log } from "../telemetry/log.ts";

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
    file = await openForAppending(path, 0o600);
  } catch (reason) {
    const remedy = "make it writable for this user, or set state_dir";
    throw new DfnError("IO", `cannot use the state directory ${directory}: ${describe(reason)}; ${remedy}`, {
      cause: reason,
    });
  }
  try {
    const flock = lockOrWarn(log);
    if (flock === undefined || flock.tryLock(file.fd)) return { [Symbol.asyncDispose]: () => file.close() };
  } catch (reason) {
    await file.close();
    const remedy = "set state_dir to a directory on a local file system";
    throw new DfnError("IO", `cannot lock the state directory ${directory}: ${describe(reason)}; ${remedy}`, {
      cause: reason,
    });
  }
  await file.close();
  const remedy = "stop it, or set another state_dir for this one";
  throw new DfnError("UNAVAILABLE", `another wazuh-dfn uses the state directory ${directory}: ${remedy}`);
}

/** Undefined when the native file is missing. */
function lockOrWarn(log: Log): Flock | undefined {
  try {
    return loadFlock();
  } catch (reason) {
    const what = "the state directory cannot be locked without the native file: start one forwarder only";
    log.warn({ code: "state-not-locked", reason: describe(reason) }, what);
    return undefined;
  }
}
