import { mock } from "node:test";
import type { SinkRecord, WriteOutcome } from "../../../../daemon/contract.ts";
import { encodeRecords } from "../../../../daemon/records/record-buffer.ts";
import { SealedBatch, PendingWrite } from "../../../../daemon/sinks/kafka/producer/sealed-batch.ts";
import type { KafkaOptions } from "../../../../daemon/sinks/kafka/connection/options.ts";
import { KafkaSink } from "../../../../daemon/sinks/kafka/sink.ts";
import { type KafkaTelemetry, noTelemetry } from "../../../../daemon/sinks/kafka/connection/telemetry.ts";
import { silentLog, type Log } from "../../../../daemon/telemetry/log.ts";
import { writeRecords } from "../../../rig/batches.ts";

/** Log lines, each with its level in front. */
export class Lines {
  readonly all: string[] = [];
  readonly log: Log = {
    ...silentLog,
    debug: this.#noted("debug"),
    info: this.#noted("info"),
    warn: this.#noted("warn"),
    error: this.#noted("error"),
  };

  #noted(level: string): (fields: object | string, text?: string) => void {
    return (fields, text = typeof fields === "string" ? fields : "") => void this.all.push(`${level} ${text}`);
  }

  matching(pattern: RegExp): string[] {
    return this.all.filter((line) => pattern.test(line));
  }
}

export function kafkaOptions(brokers: readonly string[]): KafkaOptions {
  return {
    brokers,
    clientId: "test",
    tls: undefined,
    sasl: undefined,
    compression: "gzip",
    requestTimeoutMs: 5000,
    maxInFlight: 3,
  };
}

/** A sink, with the options that a test does not set filled in. */
export function openSink(
  brokers: readonly string[],
  options: Partial<KafkaOptions> = {},
  log: Log = silentLog,
  telemetry: KafkaTelemetry = noTelemetry,
): KafkaSink {
  const sink = new KafkaSink({ options: { ...kafkaOptions(brokers), ...options }, log, telemetry });
  sink.open();
  return sink;
}

/** A record as the forwarder makes it, with `id` as its value too. */
export function record(id: string, value = id): SinkRecord {
  return {
    key: Buffer.from("001"),
    value: Buffer.from(value),
    headers: [
      ["wazuh-alert-id", Buffer.from(id)],
      ["wazuh-node", Buffer.from("node")],
      ["wazuh-dfn-source", Buffer.from("file")],
      ["wazuh-dfn-handler", Buffer.from("windows")],
    ],
  };
}

/** Writes records with these ids to the scripted broker's only partition. */
export function write(sink: KafkaSink, ...ids: readonly string[]): Promise<readonly WriteOutcome[]> {
  return writeRecords(
    sink,
    "t",
    0,
    ids.map((id) => record(id)),
  );
}

/** Offsets of acknowledged records, reasons of refused ones. */
export function summary(outcomes: readonly WriteOutcome[]): (number | string)[] {
  return outcomes.map((outcome) => (outcome.kind === "acknowledged" ? outcome.offset : outcome.reason));
}

/** One record in a batch that is sealed and numbered. */
export async function sealedBatch(id: string, producer = { producerId: 1n, epoch: 0 }): Promise<Buffer> {
  const entry = new SealedBatch(new PendingWrite(1), encodeRecords([record(id)]), "none");
  await entry.sealed;
  entry.stamp({ ...producer, sequence: 0 });
  if (entry.batch === undefined) throw new Error("a sealed entry has a batch");
  return entry.batch;
}

/** Does something while the monotonic clock is two hours ahead of what it was. */
export async function hoursLater<T>(step: () => Promise<T>): Promise<T> {
  const now = performance.now.bind(performance);
  const clock = mock.method(performance, "now", () => now() + 7_200_000);
  try {
    return await step();
  } finally {
    clock.mock.restore();
  }
}
