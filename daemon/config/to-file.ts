import type { Config, KafkaSettings, SaslSettings, StatusAddress, TlsSettings } from "./sections/settings.ts";
import { handlerDefinitions } from "../handlers/registry.ts";
import { formatQueueAddress } from "../wazuh/queue-address.ts";
import { type PrintedSettings, type Setting, withoutUnset } from "./values/printed.ts";
import { formatDuration, formatSize } from "./values/units.ts";

/** Stands for a secret wherever settings are shown. */
export const mask = "********";

/** The effective settings as a file could hold them; what is not set and has no default is left out. */
export function printedSettings(config: Config): PrintedSettings {
  const { dfn, wazuh, sources, sink } = config;
  return {
    dfn: withoutUnset({ customer_id: dfn.customerId, own_network: dfn.ownNetworks }),
    wazuh: { home: wazuh.home, queue: formatQueueAddress(wazuh.queue), feedback: wazuh.feedback },
    sources: {
      socket: orOff(sources.socket, (socket) => ({
        path: socket.path,
        mode: socket.mode.toString(8).padStart(4, "0"),
        group: socket.group,
        allow: [...socket.allow],
        max_line: formatSize(socket.maxLineBytes),
        max_connections: socket.maxConnections,
      })),
      tail: orOff(sources.tail, (tail) => ({
        path: tail.path,
        wait: formatDuration(tail.waitMs),
        start: tail.start instanceof Date ? tail.start.toISOString() : tail.start,
        poll: formatDuration(tail.pollMs),
        max_line: formatSize(tail.maxLineBytes),
      })),
    },
    sink: sink.kind === "kafka" ? { kafka: kafkaOf(sink.kafka) } : { file: { path: sink.path } },
    handlers: handlersOf(config),
    state_dir: config.stateDir,
    status: withoutUnset({ listen: addressOf(config.status.listen), hosts: config.status.hosts }),
    log: { level: config.log.level, statistics: formatDuration(config.log.statisticsMs) },
    limits: { memory: formatSize(config.limits.memoryBytes) },
  };
}

function handlersOf({ handlers }: Config): PrintedSettings {
  const byName: Readonly<Record<string, unknown>> = handlers;
  const printed = handlerDefinitions.map((it) => [it.name, orOff(byName[it.name], (own) => it.print(own))] as const);
  return Object.fromEntries(printed);
}

function kafkaOf(kafka: KafkaSettings): PrintedSettings {
  return {
    brokers: kafka.brokers,
    client_id: kafka.clientId,
    tls: orOff(kafka.tls, tlsOf),
    sasl: orOff(kafka.sasl, saslOf),
    compression: kafka.compression,
    linger: formatDuration(kafka.lingerMs),
    batch_bytes: formatSize(kafka.batchBytes),
    batch_records: kafka.batchRecords,
    max_in_flight: kafka.maxInFlight,
    request_timeout: formatDuration(kafka.requestTimeoutMs),
  };
}

function tlsOf(tls: TlsSettings): PrintedSettings {
  return withoutUnset({
    ca: tls.ca,
    ca_only: tls.caOnly ? "on" : "off",
    cert: tls.cert,
    key: tls.key,
    pkcs12: tls.pkcs12,
    passphrase_file: tls.passphraseFile,
    server_name: tls.serverName,
    min_version: tls.minVersion,
    ciphers: tls.ciphers,
  });
}

function saslOf({ mechanism, username, password }: SaslSettings): PrintedSettings {
  const secret = password.kind === "file" ? { password_file: password.path } : { password: mask };
  return { mechanism, username, ...secret };
}

function addressOf(listen: StatusAddress): string {
  if (listen.kind === "unix") return listen.path;
  return `${listen.host === "::1" ? "[::1]" : listen.host}:${listen.port}`;
}

function orOff<T>(value: T | undefined, show: (value: T) => Setting): Setting {
  return value === undefined ? "off" : show(value);
}
