import { join } from "node:path";
import { seededRandom } from "../rig/random.ts";
import { faults, lacks } from "./catalogue.ts";
import type { Fault } from "./fault.ts";
import { TestBed } from "./test-bed.ts";
import { slowStarts } from "./judge.ts";
import { brokenOf, slowOf, type Report } from "./report.ts";
import { runFaults, type Run } from "./run.ts";

/** How much is written, and how fast. */
export interface Load {
  readonly alerts: number;
  /** Alerts a second. */
  readonly rate: number;
}

export interface SessionOptions {
  readonly seed: number;
  /** Takes a line for each step. */
  readonly say: (line: string) => void;
  /** Where the forwarder's logs are kept, one file for each run. */
  readonly logs?: string;
}

/** What runs by name and in a mixture by default. */
export const defaults = { named: { alerts: 600, rate: 500 }, mixture: { alerts: 300_000, rate: 1200 }, faults: 60 };

/** Runs on one test bed, and what they found. */
export class Session implements AsyncDisposable {
  readonly #testBed: TestBed;
  readonly #options: SessionOptions;
  readonly #runs: Run[] = [];
  readonly #broken: string[] = [];
  readonly #notMade = new Map<string, string>();
  readonly #started = performance.now();

  private constructor(testBed: TestBed, options: SessionOptions) {
    this.#testBed = testBed;
    this.#options = options;
  }

  static async create(options: SessionOptions): Promise<Session> {
    options.say(`seed ${options.seed}`);
    return new Session(await TestBed.create(), options);
  }

  /** Each fault by itself, on a manager and a topic of its own. @returns what was promised and not kept */
  async each(named: readonly Fault[], load: Load): Promise<string[]> {
    const broken: string[] = [];
    for (const fault of this.#possible(named)) broken.push(...(await this.#play(fault.name, [fault], load)));
    const slow = slowStarts(this.#runs.flatMap(({ verdict }) => verdict.readyMs));
    this.#broken.push(...slow);
    return [...broken, ...slow];
  }

  /** The given number of faults one after the other on one manager. @returns what was promised and not kept */
  async mixture(count: number, load: Load, of: readonly Fault[] = faults): Promise<string[]> {
    return this.#play("mixture", drawn(this.#possible(of), count, this.#options.seed), load);
  }

  report(command: string): Report {
    const tookSeconds = Math.round((performance.now() - this.#started) / 1000);
    const notMade = Object.fromEntries(this.#notMade);
    return { command, seed: this.#options.seed, tookSeconds, runs: this.#runs, notMade, broken: this.#broken };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#testBed[Symbol.asyncDispose]();
  }

  /**
   * Runs and judges. A machine that others use as well may miss a limit on time once: such a fault is run once more by
   * itself, and only what it misses again counts.
   */
  async #play(name: string, these: readonly Fault[], load: Load): Promise<string[]> {
    const run = await this.#run(name, these, load);
    const broken = brokenOf(run);
    const slow = slowOf(run);
    for (const { name: slowName, what } of slow) this.#options.say(`  SLOW ${slowName}: ${what}`);
    const again = these.filter((fault) => slow.some((one) => one.name === fault.name));
    for (const fault of new Set(again)) {
      const second = await this.#run(`${fault.name}-again`, [fault], defaults.named);
      broken.push(...brokenOf(second), ...slowOf(second).map((one) => `${one.name}: ${one.what}, twice`));
    }
    // What belongs to no fault cannot be tried again by itself.
    const others = slow.filter((one) => !again.some((fault) => fault.name === one.name));
    broken.push(...others.map((one) => `${one.name}: ${one.what}`));
    this.#broken.push(...broken);
    for (const one of broken) this.#options.say(`  BROKEN ${one}`);
    return broken;
  }

  async #run(name: string, these: readonly Fault[], load: Load): Promise<Run> {
    const { seed, logs, say } = this.#options;
    const conditions = { seed, ...load, ...(logs !== undefined && { logFile: join(logs, `${name}.log`) }) };
    const run = await runFaults(this.#testBed, these, conditions, say);
    this.#runs.push(run);
    return run;
  }

  #possible(wanted: readonly Fault[]): readonly Fault[] {
    return wanted.filter((fault) => {
      const reason = lacks(this.#testBed, fault);
      if (reason !== undefined) this.#notMade.set(fault.name, reason);
      return reason === undefined;
    });
  }
}

/** Each fault comes about equally often, in an order determined by the seed. */
function drawn(possible: readonly Fault[], count: number, seed: number): Fault[] {
  const random = seededRandom(seed ^ 0x50a4);
  const mixable = possible.filter(({ isAlone, isLong }) => isAlone !== true && isLong !== true);
  const draws: Fault[] = [];
  while (draws.length < count) {
    const round = mixable.map((fault) => ({ fault, at: random() })).toSorted((a, b) => a.at - b.at);
    draws.push(...round.map(({ fault }) => fault));
  }
  return draws.slice(0, count);
}
