import { appendFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { Program } from "../rig/program.ts";
import type { TestBed } from "./test-bed.ts";
import { descriptorsOf, Looks, starvedMs, type Looked } from "./looks.ts";

/** Where the forwarder runs: a process there, and the program. */
export interface Home extends Pick<TestBed, "forwarderCommand" | "bundle"> {
  /** The wall clock there, if it can be moved. */
  readonly clock?: TestBed["clock"];
}

const lookEveryMs = 250;
const starvedEveryMs = 20;
const readyWithinMs = 120_000;

/** Times that the promise limits, milliseconds. */
export interface ForwarderTimes {
  /** From its beginning to its report that it has started, without the time for which it got no processor. */
  readonly readyMs: number[];
  /** The same with that time. */
  readonly readyWallMs: number[];
  /** From SIGTERM to the end, without the time for which it got no processor. */
  readonly stopMs: number[];
}

/** The forwarder, started, ended and inspected as a fault requires. */
export class Forwarder implements AsyncDisposable {
  readonly times: ForwarderTimes = { readyMs: [], readyWallMs: [], stopMs: [] };
  /** Ends that nobody asked for, with the end of the log. */
  readonly surprises: string[] = [];
  /** What it logged at level error or worse, without repetitions. */
  readonly errors = new Map<string, number>();
  kills = 0;
  readonly #home: Home;
  readonly #looks: Looks;
  readonly #args: () => string[];
  readonly #logFile: string | undefined;
  #program: Program | undefined;
  /** Whether it runs undisturbed, and how often that ended: what was asked before may stay without an answer. */
  #isCalm = false;
  #disturbances = 0;
  #linesSeen = 0;
  readonly #looker: NodeJS.Timeout;
  #isLooking = false;

  /**
   * @param args the command line of `run`, computed at each start
   * @param logFile where its log is kept, for a person who looks for a cause
   */
  constructor(home: Home, statusSocket: string, args: () => string[], logFile?: string) {
    this.#home = home;
    this.#logFile = logFile;
    this.#looks = new Looks(statusSocket);
    this.#args = args;
    this.#looker = setInterval(() => void this.#look(), lookEveryMs);
  }

  get looked(): Looked {
    return this.#looks.looked;
  }

  get program(): Program {
    if (this.#program === undefined) throw new Error("the forwarder does not run");
    return this.#program;
  }

  get isRunning(): boolean {
    return this.#program?.ended === undefined && this.#program !== undefined;
  }

  /** `looked.recentRssBytes` is reset. */
  forgetPeak(): void {
    if (this.isRunning) this.#looks.forgetPeak(this.program.pid);
  }

  /** What it has open at the moment; nothing while it is not running. */
  get descriptors(): string[] {
    return this.isRunning ? descriptorsOf(this.program.pid) : [];
  }

  /** Starts it and resolves when it is ready. */
  async start(): Promise<void> {
    const offsetMs = this.#home.clock?.offsetMs ?? 0;
    const program = this.launch();
    const word = await program.waitForLog(/"msg":"started"/, { withinMs: readyWithinMs });
    const waitedMs = starvedMs(program.pid);
    const [, at, waited] = /^begins (\d+) (\d+)$/m.exec(program.errorLines.join("\n")) ?? [];
    const tookMs = Date.parse(/"time":"([^"]+)"/.exec(word)?.[1] ?? "") - offsetMs - Number(at) / 1000;
    this.times.readyWallMs.push(tookMs);
    this.times.readyMs.push(tookMs - (waitedMs - Number(waited) / 1e6));
    this.#isCalm = true;
  }

  /** Starts a process, which is the forwarder from now on. */
  launch(): Program {
    const [file, args] = this.#home.forwarderCommand([this.#home.bundle, ...this.#args()]);
    this.#program = new Program(file, args);
    this.#linesSeen = 0;
    return this.#program;
  }

  /** Another process with the same settings, in addition to the forwarder. */
  launchBeside(): Program {
    const [file, args] = this.#home.forwarderCommand([this.#home.bundle, ...this.#args()]);
    return new Program(file, args);
  }

  /** SIGTERM, and its end. */
  async stop(): Promise<void> {
    this.#disturb();
    const { pid } = this.program;
    const waited = { firstMs: starvedMs(pid), lastMs: 0 };
    const sampler = setInterval(() => {
      try {
        waited.lastMs = starvedMs(pid);
      } catch {
        // It has just ended.
      }
    }, starvedEveryMs);
    const { ended, tookMs } = await this.program.stop("SIGTERM").finally(() => clearInterval(sampler));
    this.times.stopMs.push(tookMs - Math.max(0, waited.lastMs - waited.firstMs));
    if (ended !== 0) this.#beSurprised(`SIGTERM ended it with ${ended}`);
    this.#collect();
    this.#program = undefined;
  }

  async kill(): Promise<void> {
    this.#disturb();
    this.kills++;
    await this.program.stop("SIGKILL");
    this.#collect();
    this.#program = undefined;
  }

  /** SIGSTOP for a while. */
  async suspend(ms: number): Promise<void> {
    this.#disturb();
    this.program.signal("SIGSTOP");
    await delay(ms);
    this.program.signal("SIGCONT");
    this.#isCalm = true;
  }

  /** Resolves with the log line that answers the signal. */
  async reload(answer: RegExp): Promise<string> {
    const before = this.program.errorLines.length;
    this.#disturb();
    this.program.signal("SIGHUP");
    const line = await this.#waitAfter(before, answer);
    this.#isCalm = true;
    return line;
  }

  /** Resolves with the first log line from now on that matches. */
  waitForLog(pattern: RegExp, withinMs = 120_000): Promise<string> {
    return this.#waitAfter(this.program.errorLines.length, pattern, withinMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#looker);
    this.#disturb();
    await this.#program?.[Symbol.asyncDispose]();
  }

  async #waitAfter(lines: number, pattern: RegExp, withinMs = 120_000): Promise<string> {
    const { program } = this;
    const deadline = performance.now() + withinMs;
    for (;;) {
      const found = program.errorLines.slice(lines).find((line) => pattern.test(line));
      if (found !== undefined) return found;
      if (performance.now() > deadline || program.ended !== undefined) {
        throw new Error(`no ${String(pattern)} in:\n${program.errorLines.slice(lines).slice(-20).join("\n")}`);
      }
      await delay(20);
    }
  }

  async #look(): Promise<void> {
    const program = this.#program;
    if (program === undefined || this.#isLooking) return;
    this.#collect();
    if (program.ended !== undefined) {
      if (this.#isCalm) this.#beSurprised(`it ended by itself with ${program.ended}`);
      this.#disturb();
      return;
    }
    this.#isLooking = true;
    const wasCalm = this.#isCalm;
    const before = this.#disturbances;
    // A stop or a reload that came in between is not a fault of the answer.
    await this.#looks.look(program.pid, () => wasCalm && this.#disturbances === before);
    this.#isLooking = false;
  }

  #disturb(): void {
    this.#isCalm = false;
    this.#disturbances++;
  }

  #beSurprised(what: string): void {
    this.surprises.push(`${what}\n${this.#program?.errorLines.slice(-10).join("\n") ?? ""}`);
  }

  #collect(): void {
    const lines = this.#program?.errorLines ?? [];
    for (; this.#linesSeen < lines.length; this.#linesSeen++) {
      const line = lines[this.#linesSeen] ?? "";
      if (this.#logFile !== undefined) appendFileSync(this.#logFile, `${line}\n`);
      if (!/"level":"(error|fatal)"|"level":(50|60)/.test(line)) continue;
      const message = /"msg":"([^"]*)"/.exec(line)?.[1] ?? line;
      this.errors.set(message, (this.errors.get(message) ?? 0) + 1);
    }
  }
}
