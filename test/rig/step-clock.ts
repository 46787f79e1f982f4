import { spawnSync } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { compileModule, ownArch } from "../../scripts/bundle/native-file.ts";
import { repositoryRoot } from "../../scripts/repository.ts";

/** Enough to see that a clock was moved, however long a start takes. */
const trialMs = 86_400_000;

/**
 * The wall clock of the programs that run with `environment`; it can be moved while they run. Their other clocks are
 * unaffected.
 */
export class StepClock implements Disposable {
  /** What those programs need in their environment. */
  readonly environment: Readonly<Record<"LD_PRELOAD" | "STEP_CLOCK", string>>;
  readonly #file: number;
  #offsetMs = 0;

  private constructor(directory: string) {
    const path = join(directory, "clock");
    const library = join(directory, "step-clock.so");
    this.environment = { LD_PRELOAD: library, STEP_CLOCK: path };
    this.#file = openSync(path, "w", 0o644);
  }

  /**
   * @param directory which those programs may read; the library is compiled into it
   * @returns undefined if programs cannot be given another clock here
   */
  static create(directory: string): StepClock | undefined {
    const arch = ownArch();
    if (arch === undefined) return undefined;
    const clock = new StepClock(directory);
    compileModule(repositoryRoot, ["test/rig/native/step-clock.c"], clock.environment.LD_PRELOAD, arch);
    clock.offsetMs = -trialMs;
    const isMoved = clock.#now() < Date.now() - trialMs / 2;
    clock.offsetMs = 0;
    if (isMoved) return clock;
    clock[Symbol.dispose]();
    return undefined; // loading libraries from there is not allowed, or the C library is another one
  }

  /** How far it is off, in milliseconds; 0: not at all. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  set offsetMs(ms: number) {
    this.#offsetMs = ms;
    const nanoseconds = new BigInt64Array([BigInt(Math.round(ms)) * 1_000_000n]);
    writeSync(this.#file, nanoseconds, 0, nanoseconds.byteLength, 0);
  }

  /** The time as seen there, milliseconds since 1970. */
  get now(): number {
    return Date.now() + this.#offsetMs;
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }

  /** The time as seen by a separate program. */
  #now(): number {
    const { stdout } = spawnSync(process.execPath, ["-p", "Date.now()"], { env: this.environment, encoding: "utf8" });
    return Number(stdout);
  }
}
