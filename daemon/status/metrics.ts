import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { statuses, type Status } from "../../integration/protocol.ts";
import { DeliveryTimes, timedSources } from "../telemetry/delivery-times.ts";
import { LoopDelay } from "../telemetry/loop-delay.ts";
import { PowerHistogram } from "../telemetry/power-histogram.ts";
import type { StatusSnapshot } from "./facts.ts";
import { histogramText } from "./histogram-text.ts";
import { samplesOf, type Sample } from "./samples.ts";

/** Seconds; a nearby broker answers within milliseconds, one behind a slow line takes seconds. */
const acknowledgeBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Requests take 1 ms to 65 s. */
const requestPowers = [0, 16] as const;
/** The kinds of requests that are sent; there are no others. */
const maxApis = 16;
/** Kafka has some 130 error codes, and of one that nobody knows the number is the name: a broker may send any. */
const maxErrors = 64;

/** Of a batch that was acknowledged. */
interface BatchSize {
  readonly records: number;
  /** On the wire. */
  readonly bytes: number;
  readonly uncompressedBytes: number;
}

/**
 * The metrics for Prometheus. Everything in a snapshot is taken from it, so the figures of one answer are consistent;
 * what happens between two scrapes and leaves no trace in a snapshot is counted here as it happens.
 */
export class Metrics {
  readonly deliveryTimes = new DeliveryTimes();
  readonly #requests = new Map<string, PowerHistogram>();
  readonly #errors = new Map<string, number>();
  readonly #answers: Record<Status, number> = { accepted: 0, delivered: 0, ignored: 0, duplicate: 0, rejected: 0 };
  readonly #loopDelay = new LoopDelay();
  #batches = 0;
  #records = 0;
  #wireBytes = 0;
  #uncompressedBytes = 0;
  #socketClients = 0;
  #rotations = 0;
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

  acknowledged(latencyMs: number, { records, bytes, uncompressedBytes }: BatchSize): void {
    this.#acknowledge.observe(latencyMs / 1000);
    this.#batches += 1;
    this.#records += records;
    this.#wireBytes += bytes;
    this.#uncompressedBytes += uncompressedBytes;
  }

  /** A broker has answered a request. @param api its kind, as Kafka names it */
  answered(api: string, tookMs: number): void {
    let histogram = this.#requests.get(api);
    if (histogram === undefined) {
      if (this.#requests.size >= maxApis) return;
      this.#requests.set(api, (histogram = new PowerHistogram(...requestPowers)));
    }
    histogram.add(Math.round(tookMs));
  }

  /** Something failed at Kafka. @param error the name of the code, or of the kind of fault */
  failed(error: string): void {
    const name = this.#errors.has(error) || this.#errors.size < maxErrors ? error : "other";
    this.#errors.set(name, (this.#errors.get(name) ?? 0) + 1);
  }

  /** A line of a client of the socket got this answer. */
  socketAnswered(status: Status): void {
    this.#answers[status] += 1;
  }

  socketClients(more: 1 | -1): void {
    this.#socketClients += more;
  }

  /** A file of the log was read to its end. */
  rotated(): void {
    this.#rotations += 1;
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
    for (const sample of [...samplesOf(snapshot), ...this.#samples(snapshot)]) {
      const metric = known.get(sample.name) ?? metricFor(sample, registry);
      known.set(sample.name, metric);
      metric.inc(sample.labels, sample.value);
    }
    return [await registry.metrics(), await this.#registry.metrics(), ...this.#histograms(snapshot)].join("\n");
  }

  #samples({ sink, log, socket }: StatusSnapshot): Sample[] {
    const none = {};
    const samples: Sample[] = [
      {
        name: "wazuh_dfn_event_loop_delay_seconds",
        help: "By how much the event loop was late, the longest of the last minute",
        labels: none,
        value: this.#loopDelay.longestSeconds,
      },
    ];
    const add = (name: string, help: string, value: number, labels: Sample["labels"] = none): void =>
      void samples.push({ name, help, labels, value });
    if (sink.kind === "kafka") {
      add("wazuh_dfn_kafka_batches_total", "Batches that were acknowledged", this.#batches);
      add("wazuh_dfn_kafka_records_total", "Records that were acknowledged", this.#records);
      add("wazuh_dfn_kafka_batch_bytes_total", "Bytes of acknowledged batches as they were sent", this.#wireBytes);
      const uncompressed = "Bytes of acknowledged batches before compression";
      add("wazuh_dfn_kafka_batch_uncompressed_bytes_total", uncompressed, this.#uncompressedBytes);
      const errors = "Faults after which something was tried again, by Kafka's name of the error or the kind of fault";
      for (const [error, count] of this.#errors) add("wazuh_dfn_kafka_errors_total", errors, count, { error });
    }
    if (log !== undefined) {
      add("wazuh_dfn_tail_rotations_total", "Files of the log that were read to their end", this.#rotations);
    }
    if (socket !== undefined) {
      add("wazuh_dfn_socket_clients", "Clients that are connected to the socket", this.#socketClients);
      const answers = "Lines of the socket that were answered";
      for (const status of statuses) add("wazuh_dfn_socket_answers_total", answers, this.#answers[status], { status });
    }
    return samples;
  }

  #histograms({ sink }: StatusSnapshot): string[] {
    const delivery = "Time from an alert's own timestamp to the acknowledgement of all its records";
    const found = [
      histogramText(
        "wazuh_dfn_delivery_seconds",
        delivery,
        timedSources.map((source) => ({ labels: `source="${source}"`, histogram: this.deliveryTimes.of(source) })),
      ),
    ];
    if (sink.kind === "kafka") {
      const rows = [...this.#requests].map(([api, histogram]) => ({ labels: `api="${api}"`, histogram }));
      const requests = "Time from sending a request to a broker to its answer, by kind of request";
      found.push(histogramText("wazuh_dfn_kafka_request_seconds", requests, rows));
    }
    return found;
  }
}

function metricFor({ name, help, labels }: Sample, registry: Registry): Counter | Gauge {
  const settings = { name, help, labelNames: Object.keys(labels), registers: [registry] };
  return name.endsWith("_total") ? new Counter(settings) : new Gauge(settings);
}
