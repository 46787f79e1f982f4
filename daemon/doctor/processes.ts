import { join } from "node:path";
import { namesIn } from "../disk/list-directory.ts";
import { startOfText } from "./read.ts";
import { isAbsent } from "../errors.ts";

/** A running process. */
export interface Running {
  readonly pid: number;
  /** Its command line, name first; empty for a kernel thread. */
  readonly args: readonly string[];
  /** Milliseconds since 1970. */
  readonly startedAtMs: number;
}

/** Kernel ticks a second that /proc counts in; 100 on every Linux that Node runs on (USER_HZ). */
const ticksPerSecond = 100;

/** More than the arguments that identify a process; anybody may start one with 2 MiB of them. */
const maxCommandBytes = 8192;
const maxStatBytes = 1024 * 1024;
/** A daemon has one pid file, and leaves one behind when it is killed. */
const maxPidFiles = 100;

/** All processes that the current user can see; all there are, unless /proc is mounted with hidepid. */
export async function allProcesses(): Promise<Running[]> {
  const names = await namesIn("/proc", (name) => /^\d+$/.test(name));
  const found = await Promise.all(names.map((name) => processOf(Number(name))));
  return found.filter((one) => one !== undefined);
}

/** A process by its id; undefined if there is none. */
async function processOf(pid: number): Promise<Running | undefined> {
  try {
    const [command, stat, system] = await Promise.all([
      startOfText(`/proc/${pid}/cmdline`, maxCommandBytes),
      startOfText(`/proc/${pid}/stat`, maxCommandBytes),
      startOfText("/proc/stat", maxStatBytes),
    ]);
    // The name in parentheses may hold anything; the start time is the 20th field behind it (proc(5): 22nd of all).
    const ticks = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
    const bootedAtSeconds = Number(/^btime (\d+)/m.exec(system)?.[1]);
    const startedAtMs = (bootedAtSeconds + ticks / ticksPerSecond) * 1000;
    return { pid, args: command.split("\0").slice(0, -1), startedAtMs };
  } catch {
    return undefined; // It ended meanwhile, or is hidden from the current user.
  }
}

/**
 * The process of one of Wazuh's daemons, by the file that it leaves in `var/run` (Wazuh 4.14 source:
 * src/shared/file_op.c CreatePID: `<name>-<pid>.pid`). Undefined: it does not run.
 * @param name as in `wazuh-analysisd`
 * @throws the system's error if the directory may not be read
 */
export async function wazuhDaemon(home: string, name: string): Promise<Running | undefined> {
  const directory = join(home, "var/run");
  const form = new RegExp(`^${name}-(\\d{1,7})\\.pid$`);
  const files = await namesIn(directory, (file) => form.test(file)).catch((reason: unknown): string[] => {
    if (isAbsent(reason)) return [];
    throw reason;
  });
  for (const file of files.slice(0, maxPidFiles)) {
    const found = await processOf(Number(form.exec(file)?.[1]));
    // A killed daemon leaves its file behind, and another process may have the id by now.
    if (found?.args.some((arg) => arg.includes(name)) === true) return found;
  }
  return undefined;
}
