import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { StatusSnapshot } from "./facts.ts";
import { samplesOf, type Sample } from "./samples.ts";

/** Seconds; a nearby broker answers within milliseconds, one behind a slow line takes seconds. */
const acknowledgeBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/**
 * The metrics for Prometheus. Everything in a snapshot is taken from it, so the figures of one answer are consistent;
 * what happens between two scrapes and leaves no trace in a snapshot is counted here as it happens.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #acknowledge = new Histogram({
    name: "wazuh_dfn_kafka_acknowledge_seconds",
    help: "Time from handing a batch to the Kafka sink to its acknowledgement",
    buckets: acknowledgeBuckets,
    registers: [this.#registry],
  });
  readonly #retries = new Counter({
    name: "wazuh_dfn_kafka_retries_total",
    help: "Batches that were sent again",
    registers: [this.#registry],
  });
  readonly #disconnects = new Counter({
    name: "wazuh_dfn_kafka_disconnects_total",
    help: "Connections to Kafka that ended or could not be made",
    registers: [this.#registry],
  });

  get contentType(): string {
    return this.#registry.contentType;
  }

  acknowledged(latencyMs: number): void {
    this.#acknowledge.observe(latencyMs / 1000);
  }

  retried(): void {
    this.#retries.inc();
  }

  disconnected(): void {
    this.#disconnects.inc();
  }

  /** The text that Prometheus reads. */
  async text(snapshot: StatusSnapshot): Promise<string> {
    // Created for each scrape, so that what is no longer known is no longer reported.
    const registry = new Registry();
    const known = new Map<string, Counter | Gauge>();
    for (const sample of samplesOf(snapshot)) {
      const metric = known.get(sample.name) ?? metricFor(sample, registry);
      known.set(sample.name, metric);
      metric.inc(sample.labels, sample.value);
    }
    return `${await registry.metrics()}\n${await this.#registry.metrics()}`;
  }
}

function metricFor({ name, help, labels }: Sample, registry: Registry): Counter | Gauge {
  const settings = { name, help, labelNames: Object.keys(labels), registers: [registry] };
  return name.endsWith("_total") ? new Counter(settings) : new Gauge(settings);
}
