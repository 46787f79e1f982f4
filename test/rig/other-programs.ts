import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/** At least this share of the machine is taken as ours. */
const leastShare = 0.05;

/**
 * Measures how much of the processors programs other than this one and its children take, from the moment it is made: a
 * limit on time holds for a machine of one's own.
 */
export class OtherPrograms {
  readonly #begunMs = performance.now();
  readonly #busy = busyTicks();
  readonly #ours = ourTicks();

  /**
   * What something would have taken without them, roughly.
   * @param tookMs since this object was made, or less
   */
  without(tookMs: number): number {
    return Math.round(tookMs * Math.max(leastShare, 1 - this.#share()));
  }

  /** From 0 to 1. */
  #share(): number {
    const ticks = ((performance.now() - this.#begunMs) / 1000) * ticksPerSecond * availableParallelism();
    if (ticks === 0) return 0;
    const others = busyTicks() - this.#busy - (ourTicks() - this.#ours);
    return Math.min(1, Math.max(0, others / ticks));
  }
}

/** USER_HZ, in which /proc counts: 100 on every architecture that Node runs on (proc(5)). */
const ticksPerSecond = 100;

/** What the processors have done so far, for whomever: user, nice, system, irq, softirq and steal of /proc/stat (proc(5)). */
function busyTicks(): number {
  const [, user, nice, system, , , irq, softirq, steal] = readFileSync("/proc/stat", "latin1")
    .split(/ +/, 9)
    .map(Number);
  return [user, nice, system, irq, softirq, steal].reduce<number>((sum, ticks) => sum + (ticks ?? 0), 0);
}

/** What this process and all that descend from it have taken, those that have ended included. */
function ourTicks(): number {
  const processes = new Map<number, { readonly parent: number; readonly ticks: number }>();
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const fields = statOf(pid);
    // Behind the name: state, parent; utime, stime, cutime and cstime are fields 14 to 17 of all.
    if (fields !== undefined) {
      const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
      processes.set(pid, { parent: Number(fields[1]), ticks });
    }
  }
  const isOurs = (pid: number): boolean => {
    for (let at = pid; at > 0; at = processes.get(at)?.parent ?? 0) if (at === process.pid) return true;
    return false;
  };
  return [...processes].reduce((sum, [pid, { ticks }]) => sum + (isOurs(pid) ? ticks : 0), 0);
}

function statOf(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    // It has ended.
    return undefined;
  }
}
