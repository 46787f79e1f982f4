import type { Health } from "../status/facts.ts";

/** What Wazuh is told, so that a rule can make an alert of it. */
export interface News {
  readonly status: "degraded" | "recovered";
  readonly subject: string;
  readonly text: string;
}

/** A subject that comes and goes is told of once in this time. */
const quietMs = 600_000;
/** For so long all must be well before it is told. */
const soundMs = 30_000;
/** What passes by itself at every start and reload. */
const ownSubject = "forwarder";

/** Makes events of the state of health: one when something goes wrong, one when all is well again. */
export class HealthNews {
  readonly #tell: (news: News) => void;
  /** Per subject: when it was told. */
  readonly #told = new Map<string, number>();
  #isDegraded = false;
  #wrongAtMs = 0;

  constructor(tell: (news: News) => void) {
    this.#tell = tell;
  }

  /** @param nowMs milliseconds of a clock that only goes forward */
  look({ reasons }: Health, nowMs: number): void {
    for (const [subject, atMs] of this.#told)
      if (nowMs - atMs >= quietMs && !this.#isDegraded) this.#told.delete(subject);
    for (const { subject, text, remedy } of reasons) {
      if (subject === ownSubject) continue;
      this.#wrongAtMs = nowMs;
      if (this.#told.has(subject)) continue;
      this.#told.set(subject, nowMs);
      this.#isDegraded = true;
      this.#tell({ status: "degraded", subject, text: remedy === "" ? text : `${text}; ${remedy}` });
    }
    if (!this.#isDegraded || nowMs - this.#wrongAtMs < soundMs) return;
    this.#isDegraded = false;
    this.#tell({ status: "recovered", subject: ownSubject, text: "all is well again" });
  }
}
