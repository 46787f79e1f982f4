import { readFileSync } from "node:fs";
import { errnoOf } from "../../daemon/errors.ts";

/** What /proc says about a process: `R`, `S`, `T` (stopped) and so on, as in proc(5); undefined when it has ended. */
export function processState(pid: number): string | undefined {
  try {
    // The third field, after the name in parentheses, which may contain anything.
    const state = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)?.[0];
    // A zombie has ended; only its parent has not collected the exit code, and an init of a container may never do so.
    return state === "Z" || state === "X" ? undefined : state;
  } catch (reason) {
    // ESRCH: it ended between opening and reading.
    if (errnoOf(reason) === "ENOENT" || errnoOf(reason) === "ESRCH") return undefined;
    throw reason;
  }
}
