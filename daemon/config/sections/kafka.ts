import { isIPv6 } from "node:net";
import { z } from "zod";
import { isPort, splitBrokerAddress } from "../../sinks/kafka/connection/broker-address.ts";
import { defaultCiphers } from "../../sinks/kafka/tls/protocol.ts";
import { withForm } from "../values/file-form.ts";
import { mask } from "../values/printed.ts";
import { inQuotes, InvalidValue } from "../values/problem.ts";
import {
  choice,
  duration,
  flag,
  free,
  listOf,
  listOrNone,
  path,
  scalar,
  size,
  text,
  whole,
} from "../values/schemas.ts";
import { section, switchable } from "../values/section.ts";

/** The one setting that the environment may hold and the file may not. */
export const passwordVariable = "WAZUH_DFN_SINK__KAFKA__SASL__PASSWORD";

/** `sink.kafka.tls`. Whether the files can be read and fit together is judged by the sink, not here. */
const tls = section(
  {
    ca: listOrNone(path()).meta({
      description: "CA certificates, one file or a list, trusted in addition to the system's CA store.",
      examples: ["/etc/wazuh-dfn/ca.pem"],
    }),
    ca_only: flag().prefault("off").describe("on: trust only the files of ca."),
    cert: path()
      .optional()
      .meta({
        description: "The client's own certificate for mutual TLS (before its issuers, if they are in the file).",
        examples: ["/etc/wazuh-dfn/cert.pem"],
      }),
    key: path()
      .optional()
      .meta({
        description: "The private key of cert.",
        examples: ["/etc/wazuh-dfn/key.pem"],
      }),
    pkcs12: path()
      .optional()
      .meta({
        description: "Certificate and key in one file, instead of cert and key.",
        examples: ["/etc/wazuh-dfn/client.p12"],
      }),
    passphrase_file: path()
      .optional()
      .meta({
        description: "File with the pass phrase of key or pkcs12.",
        examples: ["/etc/wazuh-dfn/passphrase"],
      }),
    server_name: text(readHost)
      .optional()
      .meta({
        description: "The name in the brokers' certificates, if it is not the host name in brokers.",
        examples: ["kafka.example.org"],
      }),
    min_version: choice(["TLSv1.2", "TLSv1.3"])
      .prefault("TLSv1.2")
      .describe("Oldest version that is accepted: TLSv1.2 or TLSv1.3."),
    ciphers: text(readCiphers)
      .prefault(defaultCiphers)
      .describe("A cipher list of OpenSSL for TLS 1.2; it may include suites of TLS 1.3 (TLS_...)."),
  },
  {
    holds: (it) => (it.cert === undefined) === (it.key === undefined),
    message: "cert and key belong together; give both or neither",
  },
  {
    holds: (it) => it.pkcs12 === undefined || (it.cert === undefined && it.key === undefined),
    message: "pkcs12 holds certificate and key: give either pkcs12, or cert and key",
  },
  {
    holds: ({ ca, ca_only: caOnly }) => !caOnly || !Array.isArray(ca) || ca.length > 0,
    message: "ca_only trusts the files of ca alone, and there is no ca; give ca or leave ca_only out",
  },
);

export type TlsSettings = z.output<typeof tls>;

const mechanisms = ["plain", "scram-sha-256", "scram-sha-512"] as const;

type Mechanism = (typeof mechanisms)[number];

function readMechanism(written: string): Mechanism {
  const found = mechanisms.find((one) => one === written.toLowerCase());
  if (found === undefined) throw new InvalidValue(`use one of ${mechanisms.join(", ")}`);
  return found;
}

/** A setting that the file may not hold, but that `config print` shows, masked. */
const maskedPassword = withForm(
  z.codec(z.unknown(), z.custom<typeof mask | undefined>(), {
    decode(written, context) {
      if (written === undefined) return undefined;
      const message = `a password does not belong here, where others may read it; put it into a file that password_file names, or into the environment variable ${passwordVariable}`;
      context.issues.push({ code: "custom", message, input: undefined });
      return z.NEVER;
    },
    encode: (shown) => shown,
  }),
  { json: () => ({ not: {} }) },
).optional();

/** The texts of this section are never repeated in a message: one of them may be a password in the wrong place. */
const saslInFile = section({
  mechanism: scalar({ read: readMechanism, print: (it) => it, json: { enum: [...mechanisms] } }).meta({
    description: "plain, scram-sha-256 or scram-sha-512.",
    examples: ["scram-sha-512"],
  }),
  username: free(1000).meta({ description: "The name of the user.", examples: ["alice"] }),
  password_file: path()
    .optional()
    .meta({
      description: `File with the password. Without it the password comes from the environment variable ${passwordVariable}.`,
      examples: ["/etc/wazuh-dfn/password"],
    }),
  password: maskedPassword,
});

/** Where a secret is read from; settings themselves never hold one. */
export type SecretPlace =
  { readonly kind: "file"; readonly path: string } | { readonly kind: "environment"; readonly variable: string };

export interface SaslSettings extends Pick<z.output<typeof saslInFile>, "mechanism" | "username"> {
  readonly password: SecretPlace;
}

const sasl = z.codec(saslInFile, z.custom<SaslSettings>(), {
  decode: ({ mechanism, username, passwordFile }): SaslSettings => ({
    mechanism,
    username,
    password:
      passwordFile === undefined
        ? { kind: "environment", variable: passwordVariable }
        : { kind: "file", path: passwordFile },
  }),
  encode: ({ mechanism, username, password }): z.output<typeof saslInFile> =>
    password.kind === "file"
      ? { mechanism, username, passwordFile: password.path, password: undefined }
      : { mechanism, username, passwordFile: undefined, password: mask },
});

/** `sink.kafka`. */
export const kafka = section({
  brokers: listOf(text(readBroker)).describe("One or more brokers as host:port."),
  client_id: text(readClientId).prefault("wazuh-dfn").describe("The name under which brokers log this client."),
  tls: switchable(tls)
    .prefault("off")
    .describe(
      "TLS: off; on (the broker's certificate is checked against the system's CA store); or a section with any of the following. All files are PEM, except pkcs12.",
    ),
  sasl: switchable(sasl)
    .prefault("off")
    .describe(
      `SASL: off, or a section. The password is in a file, which is read again for each connection, or in the environment variable ${passwordVariable}; never here.`,
    ),
  compression: choice(["gzip", "none", "zstd"])
    .prefault("gzip")
    .describe("gzip, none, or zstd if Node has it (22.15 and later)."),
  // Long enough to fill batches under load, far below what a reader of alerts would notice.
  linger: duration({ least: 0, most: 10_000 })
    .prefault("20ms")
    .describe("Maximum time that a record waits for others to be sent with."),
  // Room below 1,048,588 bytes, which topics allow by default (Kafka's max.message.bytes), for what frames the records.
  batch_bytes: size({ least: 1000, most: 900_000 })
    .prefault("900KB")
    .describe("Maximum size of a batch, before compression."),
  batch_records: whole({ least: 1, most: 100_000 }).prefault(10_000).describe("Maximum number of records in a batch."),
  // A broker remembers the last five batches of a producer; beyond them it could not tell a repeated one.
  max_in_flight: whole({ least: 1, most: 5 })
    .prefault(3)
    .describe("Maximum number of batches in flight per partition."),
  // Below a second a busy broker would be taken for a dead one.
  request_timeout: duration({ least: 1000, most: 300_000 })
    .prefault("30s")
    .describe("A broker that has not answered for this long is considered dead."),
});

export type KafkaSettings = z.output<typeof kafka>;

function readBroker(written: string): string {
  const allowed = "use host:port, for instance kafka.example.org:9093 or [2001:db8::1]:9093";
  const parts = splitBrokerAddress(written);
  if (parts === undefined) {
    const bare = /^[\w.-]+$/.test(written);
    throw new InvalidValue(`${inQuotes(written)} ${bare ? "has no port" : "is not a broker"}; ${allowed}`);
  }
  const { host, isBracketed } = parts;
  if (isBracketed ? !isIPv6(host) : !/^[\w.-]{1,253}$/.test(host)) {
    throw new InvalidValue(`${inQuotes(written)} names no host; ${allowed}`);
  }
  if (isPort(parts.port)) return written;
  const port = written.slice(written.lastIndexOf(":") + 1);
  throw new InvalidValue(`${inQuotes(written)} has the port ${port}; use 1 to 65535`);
}

function readHost(written: string): string {
  if (/^[\w.-]{1,253}$/.test(written)) return written;
  throw new InvalidValue(`${inQuotes(written)} is not a host name`);
}

/** Only the form; what OpenSSL makes of the list is judged by the sink. */
function readCiphers(written: string): string {
  if (/^[\w:,+!@=. -]{1,2000}$/.test(written)) return written;
  throw new InvalidValue(`${inQuotes(written)} is not a cipher list of OpenSSL; the default is ${defaultCiphers}`);
}

function readClientId(written: string): string {
  if (/^[\w.-]{1,249}$/.test(written)) return written;
  throw new InvalidValue(`${inQuotes(written)} is not allowed; use 1 to 249 of a-z, A-Z, 0-9, ".", "_" and "-"`);
}
