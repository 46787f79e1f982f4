import { z } from "zod";
import type { KafkaSettings } from "../config/sections/kafka.ts";
import type { SinkSettingsOf } from "../config/sections/sink.ts";
import { inspectSecrets, readSaslSecrets, readTlsSecrets } from "../config/secrets.ts";
import type { Problem } from "../config/values/problem.ts";
import { DfnError } from "../errors.ts";
import type { KafkaOptions } from "../sinks/kafka/connection/options.ts";
import { plaintextWarning } from "../sinks/kafka/connection/plaintext.ts";
import type { KafkaStatus } from "../sinks/kafka/connection/telemetry.ts";
import { assertAvailable } from "../sinks/kafka/protocol/compression.ts";
import { KafkaSink } from "../sinks/kafka/sink.ts";
import { inspectTls } from "../sinks/kafka/tls/inspection.ts";
import { lasting } from "../telemetry/lasting.ts";
import type { LatencySummary } from "../telemetry/latency.ts";
import { answerParts, type Environment, type SinkDefinition, type SinkSample } from "./definition.ts";

type KafkaSinkState = {
  readonly kind: "kafka";
  /** Over the last few hundred answers; absent before the first. */
  readonly latency: LatencySummary | undefined;
} & KafkaStatus;

/** Longer than a partition is without a leader while one is chosen. */
const shortMs = 1000;

const { text, word, number, list } = answerParts;
const trouble = z.looseObject({ code: word.optional(), subject: text, text, remedy: text, since: number });

export const kafkaDefinition: SinkDefinition<SinkSettingsOf<"kafka">, KafkaSink, KafkaSinkState> = {
  kind: "kafka",
  check: ({ kafka }, env) => inspectKafka(kafka, env),
  create: ({ kafka }, { env, log, telemetry }) => new KafkaSink({ options: kafkaOptions(kafka, env), log, telemetry }),
  searchedBack: 10_000,
  batchLimits: ({ kafka: { batchBytes, batchRecords, lingerMs } }) => ({
    maxBytes: batchBytes,
    maxRecords: batchRecords,
    lingerMs,
  }),
  find: (sink, search) => sink.find(search),
  extents: (sink, topics, signal) => sink.extents(topics, signal),
  read: (sink, reading) => sink.read(reading),
  topicSettings: (sink, topic) => sink.topicSettings(topic),
  writtenFiles: () => [],
  tls: ({ kafka: { tls } }) => (tls === undefined ? undefined : readTlsSecrets(tls)),
  state: (sink, latency) => ({ kind: "kafka", ...sink.status(), latency }),
  answer: z.looseObject({
    kind: z.literal("kafka"),
    isConnected: z.boolean(),
    connected: list(word),
    waitingBatches: number,
    partitions: list(
      z.looseObject({ topic: text, partition: number, leader: word.optional(), waitingBatches: number }),
    ).optional(),
    throttledMs: number.optional(),
    lastAcknowledgedAt: number.optional(),
    lookups: list(
      z.looseObject({ topic: text, partition: number, broker: text, waitsFor: text, seconds: number }),
    ).optional(),
    troubles: list(trouble),
    lastError: z.looseObject({ text, since: number }).optional(),
    latency: z.looseObject({ answers: number, p50Ms: number, p99Ms: number, maxMs: number }).optional(),
  }),
  isHeldUp: ({ troubles }) => troubles.length > 0,
  troubles: ({ losses = [], troubles }) => [
    // What Kafka has lost is lost for good: this stays until the forwarder is restarted.
    ...losses.map(({ since: _since, ...loss }) => ({ ...loss, patienceMs: 0 })),
    ...troubles.map(({ since: _since, ...one }) => ({ ...one, patienceMs: shortMs })),
  ],
  samples: samplesOfKafka,
  summary: summaryOfKafka,
};

/** The settings of the Kafka sink with their secrets. Throws DfnError CONFIG for a secret that cannot be read. */
export function kafkaOptions(kafka: KafkaSettings, env: Environment): KafkaOptions {
  const { tls, sasl } = kafka;
  return {
    brokers: kafka.brokers,
    clientId: kafka.clientId,
    tls: tls === undefined ? undefined : readTlsSecrets(tls),
    sasl: sasl === undefined ? undefined : readSaslSecrets(sasl, env),
    compression: kafka.compression,
    requestTimeoutMs: kafka.requestTimeoutMs,
    maxInFlight: kafka.maxInFlight,
  };
}

const passphraseSetting = "sink.kafka.tls.passphrase_file";

function inspectKafka(kafka: KafkaSettings, env: Environment): Problem[] {
  const problems = inspectSecrets(kafka, env);
  try {
    assertAvailable(kafka.compression);
  } catch (error) {
    if (!(error instanceof DfnError)) throw error;
    problems.push({ severity: "error", setting: "sink.kafka.compression", message: error.message });
  }
  if (kafka.tls === undefined) {
    const message = plaintextWarning(kafka.brokers);
    return message === undefined
      ? problems
      : [...problems, { severity: "warning", setting: "sink.kafka.tls", message }];
  }
  // A pass phrase that cannot be read is named once.
  const isNamed = ({ setting }: Problem): boolean =>
    setting === passphraseSetting &&
    problems.some((problem) => problem.severity === "error" && problem.setting === setting);
  return [...problems, ...inspectTls(readTlsSecrets(kafka.tls)).filter((finding) => !isNamed(finding))];
}

function sample(name: string, help: string, value: number | undefined): SinkSample {
  return { name, help, value };
}

function samplesOfKafka(state: KafkaSinkState): SinkSample[] {
  const { isConnected, waitingBatches, throttledMs, lastAcknowledgedAt, lookups = [] } = state;
  const longest = Math.max(0, ...lookups.map(({ seconds }) => seconds));
  const atSeconds = lastAcknowledgedAt === undefined ? undefined : lastAcknowledgedAt / 1000;
  return [
    sample("wazuh_dfn_kafka_connected", "1 while at least one broker is connected", isConnected ? 1 : 0),
    sample("wazuh_dfn_kafka_waiting_batches", "Batches without an acknowledgement yet", waitingBatches),
    sample("wazuh_dfn_kafka_throttled_seconds_total", "How long quotas have held this client back", throttledMs / 1000),
    sample("wazuh_dfn_kafka_lookup_waiting_seconds", "How long a look-up has waited for a broker's answer", longest),
    sample("wazuh_dfn_kafka_last_acknowledge_timestamp_seconds", "When a batch was last acknowledged", atSeconds),
  ];
}

function summaryOfKafka(state: KafkaSinkState, nowMs: number): [string, string][] {
  const { isConnected, connected, waitingBatches, lastAcknowledgedAt, lastError, latency, lookups = [] } = state;
  const lines: [string, string][] = [
    ["Kafka", isConnected ? `connected to ${connected.join(", ")}` : "not connected"],
    ["batches", `${waitingBatches} waiting`],
  ];
  for (const { topic, partition, broker, waitsFor, seconds } of lookups)
    lines.push([
      "looking up",
      `${topic}/${partition}, has waited ${lasting(seconds)} for ${waitsFor}, broker ${broker}`,
    ]);
  if (lastAcknowledgedAt !== undefined) {
    const took =
      latency === undefined ? "" : `; half of them within ${latency.p50Ms} ms, 99 % within ${latency.p99Ms} ms`;
    lines.push(["acknowledged", `last ${lasting((nowMs - lastAcknowledgedAt) / 1000)} ago${took}`]);
  }
  if (lastError !== undefined) {
    lines.push(["last error", `${lasting((nowMs - lastError.since) / 1000)} ago: ${lastError.text}`]);
  }
  return lines;
}
