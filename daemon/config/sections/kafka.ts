import { isIPv6 } from "node:net";
import { z } from "zod";
import { isPort, splitBrokerAddress } from "../../sinks/kafka/connection/broker-address.ts";
import { defaultCiphers } from "../../sinks/kafka/tls/protocol.ts";
import type { KafkaSettings, SaslSettings, TlsSettings } from "./settings.ts";
import { inQuotes, InvalidValue } from "../values/problem.ts";
import {
  choice,
  duration,
  free,
  listOf,
  path,
  readPath,
  rule,
  section,
  size,
  switchable,
  text,
  whole,
} from "../values/schemas.ts";

/** The one setting that the environment may hold and the file may not. */
export const passwordVariable = "WAZUH_DFN_SINK__KAFKA__SASL__PASSWORD";

/** `sink.kafka.tls`. Whether the files can be read and fit together is judged by the sink, not here. */
const tls = section({
  ca: listOf(readPath).optional(),
  ca_only: choice(["on", "off"]).prefault("off"),
  cert: path().optional(),
  key: path().optional(),
  pkcs12: path().optional(),
  passphrase_file: path().optional(),
  server_name: text(readHost).optional(),
  min_version: choice(["TLSv1.2", "TLSv1.3"]).prefault("TLSv1.2"),
  ciphers: text(readCiphers).prefault(defaultCiphers),
})
  .refine(
    (it) => (it.cert === undefined) === (it.key === undefined),
    rule("cert and key belong together: give both, or none"),
  )
  .refine(
    (it) => it.pkcs12 === undefined || (it.cert === undefined && it.key === undefined),
    rule("pkcs12 holds certificate and key: give either pkcs12, or cert and key"),
  )
  .refine(
    (it) => it.ca_only === "off" || it.ca !== undefined,
    rule("ca_only trusts the files of ca alone, and there is no ca; give ca or leave ca_only out"),
  )
  .transform((it): TlsSettings => ({
    ca: it.ca ?? [],
    caOnly: it.ca_only === "on",
    cert: it.cert,
    key: it.key,
    pkcs12: it.pkcs12,
    passphraseFile: it.passphrase_file,
    serverName: it.server_name,
    minVersion: it.min_version,
    ciphers: it.ciphers,
  }));

const mechanisms = ["plain", "scram-sha-256", "scram-sha-512"] as const;

/** The texts of this section are never repeated in a message: one of them may be a password in the wrong place. */
const sasl = section({
  mechanism: text((written) => {
    const found = mechanisms.find((one) => one === written.toLowerCase());
    if (found === undefined) throw new InvalidValue(`allowed is ${mechanisms.join(", ")}`);
    return found;
  }),
  username: free(1000),
  password_file: path().optional(),
  password: z
    .undefined({
      error: `a password does not belong here, where others may read it; put it into a file that password_file names, or into the environment variable ${passwordVariable}`,
    })
    .optional(),
}).transform((it): SaslSettings => ({
  mechanism: it.mechanism,
  username: it.username,
  password:
    it.password_file === undefined
      ? { kind: "environment", variable: passwordVariable }
      : { kind: "file", path: it.password_file },
}));

const kafka = section({
  brokers: listOf(readBroker),
  client_id: text(readClientId).prefault("wazuh-dfn"),
  tls: switchable(tls).prefault("off"),
  sasl: switchable(sasl).prefault("off"),
  compression: choice(["gzip", "none", "zstd"]).prefault("gzip"),
  // Long enough to fill batches under load, far below what a reader of alerts would notice.
  linger: duration({ least: 0, most: 10_000 }).prefault("20ms"),
  // Room below 1,048,588 bytes, which topics allow by default (Kafka's max.message.bytes), for what frames the records.
  batch_bytes: size({ least: 1000, most: 900_000 }).prefault("900KB"),
  batch_records: whole({ least: 1, most: 100_000 }).prefault("10000"),
  // A broker remembers the last five batches of a producer; beyond them it could not tell a repeated one.
  max_in_flight: whole({ least: 1, most: 5 }).prefault("3"),
  // Below a second a busy broker would be taken for a dead one.
  request_timeout: duration({ least: 1000, most: 300_000 }).prefault("30s"),
}).transform((it): KafkaSettings => ({
  brokers: it.brokers,
  clientId: it.client_id,
  tls: it.tls,
  sasl: it.sasl,
  compression: it.compression,
  lingerMs: it.linger,
  batchBytes: it.batch_bytes,
  batchRecords: it.batch_records,
  maxInFlight: it.max_in_flight,
  requestTimeoutMs: it.request_timeout,
}));

/** `sink.kafka`; undefined where it is off or left out. */
export const kafkaSink = switchable(kafka).prefault("off");

function readBroker(written: string): string {
  const allowed = "allowed is host:port, for instance kafka.example.org:9093 or [2001:db8::1]:9093";
  const parts = splitBrokerAddress(written);
  if (parts === undefined) {
    const bare = /^[\w.-]+$/.test(written);
    throw new InvalidValue(`${inQuotes(written)} ${bare ? "has no port" : "is no broker"}; ${allowed}`);
  }
  const { host, isBracketed } = parts;
  if (isBracketed ? !isIPv6(host) : !/^[\w.-]{1,253}$/.test(host)) {
    throw new InvalidValue(`${inQuotes(written)} names no host; ${allowed}`);
  }
  if (isPort(parts.port)) return written;
  const port = written.slice(written.lastIndexOf(":") + 1);
  throw new InvalidValue(`${inQuotes(written)} has the port ${port}; allowed is 1 to 65535`);
}

function readHost(written: string): string {
  if (/^[\w.-]{1,253}$/.test(written)) return written;
  throw new InvalidValue(`${inQuotes(written)} is no host name`);
}

/** Only the form; what OpenSSL makes of the list is judged by the sink. */
function readCiphers(written: string): string {
  if (/^[\w:,+!@=. -]{1,2000}$/.test(written)) return written;
  throw new InvalidValue(`${inQuotes(written)} is not a cipher list of OpenSSL; the default is ${defaultCiphers}`);
}

function readClientId(written: string): string {
  if (/^[\w.-]{1,249}$/.test(written)) return written;
  throw new InvalidValue(
    `${inQuotes(written)} is not allowed; allowed are 1 to 249 of a-z, A-Z, 0-9, ".", "_" and "-"`,
  );
}
