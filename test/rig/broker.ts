import { once } from "node:events";
import { createWriteStream, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Java, JavaProcess, Signal } from "../../scripts/kafka/java.ts";

/** A broker with a full disk or no quorum may hang in its shutdown; its data survive the harder way too. */
const stopDeadlineMs = 10_000;
const heap = ["-Xms256m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
const quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=error";

/** One broker process; its directory holds settings, data and `output`, what it printed. */
export class Broker {
  readonly #java: Java;
  readonly #directory: string;
  readonly #flags: readonly string[];
  #process: JavaProcess | undefined;

  /** @param flags for Java */
  constructor(java: Java, directory: string, flags: readonly string[]) {
    this.#java = java;
    this.#directory = directory;
    this.#flags = flags;
  }

  get isRunning(): boolean {
    return this.#process !== undefined && !hasEnded(this.#process);
  }

  /** Starts the process; the cluster waits until it answers. */
  start(): void {
    if (this.isRunning) return;
    const properties = join(this.#directory, "server.properties");
    this.#process = this.#java.spawn([...heap, ...this.#flags, quiet, "kafka.Kafka", properties]);
    const output = createWriteStream(join(this.#directory, "output"), { flags: "a" });
    this.#process.child.stdout.pipe(output, { end: false });
    this.#process.child.stderr.pipe(output, { end: false });
    this.#process.child.once("close", () => output.end());
  }

  /** SIGSTOP or SIGCONT: a broker that is there and does not answer. */
  signal(name: Signal): void {
    this.#process?.signal(name);
  }

  /** Stops it and resolves when it is gone. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const running = this.#process;
    if (running === undefined || hasEnded(running)) return;
    const gone = once(running.child, "exit");
    running.signal("SIGCONT"); // a stopped process does not see SIGTERM
    running.signal(signal);
    const timer = setTimeout(() => running.signal("SIGKILL"), stopDeadlineMs);
    await gone;
    clearTimeout(timer);
  }

  /** The end of its output: why it is not running. */
  lastOutput(): string {
    return readFileSync(join(this.#directory, "output"), "utf8").slice(-2000);
  }
}

function hasEnded({ child }: JavaProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
