import { isIPv6 } from "node:net";
import { z } from "zod";
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
    ca: listOrNone(path()),
    ca_only: flag().prefault("off"),
    cert: path().optional(),
    key: path().optional(),
    pkcs12: path().optional(),
    passphrase_file: path().optional(),
    server_name: text(readHost).optional(),
    min_version: choice(["TLSv1.2", "TLSv1.3"]).prefault("TLSv1.2"),
    ciphers: text(readCiphers).prefault(defaultCiphers),
  },
  {
    holds: (it) => (it.cert === undefined) === (it.key === undefined),
    message: "cert and key belong together: give both, or none",
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
  if (found === undefined) throw new InvalidValue(`allowed is ${mechanisms.join(", ")}`);
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
  mechanism: scalar({ read: readMechanism, print: (it) => it, json: { enum: mechanisms } }),
  username: free(1000),
  password_file: path().optional(),
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
  brokers: listOf(text(readBroker)),
  client_id: text(readClientId).prefault("wazuh-dfn"),
  tls: switchable(tls).prefault("off"),
  sasl: switchable(sasl).prefault("off"),
  compression: choice(["gzip", "none", "zstd"]).prefault("gzip"),
  // Long enough to fill batches under load, far below what a reader of alerts would notice.
  linger: duration({ least: 0, most: 10_000 }).prefault("20ms"),
  // Room below 1,048,588 bytes, which topics allow by default (Kafka's max.message.bytes), for what frames the records.
  batch_bytes: size({ least: 1000, most: 900_000 }).prefault("900KB"),
  batch_records: whole({ least: 1, most: 100_000 }).prefault(10_000),
  // A broker remembers the last five batches of a producer; beyond them it could not tell a repeated one.
  max_in_flight: whole({ least: 1, most: 5 }).prefault(3),
  // Below a second a busy broker would be taken for a dead one.
  request_timeout: duration({ least: 1000, most: 300_000 }).prefault("30s"),
});

export type KafkaSettings = z.output<typeof kafka>;

function readBroker(written: string): string {
  const allowed = "allowed is host:port, for instance kafka.example.org:9093 or [2001:db8::1]:9093";
  const match = /^(?:\[(.*)\]|([^:[\]]+)):(\d{1,5})$/.exec(written);
  if (match === null) {
    const bare = /^[\w.-]+$/.test(written);
    throw new InvalidValue(`${inQuotes(written)} ${bare ? "has no port" : "is not a broker"}; ${allowed}`);
  }
  const [, ipv6, host, port] = match;
  if (ipv6 === undefined ? !/^[\w.-]{1,253}$/.test(host ?? "") : !isIPv6(ipv6)) {
    throw new InvalidValue(`${inQuotes(written)} names no host; ${allowed}`);
  }
  if (Number(port) >= 1 && Number(port) <= 65_535) return written;
  throw new InvalidValue(`${inQuotes(written)} has the port ${port ?? ""}; allowed is 1 to 65535`);
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
  throw new InvalidValue(
    `${inQuotes(written)} is not allowed; allowed are 1 to 249 of a-z, A-Z, 0-9, ".", "_" and "-"`,
  );
}
