import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { eventually } from "./eventually.ts";
import { present } from "./present.ts";

/** The forwarder promises five seconds, which the soak enforces; this is for one that never ends. */
const stopDeadlineMs = 60_000;

export interface ProgramOptions {
  readonly cwd?: string;
  /** The whole environment; default: `PATH` alone. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A program under test, as a process; killed at the latest when it is disposed. */
export class Program implements AsyncDisposable {
  /** Lines of standard error, and of standard output. */
  readonly errorLines: string[] = [];
  readonly outputLines: string[] = [];
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;

  constructor(file: string, args: readonly string[], { cwd, env }: ProgramOptions = {}) {
    const environment = env ?? { PATH: process.env["PATH"] ?? "" };
    const child = spawn(file, args, { cwd, env: environment, stdio: ["ignore", "pipe", "pipe"] });
    createInterface({ input: child.stderr }).on("line", (line) => this.errorLines.push(line));
    createInterface({ input: child.stdout }).on("line", (line) => this.outputLines.push(line));
    this.#child = child;
    this.#closed = once(child, "close");
  }

  get pid(): number {
    return present(this.#child.pid);
  }

  /** Exit code, or the name of the signal that ended it; undefined while it runs. */
  get ended(): number | NodeJS.Signals | undefined {
    return this.#child.exitCode ?? this.#child.signalCode ?? undefined;
  }

  /** Resolves with the first line of standard error that matches; what it wrote before counts. */
  async waitForLog(pattern: RegExp, options?: { withinMs?: number }): Promise<string> {
    const line = (): string => {
      const found = this.errorLines.find((candidate) => pattern.test(candidate));
      if (found === undefined) throw new Error(this.#report());
      return found;
    };
    return eventually(`a log line ${String(pattern)}`, line, options);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Resolves with its exit code or signal when it has ended by itself. */
  async end(): Promise<number | NodeJS.Signals> {
    await this.#closed;
    return present(this.ended);
  }

  /**
   * Sends a signal and resolves when it has ended, with its exit code or signal and how long that took.
   * @throws Error when it had to be killed
   */
  async stop(name: NodeJS.Signals = "SIGTERM"): Promise<{ ended: number | NodeJS.Signals; tookMs: number }> {
    const started = performance.now();
    this.signal(name);
    const timer = setTimeout(() => this.signal("SIGKILL"), stopDeadlineMs);
    await this.#closed;
    clearTimeout(timer);
    const tookMs = performance.now() - started;
    if (tookMs > stopDeadlineMs) throw new Error(`did not stop on ${name}: ${this.#report()}`);
    return { ended: present(this.ended), tookMs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.ended === undefined) this.signal("SIGKILL");
    await this.#closed;
  }

  #report(): string {
    return `${this.ended === undefined ? "runs" : `ended with ${this.ended}`}; the end of its log:\n${this.errorLines.slice(-20).join("\n")}`;
  }
}
