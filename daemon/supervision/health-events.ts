import type { Health } from "../status/facts.ts";
import type { ReasonCode } from "../telemetry/reason-codes.ts";

/** What is reported to Wazuh, so that a rule can raise an alert. */
interface HealthEvent {
  readonly status: "degraded" | "recovered";
  /** Of what is wrong. */
  readonly code?: ReasonCode;
  readonly subject: string;
  readonly text: string;
}

interface HealthEventsParts {
  readonly report: (news: HealthEvent) => void;
  /** Saves whether Wazuh knows of a degradation. Called before it is reported, and after its end is reported. */
  readonly remember: (isDegraded: boolean) => void;
  /** What an earlier process remembered. */
  readonly wasDegraded: boolean;
}

/** A fault of a subject that comes and goes is reported once in this time. */
const quietMs = 600_000;
/** All must be well for this long before that is reported. */
const soundMs = 30_000;
/** What all being well is about. */
const ownSubject = "forwarder";
/** What passes by itself at every start and reload. */
const passing: ReasonCode = "not-ready";

/** Makes events of the state of health: one when something goes wrong, one when all is well again. */
export class HealthEvents {
  readonly #parts: HealthEventsParts;
  /** Per code and subject: when it was reported. */
  readonly #reported = new Map<string, number>();
  #isDegraded: boolean;
  /** Undefined before the first look. */
  #wrongAtMs: number | undefined;

  constructor(parts: HealthEventsParts) {
    this.#parts = parts;
    this.#isDegraded = parts.wasDegraded;
  }

  /** @param nowMs milliseconds of a clock that only goes forward */
  look({ reasons }: Health, nowMs: number): void {
    this.#wrongAtMs ??= nowMs;
    for (const [fault, atMs] of this.#reported)
      if (nowMs - atMs >= quietMs && !this.#isDegraded) this.#reported.delete(fault);
    for (const { code, subject, text, remedy } of reasons) {
      this.#wrongAtMs = nowMs;
      const fault = `${code} ${subject}`;
      if (code === passing || this.#reported.has(fault)) continue;
      this.#reported.set(fault, nowMs);
      if (!this.#isDegraded) this.#parts.remember(true);
      this.#isDegraded = true;
      this.#parts.report({ status: "degraded", code, subject, text: remedy === "" ? text : `${text}; ${remedy}` });
    }
    if (!this.#isDegraded || nowMs - this.#wrongAtMs < soundMs) return;
    this.#isDegraded = false;
    this.#parts.report({ status: "recovered", subject: ownSubject, text: "all is well again" });
    this.#parts.remember(false);
  }
}
