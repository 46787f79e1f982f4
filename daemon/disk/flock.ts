import { constants } from "node:os";
import { setTimeout as pause } from "node:timers/promises";

const exclusive = 2;
const nonBlocking = 4;
const unlock = 8;
const retryMs = 5;

/** flock(2), which Node does not offer. The kernel gives a lock back when its file is closed, however that happens. */
export interface Flock {
  /** Whether the lock could be had at once. @throws Error when the file system has no locks */
  tryLock(fd: number): boolean;
  unlock(fd: number): void;
}

let loading: Promise<Flock> | undefined;

/** @throws Error when koffi's native part is missing */
export function loadFlock(): Promise<Flock> {
  loading ??= load();
  return loading;
}

/** Resolves when the lock is held. @throws AbortError when the signal comes first */
export async function waitForLock(flock: Flock, fd: number, signal: AbortSignal): Promise<void> {
  while (!flock.tryLock(fd)) await pause(retryMs, undefined, { signal });
}

async function load(): Promise<Flock> {
  const { default: koffi } = await import("koffi");
  const flock = koffi.load(null).func("int flock(int fd, int operation)") as (fd: number, operation: number) => number;
  return {
    tryLock(fd) {
      if (flock(fd, exclusive | nonBlocking) === 0) return true;
      const code = koffi.errno();
      if (code !== constants.errno.EWOULDBLOCK) throw new Error(`cannot lock the file (errno ${code})`);
      return false;
    },
    unlock(fd) {
      flock(fd, unlock);
    },
  };
}
