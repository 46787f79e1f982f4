import { readdirSync, readFileSync } from "node:fs";

/** A process, ours or another one. */
interface Running {
  readonly pid: number;
}

/** Memory in RAM now and at its peak, as Linux counts it; undefined when the process has ended. */
export function memoryOf({ pid }: Running): {
  readonly nowBytes: number | undefined;
  readonly peakBytes: number | undefined;
} {
  const status = readProc(`${pid}/status`);
  const bytes = (name: string): number | undefined => {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
    return found === undefined ? undefined : Number(found) * 1024;
  };
  return { nowBytes: bytes("VmRSS"), peakBytes: bytes("VmHWM") };
}

/**
 * Processor time of a process so far, in its own code and in the system, with the threads that have ended, seconds;
 * counted in hundredths. Undefined when the process has ended.
 */
export function processorSeconds({ pid }: Running): number | undefined {
  // The name in brackets may hold blanks; user and system time are fields 14 and 15.
  const fields = readProc(`${pid}/stat`).split(") ")[1]?.split(" ");
  return fields === undefined ? undefined : (Number(fields[11]) + Number(fields[12])) / 100;
}

/**
 * Processor time of a process from here on, for one that does little: to the nanosecond, where the system keeps it. Of threads
 * that end meanwhile it misses their last part; Node's stay.
 */
export class ProcessorClock {
  readonly #of: Running;
  readonly #threads: ReadonlyMap<string, number>;
  readonly #seconds: number;
  readonly #startedMs = performance.now();

  constructor(of: Running) {
    this.#of = of;
    this.#threads = threadNanoseconds(of);
    this.#seconds = processorSeconds(of) ?? 0;
  }

  /** Share of one processor, percent. @throws Error when the process has ended */
  percent(): number {
    const seconds = (performance.now() - this.#startedMs) / 1000;
    return (this.#used() / seconds) * 100;
  }

  #used(): number {
    const now = processorSeconds(this.#of);
    if (now === undefined) throw new Error(`process ${this.#of.pid} ended while its processor time was measured`);
    if (this.#threads.size === 0) return now - this.#seconds;
    let nanoseconds = 0;
    for (const [thread, used] of threadNanoseconds(this.#of)) nanoseconds += used - (this.#threads.get(thread) ?? 0);
    return nanoseconds / 1e9;
  }
}

/** By thread; empty where the kernel was built without these figures. */
function threadNanoseconds({ pid }: Running): Map<string, number> {
  const threads = readdirSync(`/proc/${pid}/task`);
  const used = threads.map((thread): [string, string] => [thread, readProc(`${pid}/task/${thread}/schedstat`)]);
  return new Map(used.filter(([, text]) => text !== "").map(([thread, text]) => [thread, Number(text.split(" ")[0])]));
}

function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, "utf8");
  } catch {
    // It has ended; a process that is gone has no numbers.
    return "";
  }
}
