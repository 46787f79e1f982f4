import { constants, setPriority } from "node:os";

/**
 * Whoever waits for the answer waits a little longer; the manager does not. The kernel derives the priority of reading and
 * writing from it (ionice(1)).
 */
export function beLowPriority(): void {
  try {
    setPriority(constants.priority.PRIORITY_LOW);
  } catch {
    // A container may forbid it; nothing depends on it.
  }
}
