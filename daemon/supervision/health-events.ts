import type { Health } from "../status/facts.ts";

/** What Wazuh is told, so that a rule can make an alert of it. */
export interface HealthEvent {
  readonly status: "degraded" | "recovered";
  readonly subject: string;
  readonly text: string;
}

export interface HealthEventsParts {
  readonly tell: (news: HealthEvent) => void;
  /** Keeps over a crash whether Wazuh knows of a degradation. Called before it is told, and after it is told that it ended. */
  readonly remember: (isDegraded: boolean) => void;
  /** What an earlier process remembered. */
  readonly wasDegraded: boolean;
}

/** A subject that comes and goes is told of once in this time. */
const quietMs = 600_000;
/** For so long all must be well before it is told. */
const soundMs = 30_000;
/** What passes by itself at every start and reload. */
const ownSubject = "forwarder";

/** Makes events of the state of health: one when something goes wrong, one when all is well again. */
export class HealthEvents {
  readonly #parts: HealthEventsParts;
  /** Per subject: when it was told. */
  readonly #told = new Map<string, number>();
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
    for (const [subject, atMs] of this.#told)
      if (nowMs - atMs >= quietMs && !this.#isDegraded) this.#told.delete(subject);
    for (const { subject, text, remedy } of reasons) {
      this.#wrongAtMs = nowMs;
      if (subject === ownSubject || this.#told.has(subject)) continue;
      this.#told.set(subject, nowMs);
      if (!this.#isDegraded) this.#parts.remember(true);
      this.#isDegraded = true;
      this.#parts.tell({ status: "degraded", subject, text: remedy === "" ? text : `${text}; ${remedy}` });
    }
    if (!this.#isDegraded || nowMs - this.#wrongAtMs < soundMs) return;
    this.#isDegraded = false;
    this.#parts.tell({ status: "recovered", subject: ownSubject, text: "all is well again" });
    this.#parts.remember(false);
  }
}
