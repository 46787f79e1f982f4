import { readdirSync } from "node:fs";
import { constants, setPriority } from "node:os";

/**
 * Whoever waits for the answer waits a little longer; the manager does not. The kernel derives the priority of reading and
 * writing from it (ionice(1)). Linux counts it by thread, and V8 has begun some already; those that begin later inherit it.
 */
export function beLowPriority(): void {
  try {
    setPriority(constants.priority.PRIORITY_LOW);
    for (const thread of readdirSync("/proc/self/task")) setPriority(Number(thread), constants.priority.PRIORITY_LOW);
  } catch {
    // A container may forbid it, and a thread may just have ended; nothing depends on it.
  }
}
