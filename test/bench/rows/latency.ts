import { closeSync, openSync, writeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { BenchAlerts } from "../alerts.ts";
import { quantile, type Figure } from "../figure.ts";
import type { Stage } from "../stage.ts";
import { readTopic } from "../../rig/read-topic.ts";
import { present } from "../../rig/present.ts";
import type { Row } from "./row.ts";

const perSecond = 500;
const secondsPerRound = 15;
/** Alerts of the first second are left out: connections, topic and code are cold. */
const warmUpAlerts = perSecond;
const pollingMs = 100;

/**
 * Row g: from an alert's line in the log to its record in Kafka. The broker notes when it appended a batch
 * (`LogAppendTime`), on the same machine's clock as the writer.
 */
export class LatencyRow implements Row {
  readonly #stage: Stage;
  readonly #p50: number[] = [];
  readonly #p99: number[] = [];

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async prepare(): Promise<void> {
    await this.#stage.kafka();
  }

  async round(): Promise<void> {
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
    await using forwarder = stage.forwarder(config);
    await forwarder.waitForLog(/"msg":"started"/);
    const writtenAt = await writeSteadily(log, Math.round(perSecond * secondsPerRound * stage.scale) + warmUpAlerts);
    closeSync(log);
    await (await stage.kafka()).recordsReach(topic, writtenAt.size);
    await forwarder.stop();
    const latencies: number[] = [];
    for (const { headers, timestamp } of await readTopic(addresses, topic)) {
      const id = present(headers.find(([name]) => name === "wazuh-alert-id")?.[1]).toString();
      latencies.push(timestamp - present(writtenAt.get(id)));
    }
    if (latencies.length !== writtenAt.size) throw new Error(`${latencies.length} records of ${writtenAt.size} alerts`);
    const warm = latencies.slice(warmUpAlerts);
    this.#p50.push(quantile(warm, 0.5));
    this.#p99.push(quantile(warm, 0.99));
  }

  figures(): readonly Figure[] {
    const beside = { what: "polling interval", samples: [pollingMs] };
    const what = `append to acknowledged at ${perSecond} alerts/s`;
    const limit = { kind: "at most", value: 2.5 } as const;
    return [
      { row: "g", what: `${what}, p50`, unit: "ms", samples: this.#p50, beside, limit: undefined },
      { row: "g", what: `${what}, p99`, unit: "ms", samples: this.#p99, beside, limit },
    ];
  }

  async dispose(): Promise<void> {
    // Each round ends what it starts.
  }
}

/**
 * Writes relevant alerts, each as soon as it is due; returns the time of each by its id, in milliseconds since 1970.
 */
async function writeSteadily(log: number, count: number): Promise<Map<string, number>> {
  const alerts = new BenchAlerts({ relevantEvery: 1 });
  const writtenAt = new Map<string, number>();
  const startedMs = performance.now();
  while (writtenAt.size < count) {
    while (writtenAt.size < count && performance.now() - startedMs >= (writtenAt.size * 1000) / perSecond) {
      const line = alerts.next();
      const id = present(/"id":"(\d+\.\d+)"/.exec(line)?.[1]);
      writeSync(log, line);
      writtenAt.set(id, Date.now());
    }
    await delay(1);
  }
  return writtenAt;
}
