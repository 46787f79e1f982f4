import type { X509Certificate } from "node:crypto";
import { constants } from "node:crypto";
import { createSecureContext, type TlsOptions } from "node:tls";
import type { StatusSettings } from "../config/sections/status.ts";
import type { Problem } from "../config/values/problem.ts";
import { describe, DfnError } from "../errors.ts";
import { isInDate, systemCertificates } from "../sinks/kafka/tls/authorities.ts";
import { assertPair, readKey } from "../sinks/kafka/tls/credentials.ts";
import { certificateDeadline, daysUntil } from "../sinks/kafka/tls/deadline.ts";
import { pemText, readCertificates } from "../sinks/kafka/tls/files.ts";
import { quotePath } from "../sinks/kafka/tls/forms.ts";
import { defaultCiphers, protocolOptions } from "../sinks/kafka/tls/protocol.ts";
import { type CertificateEnd, endsOf } from "./certificates.ts";

type StatusTls = NonNullable<StatusSettings["tls"]>;

/** A handshake that takes longer is given up. */
const handshakeMs = 5000;

/** Extended key usages (RFC 5280, section 4.2.1.12). */
const serverAuth = "1.3.6.1.5.5.7.3.1";
const anyUsage = "2.5.29.37.0";

/** TLS as the status service offers it. */
export interface ServerTls {
  readonly options: TlsOptions;
  /** Whether a client needs a certificate of `client_ca`. It is judged for each request: probes need none. */
  readonly needsCertificate: boolean;
  /** `client_names`; empty: any certificate of `client_ca`. */
  readonly clientNames: readonly string[];
  /** The authorities of `client_ca`, PEM. */
  readonly clientAuthorities: readonly string[];
  /** When what is in use here ends. */
  readonly ends: readonly CertificateEnd[];
}

/** @throws DfnError CONFIG that names setting and file, and says what to do */
export function loadServerTls(tls: StatusTls): ServerTls {
  const { chain, key } = loadOwn(tls);
  const authorities = tls.clientCa.map((file) => ({ file, certificates: authoritiesOf(file) }));
  const clientAuthorities = authorities.flatMap(({ certificates }) => certificates.map(({ pem }) => pem));
  const options: TlsOptions = {
    ...protocolOptions({ minVersion: "TLSv1.2", ciphers: defaultCiphers }),
    cert: chain.map(String).join(""),
    key: key.export({ type: "pkcs8", format: "pem" }).toString(),
    ...(clientAuthorities.length === 0 ? {} : { ca: clientAuthorities }),
    requestCert: clientAuthorities.length > 0,
    rejectUnauthorized: false,
    honorCipherOrder: true,
    // A resumed session would carry a verdict of former settings, and a renegotiation costs nobody but us.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    handshakeTimeout: handshakeMs,
    ALPNProtocols: ["http/1.1"],
  };
  try {
    createSecureContext(options);
  } catch (reason) {
    const remedy = "have one issued with SHA-256 and a key of at least 2048 bits (RSA) or 256 bits (EC)";
    const message = `status.tls.cert: OpenSSL does not accept ${tls.cert} (${describe(reason)}); ${remedy}`;
    throw new DfnError("CONFIG", message, { cause: reason });
  }
  return {
    options,
    needsCertificate: clientAuthorities.length > 0,
    clientNames: tls.clientNames,
    clientAuthorities,
    ends: [
      { setting: "status.tls.cert", file: tls.cert, endMs: Math.min(...endsOf(chain)) },
      // A bundle may hold old ones that nothing depends on.
      ...authorities.map(({ file, certificates }): CertificateEnd => {
        const ends = endsOf(certificates.map(({ certificate }) => certificate));
        return { setting: "status.tls.client_ca", file, endMs: Math.max(...ends) };
      }),
    ],
  };
}

function loadOwn({ cert, key }: StatusTls) {
  return renamed(() => {
    const chain = readCertificates("cert", cert).map(({ certificate }) => certificate);
    if (/ENCRYPTED/.test(pemText("key", key))) {
      const command = `openssl pkey -in ${quotePath(key)} -out ${quotePath(`${key}.new`)}`;
      const text = `the private key in ${key} is encrypted, which is not possible here; decrypt it with: ${command}`;
      throw new DfnError("CONFIG", `status.tls.key: ${text}`);
    }
    const privateKey = readKey(key, undefined);
    assertPair({ cert, chain, key, privateKey });
    return { chain, key: privateKey };
  });
}

function authoritiesOf(path: string): ReturnType<typeof readCertificates> {
  return renamed(() => readCertificates("ca", path));
}

/** The files are read as those of the Kafka sink are, whose errors name its settings. */
function renamed<T>(read: () => T): T {
  try {
    return read();
  } catch (reason) {
    if (!(reason instanceof DfnError)) throw reason;
    const message = reason.message
      .replace(/^sink\.kafka\.tls\.ca: /, "status.tls.client_ca: ")
      .replace(/^sink\.kafka\.tls\./, "status.tls.");
    throw new DfnError("CONFIG", message, { cause: reason });
  }
}

/**
 * What is odd about certificates that can be loaded.
 * @param kafkaAuthorities what the brokers' certificates are checked with, besides the system's store
 * @param nowMs            milliseconds since 1970
 */
export function inspectServerTls(tls: StatusTls, kafkaAuthorities: readonly string[], nowMs: number): Problem[] {
  return [...inspectOwn(tls, nowMs), ...inspectClientAuthorities(tls, kafkaAuthorities)];
}

function inspectOwn(tls: StatusTls, nowMs: number): Problem[] {
  const [own] = loadOwn(tls).chain;
  if (own === undefined) return [];
  const found: string[] = [];
  const days = daysUntil(Date.parse(own.validTo), nowMs);
  if (!isInDate(own, nowMs)) found.push(`is valid from ${own.validFrom} to ${own.validTo} only; get a new one issued`);
  else if (days < certificateDeadline.warningDays) found.push(`expires in ${days} days; get a new one issued`);
  // Absent when the certificate has no such extension, which allows everything; Node's types do not know that.
  const usages: readonly string[] | undefined = own.keyUsage;
  if (usages !== undefined && !usages.includes(serverAuth) && !usages.includes(anyUsage)) {
    found.push("may not be used by a server (its extended key usage lacks serverAuth); have one issued with it");
  }
  return found.map((what) => warning("status.tls.cert", `${tls.cert}: the certificate ${what}`));
}

/** Every customer of an authority would get in: it should issue for this purpose alone, or `client_names` narrow it. */
function inspectClientAuthorities(tls: StatusTls, kafkaAuthorities: readonly string[]): Problem[] {
  const system = fingerprints(systemCertificates());
  const kafka = fingerprints(
    kafkaAuthorities.flatMap((path) => {
      try {
        return readCertificates("ca", path).map(({ certificate }) => certificate);
      } catch {
        return []; // Whoever checks the sink says so.
      }
    }),
  );
  const remedy =
    tls.clientNames.length === 0
      ? "use a CA that issues for this purpose alone, or name the certificates with status.tls.client_names"
      : "status.tls.client_names narrows it; a CA that issues for this purpose alone is better";
  return tls.clientCa.flatMap((path) => {
    const own = authoritiesOf(path).map(({ certificate }) => certificate.fingerprint256);
    const whose = own.some((one) => kafka.has(one))
      ? "Kafka's"
      : own.some((one) => system.has(one))
        ? "the system's"
        : "";
    if (whose === "") return [];
    const what = `${path} is also ${whose} CA, and whoever has a certificate of it can read the status`;
    return [warning("status.tls.client_ca", `${what}; ${remedy}`)];
  });
}

function fingerprints(certificates: readonly X509Certificate[]): ReadonlySet<string> {
  return new Set(certificates.map(({ fingerprint256 }) => fingerprint256));
}

function warning(setting: string, message: string): Problem {
  return { severity: "warning", setting, message };
}
