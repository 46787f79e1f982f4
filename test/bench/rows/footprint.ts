import { appendFileSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { fingerprintOf } from "../../../daemon/pairing/fingerprint.ts";
import { PairingWindow } from "../../../daemon/pairing/pairing-window.ts";
import { saveWindow } from "../../../daemon/pairing/window-file.ts";
import { present } from "../../rig/present.ts";
import type { Program } from "../../rig/program.ts";
import { BenchAlerts } from "../alerts.ts";
import { atMost, type Figure } from "../figure.ts";
import { memoryOf, ProcessorClock } from "../process-figures.ts";
import type { Build, Stage } from "../stage.ts";
import type { Row } from "./row.ts";

/** Until the garbage of the start and of the last alerts is collected. */
const settleMs = 30_000;
const measureMs = 20_000;
const warmUpAlerts = 100;
const perSecond = 10;
/** More than the pairing window holds. */
const rememberedAlerts = 300_000;

interface Samples {
  readonly idleBytes: number[];
  readonly idlePercent: number[];
  readonly busyPercent: number[];
}

/** A forwarder at work, and the log that it follows. */
interface Working {
  readonly build: Build;
  readonly forwarder: Program;
  readonly path: string;
  readonly topic: string;
  readonly alerts: BenchAlerts;
  /** Alerts that were written. */
  written: number;
}

/** Row h: what the forwarder uses while nothing happens, and at a few alerts a second. */
export class FootprintRow implements Row {
  readonly #stage: Stage;
  readonly #samples: Readonly<Record<Build, Samples>> = { dist: noSamples(), other: noSamples() };

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async prepare(): Promise<void> {
    await this.#stage.kafka();
  }

  /**
   * Both sources on, connected to Kafka, after some alerts; the pairing window full, as it is after weeks. Two builds
   * are measured at the same time: what else the machine does then affects both alike, and each takes little.
   */
  async round(): Promise<void> {
    const all: Working[] = [];
    try {
      for (const build of this.#stage.builds) all.push(await this.#start(build));
      await this.#measure(all);
      for (const { forwarder } of all) await forwarder.stop();
    } finally {
      for (const { forwarder } of all) await forwarder[Symbol.asyncDispose]();
    }
  }

  figures(): readonly Figure[] {
    const row = "h";
    const { dist, other } = this.#samples;
    const hasOther = this.#stage.hasOtherBuild;
    const beside = (samples: readonly number[]): Figure["beside"] =>
      hasOther ? { what: "the other build", samples } : undefined;
    const idle = hasOther ? atMost(0.8) : atMost(0.5);
    const busy = hasOther ? atMost(0.6) : undefined;
    return [
      {
        row,
        what: "memory, idle, the pairing window full",
        unit: "MB",
        samples: dist.idleBytes.map((bytes) => bytes / 1e6),
        beside: undefined,
        limit: atMost(85),
      },
      {
        row,
        what: "processor, idle",
        unit: "%",
        samples: dist.idlePercent,
        beside: beside(other.idlePercent),
        limit: idle,
      },
      {
        row,
        what: `processor, ${perSecond} alerts/s`,
        unit: "%",
        samples: dist.busyPercent,
        beside: beside(other.busyPercent),
        limit: busy,
      },
    ];
  }

  async dispose(): Promise<void> {
    // Each round ends what it starts.
  }

  /** The times of a trial are shorter; those of a larger run are not longer. */
  get #share(): number {
    return Math.min(this.#stage.scale, 1);
  }

  async #start(build: Build): Promise<Working> {
    const stage = this.#stage;
    const topic = await stage.newTopic();
    const path = stage.path("alerts.json");
    writeFileSync(path, "");
    const stateDir = stage.newDirectory("state");
    await saveFullWindow(stateDir);
    const config = stage.configure({
      state_dir: stateDir,
      dfn: { customer_id: topic },
      sources: { socket: { path: stage.path("alerts.sock") }, tail: { path } },
      sink: { kafka: { brokers: (await stage.kafka()).addresses } },
    });
    const forwarder = stage.forwarder(config, build);
    const working = { build, forwarder, path, topic, alerts: new BenchAlerts({ relevantEvery: 1 }), written: 0 };
    try {
      await forwarder.waitForLog(/"msg":"started"/);
      return working;
    } catch (reason) {
      await forwarder[Symbol.asyncDispose]();
      throw reason;
    }
  }

  async #measure(all: readonly Working[]): Promise<void> {
    for (const working of all) for (let left = warmUpAlerts; left > 0; left--) write(working);
    await this.#arrived(all);
    await delay(settleMs * this.#share);
    const idle = all.map(({ forwarder }) => new ProcessorClock(forwarder));
    await delay(measureMs * this.#share);
    for (const [index, { build, forwarder }] of all.entries()) {
      this.#samples[build].idlePercent.push(present(idle[index]).percent());
      this.#samples[build].idleBytes.push(present(memoryOf(forwarder).nowBytes));
    }
    await this.#writeSteadily(all, 2 * perSecond);
    const busy = all.map(({ forwarder }) => new ProcessorClock(forwarder));
    await this.#writeSteadily(all, (measureMs / 1000) * this.#share * perSecond);
    for (const [index, { build }] of all.entries()) {
      this.#samples[build].busyPercent.push(present(busy[index]).percent());
    }
    await this.#arrived(all);
  }

  /** A number of alerts to each of them, in turns, so that not all of them work at the same moment. */
  async #writeSteadily(all: readonly Working[], count: number): Promise<void> {
    const startedMs = performance.now();
    for (let turn = 0; turn < Math.ceil(count) * all.length; turn++) {
      write(present(all[turn % all.length]));
      const dueMs = startedMs + ((turn + 1) * 1000) / (perSecond * all.length);
      await delay(Math.max(dueMs - performance.now(), 0));
    }
  }

  async #arrived(all: readonly Working[]): Promise<void> {
    const kafka = await this.#stage.kafka();
    for (const { topic, written } of all) await kafka.recordsReach(topic, written);
  }
}

function noSamples(): Samples {
  return { idleBytes: [], idlePercent: [], busyPercent: [] };
}

function write(working: Working): void {
  appendFileSync(working.path, working.alerts.next());
  working.written += 1;
}

async function saveFullWindow(stateDir: string): Promise<void> {
  const pairing = new PairingWindow();
  for (let id = 0; id < rememberedAlerts; id++) pairing.tail(fingerprintOf(["bench", String(id)], 0), 1);
  await saveWindow(stateDir, { forgottenSecond: -1, words: pairing.save() });
}
