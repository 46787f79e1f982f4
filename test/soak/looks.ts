import { readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { describe } from "../../daemon/errors.ts";

/** What a run of looks at a forwarder showed. */
export interface Looked {
  /** Looks at its figures, and those at which the figures did not add up (a line for each). */
  balanced: number;
  readonly unbalanced: string[];
  /** Looks that got no answer while it was ready: when, and why. */
  readonly unanswered: string[];
  /** Peak memory of any forwarder process, bytes. */
  peakRssBytes: number;
  /** What was known of that process when its peak was first seen; for a person who looks for a cause. */
  peakNotes: string;
  /** The same since the last `forgetPeak`. */
  recentRssBytes: number;
}

const lookTimeoutMs = 60_000;
const names = ["read", "ignored", "paired", "acknowledged", "dead_lettered"];

/** Looks at a forwarder from outside: what the system says about the process and what it says about itself. */
export class Looks {
  readonly looked: Looked = {
    balanced: 0,
    unbalanced: [],
    unanswered: [],
    peakRssBytes: 0,
    peakNotes: "",
    recentRssBytes: 0,
  };
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** @param mustAnswer asked when there was no answer: false if it started, stopped or was suspended meanwhile */
  async look(pid: number, mustAnswer: () => boolean): Promise<void> {
    const isPeak = this.#lookAtMemory(pid);
    const beganAt = new Date().toISOString();
    const { text, reason } = await fetchAnswer(this.#socketPath, "/metrics");
    if (isPeak) this.looked.peakNotes = [`process ${pid} at ${beganAt}`, ...memoryLines(text)].join(", ");
    if (text === undefined) {
      if (mustAnswer()) this.looked.unanswered.push(`process ${pid} at ${beganAt}: ${describe(reason)}`);
      return;
    }
    for (const problem of imbalances(text)) this.looked.unbalanced.push(problem);
    this.looked.balanced++;
  }

  /** The system's own high-water mark of memory is reset as well (Linux: proc(5), clear_refs). */
  forgetPeak(pid: number): void {
    writeFileSync(`/proc/${pid}/clear_refs`, "5");
    this.looked.recentRssBytes = 0;
  }

  /** @returns whether it never had as much */
  #lookAtMemory(pid: number): boolean {
    try {
      const kib = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
      const bytes = Number(kib ?? 0) * 1024;
      this.looked.recentRssBytes = Math.max(this.looked.recentRssBytes, bytes);
      if (bytes <= this.looked.peakRssBytes) return false;
      this.looked.peakRssBytes = bytes;
      return true;
    } catch {
      return false; // It has just ended; the cause is judged elsewhere.
    }
  }
}

/** How long a process was ready to run while another one had the processor, milliseconds; its main thread's figure. */
export function starvedMs(pid: number): number {
  const waitedNs = readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[1];
  return Number(waitedNs ?? 0) / 1e6;
}

/**
 * What a process has open; with ` (deleted)` after what has no name any more. A file may have lost one of two names.
 */
export function descriptorsOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((name) => {
    try {
      const path = `/proc/${pid}/fd/${name}`;
      const target = readlinkSync(path).replace(/ \(deleted\)$/, "");
      return [statSync(path).nlink === 0 ? `${target} (deleted)` : target];
    } catch {
      return []; // Closed in this moment.
    }
  });
}

/** `/status` and the like of a forwarder; undefined if it does not answer in time. */
export async function fetchText(socketPath: string, path: string): Promise<string | undefined> {
  return (await fetchAnswer(socketPath, path)).text;
}

/** A text, or why there is none. */
interface Answer {
  readonly text?: string;
  readonly reason?: unknown;
}

function fetchAnswer(socketPath: string, path: string): Promise<Answer> {
  return new Promise((resolve) => {
    const call = request({ socketPath, path, timeout: lookTimeoutMs }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.on("end", () => resolve({ text }));
      response.on("error", (reason) => resolve({ reason }));
    });
    call.on("timeout", () => call.destroy(new Error(`no answer within ${lookTimeoutMs / 1000} s`)));
    call.on("error", (reason) => resolve({ reason }));
    call.end();
  });
}

function memoryLines(metrics = ""): string[] {
  return [...metrics.matchAll(/^(?:process_resident_memory|wazuh_dfn_queue)\w*(?:\{.*\})? \S+$/gm)].map(String);
}

/** Per source: `read = ignored + paired + in flight + acknowledged + dead letters`. */
function imbalances(metrics: string): string[] {
  const figures = new Map<string, Record<string, number>>();
  for (const [, name, source, value] of metrics.matchAll(
    /^wazuh_dfn_alerts_(\w+)\{[^}]*source="(\w+)"[^}]*\} (\S+)$/gm,
  )) {
    const of = figures.get(source ?? "") ?? {};
    of[(name ?? "").replace("_total", "")] = Number(value);
    figures.set(source ?? "", of);
  }
  if (figures.size === 0) return ["no figures"];
  return [...figures].flatMap(([source, of]) => {
    const [read, ...rest] = [...names, "in_flight"].map((name) => of[name] ?? Number.NaN);
    const sum = rest.reduce((total, value) => total + value, 0);
    return read === sum ? [] : [`${source}: ${JSON.stringify(of)}`];
  });
}
