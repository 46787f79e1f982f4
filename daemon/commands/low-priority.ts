import { readdirSync, readFileSync } from "node:fs";
import { constants, setPriority } from "node:os";

/** How often it is looked whether others wait for a processor, in milliseconds. */
const lookEveryMs = 50;
/** Whoever waits for a processor for more than this share of the time shares it with somebody. */
const mostWaiting = 0.25;
/** How long the first rest is, in milliseconds; each one is twice as long as the one before while the processors stay busy. */
const firstRestMs = 400;
/** How long a rest may become, in milliseconds: for what runs for minutes anyway, and for what somebody waits for. */
export const longestRest = { background: 800, awaited: 200 } as const;
/** Of processor time, in milliseconds: less is over before it is noticed. */
const shortMs = 500;

/**
 * Whoever waits for the answer waits a little longer; the manager does not. The kernel derives the priority of reading and
 * writing from it (ionice(1)). Linux counts it by thread, and V8 has begun some already; those that begin later inherit it.
 *
 * A low priority alone still takes caches, memory and the other half of a core from others, so whoever works for long also
 * rests while the processors are busy.
 * @param longestRestMs one of `longestRest`
 */
export function beLowPriority(longestRestMs: number): void {
  try {
    setPriority(constants.priority.PRIORITY_LOW);
    for (const thread of readdirSync("/proc/self/task")) setPriority(Number(thread), constants.priority.PRIORITY_LOW);
  } catch {
    // A container may forbid it, and a thread may just have ended; nothing depends on it.
  }
  const cell = new Int32Array(new SharedArrayBuffer(4));
  let last = waitingOf();
  let restMs = 0;
  setInterval(() => {
    const now = waitingOf();
    restMs = restAfter(restMs, longestRestMs, now !== undefined && last !== undefined && isWorthRest(last, now));
    if (restMs > 0) Atomics.wait(cell, 0, 0, restMs);
    last = waitingOf();
  }, lookEveryMs).unref();
}

/** Times of a process, in milliseconds. */
export interface Waiting {
  /** Of a monotonic clock. */
  readonly atMs: number;
  /** How long its main thread has waited for a processor so far. */
  readonly waitedMs: number;
  /** Processor time that it has taken so far. */
  readonly workedMs: number;
}

/** Whether a process that has worked for long had to wait for a processor between two looks. */
export function isWorthRest(last: Waiting, now: Waiting): boolean {
  return now.workedMs > shortMs && now.waitedMs - last.waitedMs > mostWaiting * (now.atMs - last.atMs);
}

/** How long to rest now, in milliseconds. @param restMs the rest before; 0 for none */
export function restAfter(restMs: number, longestMs: number, isBusy: boolean): number {
  if (!isBusy) return 0;
  return Math.min(restMs === 0 ? firstRestMs : 2 * restMs, longestMs);
}

/** @returns undefined on a system that does not say it: proc(5), Linux with CONFIG_SCHED_INFO */
export function waitingOf(): Waiting | undefined {
  try {
    const waitedMs = Number(readFileSync("/proc/self/schedstat", "latin1").split(" ")[1]) / 1e6;
    const { user, system } = process.cpuUsage();
    return { atMs: performance.now(), waitedMs, workedMs: (user + system) / 1000 };
  } catch {
    return undefined;
  }
}
