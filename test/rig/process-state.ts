import { readFileSync } from "node:fs";
import { errnoOf } from "../../daemon/errors.ts";

/** What /proc says of a process: `R`, `S`, `T` (stopped) and so on, as proc(5) has them; undefined when it has ended. */
export function processState(pid: number): string | undefined {
  try {
    // The third field, behind the name in parentheses, which may hold anything.
    const state = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)?.[0];
    // A zombie has ended; only its parent has not asked for the exit code, and an init of a container may never do.
    return state === "Z" || state === "X" ? undefined : state;
  } catch (reason) {
    // ESRCH: it ended between the opening and the reading.
    if (errnoOf(reason) === "ENOENT" || errnoOf(reason) === "ESRCH") return undefined;
    throw reason;
  }
}
