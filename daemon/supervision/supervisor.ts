import type { StatusSnapshot } from "../status/facts.ts";
import type { Log } from "../telemetry/log.ts";
import { NotifySocket } from "./notify-socket.ts";
import { ProgressWatch } from "./progress.ts";

/** Used if systemd does not say how often it expects a message. */
const defaultPeriodMs = 10_000;

/**
 * What is reported to systemd: ready, applying settings, stopping, one line on how things are, and, as long as there is
 * progress, that it need not restart us.
 */
export class Supervisor implements Disposable {
  readonly #socket: NotifySocket;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #periodMs: number;
  readonly #progress: ProgressWatch;
  #reportedAtMs = Number.NEGATIVE_INFINITY;
  #reported = "";
  #wasStuck = false;
  #isStopping = false;

  /**
   * @param env NOTIFY_SOCKET and WATCHDOG_USEC, as systemd sets them
   * @param now milliseconds of a clock that only goes forward
   */
  constructor(env: Readonly<Record<string, string | undefined>>, log: Log, now = (): number => performance.now()) {
    this.#socket = new NotifySocket(env["NOTIFY_SOCKET"], log);
    this.#log = log;
    this.#now = now;
    const watchdogMs = Number(env["WATCHDOG_USEC"]) / 1000;
    // A third of it, so that one message may come late.
    this.#periodMs = watchdogMs > 0 ? watchdogMs / 3 : defaultPeriodMs;
    this.#progress = new ProgressWatch(now());
  }

  /** It takes alerts; Kafka may be away. */
  async ready(): Promise<void> {
    await this.#socket.send("READY=1");
  }

  /** `ready` must follow. */
  async reloading(): Promise<void> {
    const usec = process.hrtime.bigint() / 1000n; // CLOCK_MONOTONIC, as sd_notify(3) asks for
    await this.#socket.send(`RELOADING=1\nMONOTONIC_USEC=${usec}`);
  }

  async stopping(): Promise<void> {
    this.#isStopping = true;
    await this.#socket.send("STOPPING=1");
  }

  /**
   * To be called at least every second. Says "alive" once a period while there is progress, and falls silent when there
   * is none: systemd then restarts the forwarder, which continues at the saved position.
   * @param steps of the tail's loop so far; undefined if there is no tail
   */
  look(snapshot: StatusSnapshot, steps: number | undefined): void {
    if (!this.#socket.isListening || this.#isStopping) return;
    const { isStuck, what } = this.#progress.look(snapshot, steps, this.#now());
    if (isStuck && !this.#wasStuck)
      this.#log.error({ code: "no-progress" }, `no progress: ${what}; systemd is to restart the forwarder`);
    this.#wasStuck = isStuck;
    const status = isStuck ? `stuck: ${what}` : lineOf(snapshot);
    if (status === this.#reported && this.#now() - this.#reportedAtMs < this.#periodMs) return;
    this.#reported = status;
    this.#reportedAtMs = this.#now();
    void this.#socket.send(isStuck ? `STATUS=${status}` : `WATCHDOG=1\nSTATUS=${status}`);
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}

/** For `systemctl status`. Without figures, which would make it change all the time. */
function lineOf({ health, isReady }: StatusSnapshot): string {
  const first = health.reasons[0];
  if (first === undefined) return isReady ? "ships alerts" : "not ready";
  return `degraded: ${first.code}: ${first.subject}: ${first.text}`.replace(/\s+/g, " ").slice(0, 300);
}
