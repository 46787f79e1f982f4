import { setTimeout as pause } from "node:timers/promises";
import { loadNative, type Native } from "./native.ts";

const retryMs = 5;

/** flock(2), which Node does not offer. The kernel gives a lock back when its file is closed, however that happens. */
export type Flock = Pick<Native, "tryLock" | "unlock">;

/** @throws Error when the native file is missing */
export function loadFlock(): Flock {
  return loadNative();
}

/** Resolves when the lock is held. @throws AbortError when the signal comes first */
export async function waitForLock(flock: Flock, fd: number, signal: AbortSignal): Promise<void> {
  while (!flock.tryLock(fd)) await pause(retryMs, undefined, { signal });
}
