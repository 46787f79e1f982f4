import { AuditedLog, type AuditRun } from "../audited-log.ts";
import { atMost, type Figure } from "../figure.ts";
import type { Stage } from "../stage.ts";
import { auditedOptions } from "./carry-rows.ts";
import { CarryRow } from "./carry.ts";

const peakMegabytes = 300;

/** Row k: what an audit takes, and what it costs the forwarder next to which it runs. */
export class AuditedRow extends CarryRow {
  readonly #log: AuditedLog;
  readonly #runs: AuditRun[] = [];

  constructor(stage: Stage) {
    const log = new AuditedLog(stage);
    super(
      stage,
      auditedOptions((program) => void log.repeatDuring(program)),
    );
    this.#log = log;
  }

  override async prepare(): Promise<void> {
    await super.prepare();
    await this.#log.prepare();
  }

  override async round(index: number): Promise<void> {
    this.#runs.push(await this.#log.measure());
    await super.round(index);
  }

  override figures(): readonly Figure[] {
    const own = { row: "k", beside: undefined };
    const { alerts } = this.#log;
    const rates = this.#runs.map(({ seconds }) => alerts / seconds);
    const peaks = this.#runs.map(({ peakBytes }) => peakBytes / 1e6);
    return [
      { ...own, what: `audit of ${alerts} relevant alerts`, unit: "alerts/s", samples: rates, limit: undefined },
      { ...own, what: "the same, peak memory", unit: "MB", samples: peaks, limit: atMost(peakMegabytes) },
      ...super.figures(),
    ];
  }
}
