import { setTimeout as delay } from "node:timers/promises";
import { present } from "../rig/present.ts";
import { Program } from "../rig/program.ts";
import { BenchAlerts, writeLines } from "./alerts.ts";
import { memoryOf } from "./process-figures.ts";
import type { Stage } from "./stage.ts";

const pollMs = 50;
/** For an alert, from the file to the topic, on the slowest machine. */
const slowestMs = 2;

/** What an audit took. */
export interface AuditRun {
  readonly seconds: number;
  readonly peakBytes: number;
}

/** A log of Windows alerts, all relevant, that a forwarder has shipped whole, and audits of it. */
export class AuditedLog {
  readonly #stage: Stage;
  #config = "";

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  get alerts(): number {
    return this.#stage.auditedAlerts;
  }

  /** Writes the log and ships it. @throws Error if that takes far too long */
  async prepare(): Promise<void> {
    const path = this.#stage.path("audited.json");
    const maker = new BenchAlerts({ relevantEvery: 1 });
    writeLines(path, () => maker.next(), { lines: this.alerts });
    const kafka = await this.#stage.kafka();
    const topic = await this.#stage.newTopic();
    this.#config = this.#stage.configure({
      dfn: { customer_id: topic },
      sources: { socket: "off", tail: { path, start: "beginning" } },
      sink: { kafka: { brokers: kafka.addresses } },
    });
    await using forwarder = this.#stage.forwarder(this.#config);
    await kafka.recordsReach(topic, this.alerts, { withinMs: 60_000 + this.alerts * slowestMs });
    const { ended } = await forwarder.stop();
    if (ended !== 0) throw new Error(`the forwarder ended with ${ended}: ${forwarder.errorLines.slice(-5).join("\n")}`);
  }

  /** An audit, just started. */
  start(): Program {
    const bundle = this.#stage.directory.join("dist/wazuh-dfn.cjs");
    return new Program(process.execPath, [bundle, "audit", "--json", "--config", this.#config]);
  }

  /** Runs an audit to its end. @throws Error unless it finds every alert */
  async measure(): Promise<AuditRun> {
    const startedMs = performance.now();
    await using program = this.start();
    let peakBytes = 0;
    while (program.ended === undefined) {
      peakBytes = Math.max(peakBytes, memoryOf(program).peakBytes ?? 0);
      await delay(pollMs);
    }
    const seconds = (performance.now() - startedMs) / 1000;
    const code = await program.end();
    const { total } = JSON.parse(program.outputLines.join("\n") || "{}");
    if (code !== 0 || present(total).inKafka !== this.alerts) {
      throw new Error(`the audit ended with ${code}: ${JSON.stringify(total)} ${program.errorLines.join("\n")}`);
    }
    return { seconds, peakBytes };
  }

  /** Audits again and again while a program runs. */
  async repeatDuring(program: Program): Promise<void> {
    while (program.ended === undefined) {
      await using audit = this.start();
      while (audit.ended === undefined && program.ended === undefined) await delay(pollMs);
    }
  }
}
