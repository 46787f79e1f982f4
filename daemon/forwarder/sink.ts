import type { Config } from "../config/schema.ts";
import type { KafkaSettings } from "../config/sections/kafka.ts";
import { readSaslSecrets, readTlsSecrets } from "../config/secrets.ts";
import type { Sink } from "../contract.ts";
import { FileSink } from "../sinks/file/sink.ts";
import type { KafkaOptions } from "../sinks/kafka/connection/options.ts";
import { KafkaSink } from "../sinks/kafka/sink.ts";
import type { KafkaTelemetry } from "../sinks/kafka/connection/telemetry.ts";
import type { Log } from "../telemetry/log.ts";

/**
 * The sink that the configuration names, with its secrets read.
 * @throws DfnError CONFIG for certificates, keys or a password that cannot be read or used
 */
export function createSink(
  config: Config,
  env: Readonly<Record<string, string | undefined>>,
  log: Log,
  telemetry: KafkaTelemetry,
): Sink {
  if (config.sink.kind === "file") return new FileSink(config.sink.path, log);
  return new KafkaSink({ options: kafkaOptions(config.sink.kafka, env), log, telemetry });
}

/** The settings of the Kafka sink with their secrets. Throws DfnError CONFIG for a secret that cannot be read. */
export function kafkaOptions(kafka: KafkaSettings, env: Readonly<Record<string, string | undefined>>): KafkaOptions {
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
