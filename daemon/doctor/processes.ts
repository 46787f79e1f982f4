import { join } from "node:path";
import { namesIn } from "../disk/list-directory.ts";
import { startOfText } from "./read.ts";
import { isAbsent } from "../errors.ts";

/** A running process. */
export interface Running {
  readonly pid: number;
  /** As it was started, name first; empty for a kernel thread. */
  readonly args: readonly string[];
  /** Milliseconds since 1970. */
  readonly startedAtMs: number;
}

/** Kernel ticks a second that /proc counts in; 100 on every Linux that Node runs on (USER_HZ). */
const ticksPerSecond = 100;

/** More than the arguments that a process is known by; anybody may start one with 2 MiB of them. */
const mostCommandBytes = 8192;
const mostStatBytes = 1024 * 1024;
/** A daemon has one pid file, and leaves another one when it is killed. */
const mostPidFiles = 100;

/** All processes that this user sees; all there are, unless /proc is mounted with hidepid. */
export async function allProcesses(): Promise<Running[]> {
  const names = await namesIn("/proc", (name) => /^\d+$/.test(name));
  const found = await Promise.all(names.map((name) => processOf(Number(name))));
  return found.filter((one) => one !== undefined);
}

/** A process by its number; undefined when there is none. */
async function processOf(pid: number): Promise<Running | undefined> {
  try {
    const [command, stat, system] = await Promise.all([
      startOfText(`/proc/${pid}/cmdline`, mostCommandBytes),
      startOfText(`/proc/${pid}/stat`, mostCommandBytes),
      startOfText("/proc/stat", mostStatBytes),
    ]);
    // The name in parentheses may hold anything; the start time is the 20th field behind it (proc(5): 22nd of all).
    const ticks = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
    const bootedAtSeconds = Number(/^btime (\d+)/m.exec(system)?.[1]);
    const startedAtMs = (bootedAtSeconds + ticks / ticksPerSecond) * 1000;
    return { pid, args: command.split("\0").slice(0, -1), startedAtMs };
  } catch {
    return undefined; // It ended meanwhile, or is hidden from this user.
  }
}

/**
 * The process of one of Wazuh's daemons, by the file that it leaves in `var/run` (Wazuh 4.14 source:
 * src/shared/file_op.c CreatePID: `<name>-<pid>.pid`). Undefined: it does not run.
 * @param name as in `wazuh-analysisd`
 * @throws what the system says when the directory may not be read
 */
export async function wazuhDaemon(home: string, name: string): Promise<Running | undefined> {
  const directory = join(home, "var/run");
  const form = new RegExp(`^${name}-(\\d{1,7})\\.pid$`);
  const files = await namesIn(directory, (file) => form.test(file)).catch((reason: unknown): string[] => {
    if (isAbsent(reason)) return [];
    throw reason;
  });
  for (const file of files.slice(0, mostPidFiles)) {
    const found = await processOf(Number(form.exec(file)?.[1]));
    // A killed daemon leaves its file, and the number may be another process's by now.
    if (found?.args.some((arg) => arg.includes(name)) === true) return found;
  }
  return undefined;
}
