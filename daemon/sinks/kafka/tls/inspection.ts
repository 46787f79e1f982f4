import type { X509Certificate } from "node:crypto";
import { DfnError } from "../../../errors.ts";
import { timeOfDayMs } from "../../../clock.ts";
import { isAnchored, isInDate, isSelfSigned, systemCertificates } from "./authorities.ts";
import {
  assertOneForm,
  assertPair,
  isIssuedBy,
  issuersFrom,
  orderCommand,
  readKey,
  readPkcs12File,
  subjectOf,
} from "./credentials.ts";
import { certificateDeadline, daysUntil } from "./deadline.ts";
import { readCertificates, tlsSettingName } from "./files.ts";
import { protocolOptions, protocolWarnings } from "./protocol.ts";
import { loadTls, type TlsClientSettings } from "./tls.ts";

/** Extended key usages (RFC 5280, section 4.2.1.12). */
const clientAuth = "1.3.6.1.5.5.7.3.2";
const anyUsage = "2.5.29.37.0";

/** Something about the certificates that the administrator should know. */
interface TlsProblem {
  /** error: connections will fail; warning: they may, or will before long. */
  readonly severity: "error" | "warning";
  /** The setting that it is about, e.g. `sink.kafka.tls.cert`. */
  readonly setting: string;
  /** What is wrong, in which file, and what to do. */
  readonly message: string;
}

type Severity = TlsProblem["severity"];
type Setting = "ca" | "cert" | "pkcs12";

function finding(severity: Severity, setting: string, text: string): TlsProblem {
  const name = `sink.kafka.tls.${setting}`;
  return { severity, setting: name, message: `${name}: ${text}` };
}

/**
 * Checks everything that TLS needs: can it be read, is it in date, does the key fit the certificate, may the
 * certificate be used by a client, do the authorities suffice for OpenSSL. Connects to nothing; throws nothing. Without
 * findings all is well.
 * @param now milliseconds since 1970
 */
export function inspectTls(settings: TlsClientSettings, now = timeOfDayMs()): readonly TlsProblem[] {
  const findings: TlsProblem[] = [];
  const attempt = <T>(look: () => T): T | undefined => {
    try {
      return look();
    } catch (reason) {
      if (!(reason instanceof DfnError)) throw reason;
      const found = { severity: "error", setting: tlsSettingName(reason), message: reason.message } as const;
      if (!findings.some(({ message }) => message === found.message)) findings.push(found);
      return undefined;
    }
  };
  if (attempt(() => protocolOptions(settings)) !== undefined) {
    findings.push(...protocolWarnings(settings).map((text) => finding("warning", "ciphers", text)));
  }
  const files = settings.ca.flatMap((path) => {
    const read = attempt(() => readCertificates("ca", path).map(({ certificate }) => certificate));
    return read === undefined ? [] : [{ path, certificates: read }];
  });
  const authorities = files.flatMap(({ certificates }) => certificates);
  const system = settings.caOnly ? [] : systemCertificates();
  const known = [...authorities, ...system];
  for (const { path, certificates } of files) findings.push(...inspectAuthorities(path, certificates, known, now));
  const own = inspectOwn(settings, attempt, findings);
  if (own !== undefined) {
    const { setting, path, chain } = own;
    findings.push(...chain.flatMap((certificate) => inspectDates(setting, path, certificate, now)));
    findings.push(...inspectPurpose(setting, path, chain));
    findings.push(...inspectIssuer(own, known, settings.caOnly));
  }
  // Whatever the checks above did not see; each error is reported once.
  if (!findings.some(({ severity }) => severity === "error")) attempt(() => loadTls(settings));
  return findings;
}

interface Own {
  readonly setting: "cert" | "pkcs12";
  readonly path: string;
  readonly chain: readonly X509Certificate[];
}

function inspectOwn(
  settings: TlsClientSettings,
  attempt: <T>(look: () => T) => T | undefined,
  findings: TlsProblem[],
): Own | undefined {
  const { cert, key, pkcs12, passphrase } = settings;
  if (attempt(() => (assertOneForm(settings), true)) === undefined) return undefined;
  if (pkcs12 !== undefined) {
    const credentials = attempt(() => readPkcs12File(pkcs12, passphrase));
    return credentials === undefined ? undefined : { setting: "pkcs12", path: pkcs12, chain: credentials.chain };
  }
  if (cert === undefined) return undefined;
  const chain = attempt(() => readCertificates("cert", cert).map(({ certificate }) => certificate));
  const privateKey = key === undefined ? undefined : attempt(() => readKey(key, passphrase));
  if (chain === undefined) return undefined;
  const isPair =
    key !== undefined &&
    privateKey !== undefined &&
    attempt(() => (assertPair({ cert, chain, key, privateKey }), true)) === true;
  const order = issuersFrom(chain, 0);
  if (isPair && order.length === chain.length && order.some((place, index) => place !== index)) {
    const text = `the certificates in ${cert} are not in order, which some brokers refuse; put each before its issuer with: ${orderCommand(cert, chain, 0)}`;
    findings.push(finding("warning", "cert", text));
  }
  return { setting: "cert", path: cert, chain };
}

function inspectDates(
  setting: Setting,
  path: string,
  certificate: X509Certificate,
  now: number,
): readonly TlsProblem[] {
  const who = `${path}: the certificate of ${subjectOf(certificate)}`;
  // An authority that is out of date harms only when the brokers' certificates are its; a bundle may hold old ones.
  const severity = setting === "ca" ? "warning" : "error";
  const ends = Date.parse(certificate.validTo);
  if (now > ends) {
    return [finding(severity, setting, `${who} expired on ${certificate.validTo}; get a new one issued`)];
  }
  if (now < Date.parse(certificate.validFrom)) {
    const text = `${who} is not valid before ${certificate.validFrom}; check this machine's clock`;
    return [finding(severity, setting, text)];
  }
  const days = daysUntil(ends, now);
  if (days >= certificateDeadline.warningDays) return [];
  const text = `${who} expires in ${days} days, on ${certificate.validTo}; get a new one issued. The forwarder loads a replaced file without a restart`;
  return [finding("warning", setting, text)];
}

/** A file of `ca` of which no certificate is the end of a chain is of no use: all that it is to vouch for is refused. */
function inspectAuthorities(
  path: string,
  certificates: readonly X509Certificate[],
  known: readonly X509Certificate[],
  now: number,
): readonly TlsProblem[] {
  const dates = certificates.flatMap((certificate) => inspectDates("ca", path, certificate, now));
  const loose = certificates.filter((one) => isInDate(one, now) && !isAnchored(one, known, now));
  const isOfUse = certificates.some((one) => isInDate(one, now) && !loose.includes(one));
  if (isOfUse || certificates.length === 0) {
    return [...dates, ...loose.map((one) => finding("warning", "ca", looseText(path, one)))];
  }
  if (loose.length > 0) return [...dates, ...loose.map((one) => finding("error", "ca", looseText(path, one)))];
  return dates.map((date) => ({ ...date, severity: "error" }));
}

function looseText(path: string, certificate: X509Certificate): string {
  const issuer = certificate.issuer?.replaceAll("\n", ", ") ?? "(no name)";
  if (!certificate.ca && !isSelfSigned(certificate)) {
    return `${path}: the certificate of ${subjectOf(certificate)} is not an authority's, so no broker is trusted because of it; use the certificate of its issuer, ${issuer}, and those above it, up to the root`;
  }
  return `${path}: the certificate of ${subjectOf(certificate)} was issued by ${issuer}, whose own certificate is not among the trusted ones, or has expired; without it no broker's certificate is accepted. Get it from those who run Kafka and append it: cat root.pem >>${path}`;
}

/** Java's brokers refuse a client's certificate that is for servers alone. */
function inspectPurpose(
  setting: "cert" | "pkcs12",
  path: string,
  [own]: readonly X509Certificate[],
): readonly TlsProblem[] {
  // Absent when the certificate has no such extension, which allows everything; Node's types do not know that.
  const usages: readonly string[] | undefined = own?.keyUsage;
  if (usages === undefined || usages.includes(clientAuth) || usages.includes(anyUsage)) return [];
  const text = `${path}: the certificate of ${subjectOf(own)} may not be used by a client (its extended key usage lacks clientAuth); have one issued with extendedKeyUsage = clientAuth`;
  return [finding("error", setting, text)];
}

/**
 * Who issued our certificate is the brokers' business: they may trust an authority that we need not know. Still it is
 * mostly the same one, and then an unknown issuer means a mixed-up file, or one without the certificates in between.
 */
function inspectIssuer(
  { setting, path, chain }: Own,
  known: readonly X509Certificate[],
  caOnly: boolean,
): readonly TlsProblem[] {
  const last = chain.at(-1);
  if (last === undefined) return [];
  const isKnown = known.some((one) => last.fingerprint256 === one.fingerprint256 || isIssuedBy(last, one));
  if (isKnown) return [];
  const text = `${path} was issued by ${last.issuer.replaceAll("\n", ", ")}, which is not among the authorities of ca${caOnly ? "" : " and of the system"}; that is right if the brokers trust it. If it is an intermediate one, its certificate must follow in the file; otherwise this is another cluster's certificate`;
  return [finding("warning", setting, text)];
}
