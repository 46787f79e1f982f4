import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { isAbsent } from "../sources/tail/archives.ts";

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

/** All processes that this user sees; all there are, unless /proc is mounted with hidepid. */
export async function allProcesses(): Promise<Running[]> {
  const names = await readdir("/proc");
  const found = await Promise.all(names.filter((name) => /^\d+$/.test(name)).map((name) => processOf(Number(name))));
  return found.filter((one) => one !== undefined);
}

/** A process by its number; undefined when there is none. */
export async function processOf(pid: number): Promise<Running | undefined> {
  try {
    const [command, stat, system] = await Promise.all([
      readFile(`/proc/${pid}/cmdline`, "latin1"),
      readFile(`/proc/${pid}/stat`, "latin1"),
      readFile("/proc/stat", "latin1"),
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
  const files = await readdir(directory).catch((reason: unknown) => {
    if (isAbsent(reason)) return [];
    throw reason;
  });
  for (const file of files) {
    const pid = new RegExp(`^${name}-(\\d+)\\.pid$`).exec(file)?.[1];
    const found = pid === undefined ? undefined : await processOf(Number(pid));
    // A killed daemon leaves its file, and the number may be another process's by now.
    if (found?.args.some((arg) => arg.includes(name)) === true) return found;
  }
  return undefined;
}
