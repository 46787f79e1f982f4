import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { errnoOf } from "../../daemon/errors.ts";
import type { CustomDfn } from "../rig/custom-dfn.ts";
import { callIntegration } from "../rig/wazuh/integratord.ts";

/** Longest line with its newline that integratord passes on (Wazuh 4.14 source: src/headers/defs.h:51). */
const longestLineBytes = 65_536;
const chunkBytes = 1 << 20;
const pollMs = 250;
/** After two seconds without alerts.json integratord continues at the end of the next one (src/shared/json-queue.c:76). */
const absenceLimitMs = 2000;

/** How the calls ended. */
export interface CallCounts {
  calls: number;
  /** Calls that ended with anything but 0: integratord would log an error. */
  failed: number;
  slowestMs: number;
}

/**
 * Behaves as integratord: starts at the end, passes one alert after the other, re-printed, to a process of its own, and
 * loses what integratord loses. Every `everyNth` alert passes its filter.
 */
export class Caller implements AsyncDisposable {
  readonly #alertsJson: string;
  readonly #hookUrl: string;
  readonly #everyNth: number;
  readonly #counts: CallCounts;
  readonly #customDfnOf: (call: number) => CustomDfn;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  /** @param customDfnOf what is called, by how many calls there were before */
  constructor(
    alertsJson: string,
    hookUrl: string,
    everyNth: number,
    counts: CallCounts,
    customDfnOf: (call: number) => CustomDfn,
  ) {
    this.#customDfnOf = customDfnOf;
    this.#alertsJson = alertsJson;
    this.#hookUrl = hookUrl;
    this.#everyNth = everyNth;
    this.#counts = counts;
    this.#done = this.#run();
  }

  /** Ends as a killed integratord does: what it has not read is lost to it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    const chunk = Buffer.alloc(chunkBytes);
    let file: number | undefined;
    let position = 0;
    let lines = 0;
    let absentSince: number | undefined;
    while (!this.#stop.signal.aborted) {
      if (file === undefined || isReplaced(this.#alertsJson, file)) {
        const next = openIfThere(this.#alertsJson);
        if (next === undefined) {
          absentSince ??= performance.now();
          await this.#pause();
          continue;
        }
        const isLate = absentSince !== undefined && performance.now() - absentSince > absenceLimitMs;
        position = file === undefined || isLate ? fstatSync(next).size : 0;
        absentSince = undefined;
        if (file !== undefined) closeSync(file);
        file = next;
      }
      const bytes = chunk.subarray(0, readSync(file, chunk, 0, chunk.length, position));
      const newline = bytes.indexOf(0x0a);
      if (newline < 0) {
        if (bytes.length === chunk.length) position += bytes.length; // over-long: skipped
        await this.#pause();
        continue;
      }
      position += newline + 1;
      if (newline + 1 > longestLineBytes || lines++ % this.#everyNth !== 0) continue;
      await this.#call(reprinted(bytes.subarray(0, newline + 1)));
    }
    if (file !== undefined) closeSync(file);
  }

  async #call(alert: Buffer): Promise<void> {
    const customDfn = this.#customDfnOf(this.#counts.calls);
    const { exitCode, tookMs } = await callIntegration(alert, { hookUrl: this.#hookUrl, customDfn });
    this.#counts.calls++;
    if (exitCode !== 0) this.#counts.failed++;
    this.#counts.slowestMs = Math.max(this.#counts.slowestMs, tookMs);
  }

  async #pause(): Promise<void> {
    await delay(pollMs, undefined, { signal: this.#stop.signal }).catch(() => undefined); // it stops
  }
}

/**
 * The line as cJSON prints it again: integers beyond 2^53 in exponent form, escapes as the characters themselves if
 * they need none (seen by running 4.14's integratord). The writer's lines hold no blanks between tokens.
 */
export function reprinted(line: Buffer): Buffer {
  const text = line
    .toString("latin1")
    .replaceAll(/([:,[])(\d{16,})(?=[,\]}])/g, (_, before: string, digits: string) => {
      const number = Number(digits);
      return before + (number > 2 ** 53 - 1 ? number.toPrecision(15).replace(/\.?0+e/, "e") : digits);
    });
  return Buffer.from(text.replaceAll("\\/", "/"), "latin1");
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (reason) {
    if (errnoOf(reason) !== "ENOENT") throw reason;
    return undefined; // between two files
  }
}

function isReplaced(path: string, file: number): boolean {
  try {
    return statSync(path).ino !== fstatSync(file).ino;
  } catch (reason) {
    if (errnoOf(reason) !== "ENOENT") throw reason;
    return true;
  }
}
