import type { Health } from "../status/facts.ts";
import type { Log } from "../telemetry/log.ts";
import type { ReasonCode } from "../telemetry/reason-codes.ts";

/**
 * The reasons that only a look at the whole finds, and how they are logged. Whoever finds one of the others logs it under its
 * code, with more than is known here; starting and stopping have lines of their own.
 */
const levels: Partial<Record<ReasonCode, "warn" | "error">> = {
  "delivery-stuck": "error",
  "lookup-waiting": "warn",
  "log-behind": "warn",
  "dead-letters-unreadable": "error",
  "certificate-expiring": "warn",
  "certificate-expired": "error",
  "certificate-unreadable": "error",
  "status-certificate-expiring": "warn",
  "status-certificate-expired": "error",
};
/** What is gone for this long is over; what comes back before is not logged again. */
const soundMs = 60_000;

interface Lasting {
  readonly code: ReasonCode;
  readonly subject: string;
  /** When it was last a reason. */
  seenAtMs: number;
}

/** Logs each of these reasons when it begins and when it is over, with its code. */
export class HealthLog {
  readonly #log: () => Log;
  readonly #lasting = new Map<string, Lasting>();

  /** @param log asked each time, since a reload may change it */
  constructor(log: () => Log) {
    this.#log = log;
  }

  /** @param nowMs milliseconds of a clock that only goes forward */
  look({ reasons }: Health, nowMs: number): void {
    for (const { code, subject, text, remedy } of reasons) {
      const level = levels[code];
      if (level === undefined) continue;
      const key = `${code} ${subject}`;
      const known = this.#lasting.get(key);
      this.#lasting.set(key, { code, subject, seenAtMs: nowMs });
      if (known === undefined) this.#log()[level]({ code, subject }, remedy === "" ? text : `${text}; ${remedy}`);
    }
    for (const [key, { code, subject, seenAtMs }] of this.#lasting) {
      if (nowMs - seenAtMs < soundMs) continue;
      this.#lasting.delete(key);
      this.#log().info({ code: `${code}-over`, subject }, `${subject}: no longer a reason of being degraded`);
    }
  }
}
