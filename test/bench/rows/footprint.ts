import { appendFileSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { fingerprintOf } from "../../../daemon/pairing/fingerprint.ts";
import { PairingWindow } from "../../../daemon/pairing/pairing-window.ts";
import { saveWindow } from "../../../daemon/pairing/window-file.ts";
import { BenchAlerts } from "../alerts.ts";
import type { Figure } from "../figure.ts";
import { memoryOf, processorSeconds, type Stage } from "../stage.ts";
import { present } from "../../rig/present.ts";
import type { CarryRow } from "./carry.ts";
import type { Row } from "./row.ts";

/** Until the garbage of the start and of the last alerts is collected. */
const settleMs = 30_000;
const idleMs = 20_000;
const warmUpAlerts = 100;
/** More than the pairing window holds. */
const rememberedAlerts = 300_000;

/** Row h: what the forwarder uses while nothing happens, and at its peak while it works through row d's backlog. */
export class FootprintRow implements Row {
  readonly #stage: Stage;
  readonly #carry: CarryRow;
  readonly #idleBytes: number[] = [];
  readonly #idlePercent: number[] = [];

  /** @param carry a row d of its own */
  constructor(stage: Stage, carry: CarryRow) {
    this.#stage = stage;
    this.#carry = carry;
  }

  prepare(): Promise<void> {
    return this.#carry.prepare();
  }

  /** Idle: both sources on, connected to Kafka, after some alerts; the pairing window full, as it is after weeks. */
  async round(): Promise<void> {
    await this.#carry.forwarder();
    const stage = this.#stage;
    const topic = await stage.newTopic();
    const kafka = await stage.kafka();
    const path = stage.path("alerts.json");
    writeFileSync(path, "");
    const stateDir = stage.newDirectory("state");
    await saveFullWindow(stateDir);
    const config = stage.configure({
      state_dir: stateDir,
      dfn: { customer_id: topic },
      sources: { socket: { path: stage.path("alerts.sock") }, tail: { path } },
      sink: { kafka: { brokers: kafka.addresses } },
    });
    await using forwarder = stage.forwarder(config);
    await forwarder.waitForLog(/"msg":"started"/);
    const alerts = new BenchAlerts({ relevantEvery: 1 });
    for (let index = 0; index < warmUpAlerts; index++) appendFileSync(path, alerts.next());
    await kafka.recordsReach(topic, warmUpAlerts);
    await delay(settleMs);
    const before = processorSeconds(forwarder);
    const startedMs = performance.now();
    await delay(idleMs);
    const seconds = (performance.now() - startedMs) / 1000;
    this.#idlePercent.push(((processorSeconds(forwarder) - before) / seconds) * 100);
    this.#idleBytes.push(present(memoryOf(forwarder).nowBytes));
    await forwarder.stop();
  }

  figures(): readonly Figure[] {
    const row = "h";
    const beside = undefined;
    return [
      { row, what: "memory, idle", unit: "MB", samples: megabytes(this.#idleBytes), beside, limit: atMost(90) },
      { row, what: "memory, peak in d", unit: "MB", samples: megabytes(this.#carry.peaks), beside, limit: atMost(220) },
      { row, what: "processor, idle", unit: "%", samples: this.#idlePercent, beside, limit: atMost(0.5) },
    ];
  }

  async dispose(): Promise<void> {
    // Each round ends what it starts.
  }
}

async function saveFullWindow(stateDir: string): Promise<void> {
  const pairing = new PairingWindow();
  for (let id = 0; id < rememberedAlerts; id++) pairing.tail(fingerprintOf(["bench", String(id)], 0), 1);
  await saveWindow(stateDir, { forgottenSecond: -1, words: pairing.save() });
}

function megabytes(samples: readonly number[]): number[] {
  return samples.map((bytes) => bytes / 1e6);
}

function atMost(value: number): Figure["limit"] {
  return { kind: "at most", value };
}
