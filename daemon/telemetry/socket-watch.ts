import type { Log } from "./log.ts";
import { Throttle } from "./throttle.ts";

/** What came by the socket and should not have. */
export interface SocketReport {
  /** Connections that were refused, because the user at the other end is not in `sources.socket.allow`. */
  readonly refused: number;
  /** Copies that differed from the log's line of the same alert. The line was sent in each case. */
  readonly contradicted: number;
  /** Seconds since the last of these copies; undefined if there was none. */
  readonly contradictedSecondsAgo: number | undefined;
}

/** Counts and logs what should not arrive on the socket; lives as long as the process, over every reload. */
export class SocketWatch implements Disposable {
  readonly #now: () => number;
  readonly #refusedLog = new Throttle();
  readonly #contradictedLog = new Throttle();
  #refused = 0;
  #contradicted = 0;
  #contradictedAtMs = 0;

  /** @param now milliseconds of a clock that only goes forward */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** A client was refused. Logged at most once a minute. */
  refused({ uid, pid }: { readonly uid: number; readonly pid: number }, path: string, log: Log): void {
    this.#refused += 1;
    this.#refusedLog.report((connections) => {
      const remedy = "find out what process it is; if it may send alerts, add its user to sources.socket.allow";
      log.warn(
        { code: "socket-user-refused", path, uid, pid, connections },
        `a user who is not in sources.socket.allow was refused: ${remedy}`,
      );
    });
  }

  /** A socket copy differs from the log's line of the same alert. Logged at most once a minute. */
  contradicted(id: string, log: Log): void {
    this.#contradicted += 1;
    this.#contradictedAtMs = this.#now();
    this.#contradictedLog.report((copies) => {
      const what = "a copy of an alert on the socket differs from its line in alerts.json";
      const remedy = "the line was sent; find out which program of an allowed user sends other copies";
      log.error({ code: "socket-copies-differ", id: id.slice(0, 64), copies }, `${what}: ${remedy}`);
    });
  }

  report(): SocketReport {
    const secondsAgo = Math.round((this.#now() - this.#contradictedAtMs) / 1000);
    return {
      refused: this.#refused,
      contradicted: this.#contradicted,
      contradictedSecondsAgo: this.#contradicted === 0 ? undefined : secondsAgo,
    };
  }

  [Symbol.dispose](): void {
    this.#refusedLog[Symbol.dispose]();
    this.#contradictedLog[Symbol.dispose]();
  }
}
