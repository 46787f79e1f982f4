import { closeSync, openSync, writeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { readTopic } from "../../rig/read-topic.ts";
import { present } from "../../rig/present.ts";
import { BenchAlerts } from "../alerts.ts";
import { atMost, quantile, type Figure } from "../figure.ts";
import { ProcessorClock } from "../process-figures.ts";
import type { Build, Stage } from "../stage.ts";
import type { Row } from "./row.ts";

const perSecond = 500;
const secondsPerRound = 15;
/** Alerts of the first second are left out: connections, topic and code are cold. */
const warmUpAlerts = perSecond;

interface Samples {
  readonly p50: number[];
  readonly p99: number[];
  readonly percent: number[];
}

/**
 * Row g: from an alert's line in the log to its record in Kafka. The broker notes when it appended a batch
 * (`LogAppendTime`), on the same machine's clock as the writer.
 */
export class LatencyRow implements Row {
  readonly #stage: Stage;
  readonly #samples: Readonly<Record<Build, Samples>> = { dist: noSamples(), other: noSamples() };

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async prepare(): Promise<void> {
    await this.#stage.kafka();
  }

  async round(index: number): Promise<void> {
    const builds = index % 2 === 0 ? this.#stage.builds : this.#stage.builds.toReversed();
    for (const build of builds) await this.#measure(build);
  }

  figures(): readonly Figure[] {
    const { dist, other } = this.#samples;
    const hasOther = this.#stage.hasOtherBuild;
    const figure = (name: keyof Samples, rest: Pick<Figure, "what" | "unit" | "limit">): Figure => ({
      row: "g",
      samples: dist[name],
      beside: hasOther ? { what: "the other build", samples: other[name] } : undefined,
      ...rest,
    });
    const what = `append to acknowledged at ${perSecond} alerts/s`;
    return [
      figure("p50", { what: `${what}, p50`, unit: "ms", limit: undefined }),
      { ...figure("p99", { what: `${what}, p99`, unit: "ms", limit: atMost(40) }), beside: undefined },
      figure("percent", {
        what: `processor, ${perSecond} alerts/s`,
        unit: "%",
        limit: hasOther ? atMost(1) : undefined,
      }),
    ];
  }

  async dispose(): Promise<void> {
    // Each round ends what it starts.
  }

  async #measure(build: Build): Promise<void> {
    const stage = this.#stage;
    const topic = await stage.newTopic({ "message.timestamp.type": "LogAppendTime" });
    const { addresses } = await stage.kafka();
    const path = stage.path("alerts.json");
    const log = openSync(path, "a");
    const config = stage.configure({
      dfn: { customer_id: topic },
      sources: { socket: { path: stage.path("alerts.sock") }, tail: { path } },
      sink: { kafka: { brokers: addresses } },
    });
    await using forwarder = stage.forwarder(config, build);
    await forwarder.waitForLog(/"msg":"started"/);
    const writer = new SteadyWriter(log);
    await writer.write(warmUpAlerts);
    const clock = new ProcessorClock(forwarder);
    await writer.write(Math.ceil(perSecond * secondsPerRound * Math.min(stage.scale, 1)));
    const { percent, p50, p99 } = this.#samples[build];
    percent.push(clock.percent());
    closeSync(log);
    const { writtenAt } = writer;
    await (await stage.kafka()).recordsReach(topic, writtenAt.size);
    await forwarder.stop();
    const latencies: number[] = [];
    for (const { headers, timestamp } of await readTopic(addresses, topic)) {
      const id = present(headers.find(([name]) => name === "wazuh-alert-id")?.[1]).toString();
      latencies.push(timestamp - present(writtenAt.get(id)));
    }
    if (latencies.length !== writtenAt.size) throw new Error(`${latencies.length} records of ${writtenAt.size} alerts`);
    const warm = latencies.slice(warmUpAlerts);
    p50.push(quantile(warm, 0.5));
    p99.push(quantile(warm, 0.99));
  }
}

/** Writes relevant alerts, each as soon as it is due. */
class SteadyWriter {
  /** By the alert's id, in milliseconds since 1970. */
  readonly writtenAt = new Map<string, number>();
  readonly #log: number;
  readonly #alerts = new BenchAlerts({ relevantEvery: 1 });

  /** @param log an open file */
  constructor(log: number) {
    this.#log = log;
  }

  async write(count: number): Promise<void> {
    const startedMs = performance.now();
    for (let done = 0; done < count;) {
      for (; done < count && performance.now() - startedMs >= (done * 1000) / perSecond; done++) {
        const line = this.#alerts.next();
        const id = present(/"id":"(\d+\.\d+)"/.exec(line)?.[1]);
        writeSync(this.#log, line);
        this.writtenAt.set(id, Date.now());
      }
      await delay(1);
    }
  }
}

function noSamples(): Samples {
  return { p50: [], p99: [], percent: [] };
}
