import type { X509Certificate } from "node:crypto";
import { rootCertificates } from "node:tls";
import { DfnError } from "../../errors.ts";
import { loadTls, parseCertificates, parseKey, readPem, splitPem, systemAuthorities, type TlsSettings } from "./tls.ts";

/** Certificates that end within this time are worth a word. */
const soonDays = 14;
const dayMs = 86_400_000;

/** Something about the certificates that the administrator should know. */
export interface Finding {
  /** error: connections will fail; warning: they may, or will before long. */
  readonly severity: "error" | "warning";
  /** The setting that it is about, e.g. `sink.kafka.tls.cert`. */
  readonly setting: string;
  /** What is wrong, in which file, and what to do. */
  readonly message: string;
}

/**
 * Looks through everything that TLS needs: can it be read, is it in date, does the key fit the certificate, is the
 * certificate's issuer known. Connects to nothing; throws nothing. Without findings all is well.
 * @param now milliseconds since 1970
 */
export function inspectTls(settings: TlsSettings, now = Date.now()): readonly Finding[] {
  const findings: Finding[] = [];
  const attempt = <T>(setting: string, look: () => T): T | undefined => {
    try {
      return look();
    } catch (reason) {
      if (!(reason instanceof DfnError)) throw reason;
      findings.push({ severity: "error", setting: `sink.kafka.tls.${setting}`, message: reason.message });
      return undefined;
    }
  };
  const authorities = settings.ca.flatMap((path) => {
    const certificates = attempt("ca", () => parseCertificates("ca", path, readPem("ca", path))) ?? [];
    findings.push(...certificates.flatMap((certificate) => inspectDates("ca", path, certificate, now)));
    return certificates;
  });
  const { cert, key, passphrase } = settings;
  if (cert !== undefined) {
    const chain = attempt("cert", () => parseCertificates("cert", cert, readPem("cert", cert)));
    const own = chain?.[0];
    const privateKey =
      key === undefined ? undefined : attempt("key", () => parseKey(key, readPem("key", key), passphrase));
    if (chain !== undefined && own !== undefined) {
      findings.push(...chain.flatMap((certificate) => inspectDates("cert", cert, certificate, now)));
      if (privateKey !== undefined && !own.checkPrivateKey(privateKey)) {
        findings.push(keyOfAnother(cert, key ?? ""));
      }
      findings.push(...inspectIssuer(cert, chain, authorities, settings.caOnly));
    }
  }
  // Whatever the single looks above did not see; each error is told once.
  if (!findings.some(({ severity }) => severity === "error"))
    attempt(cert === undefined ? "ca" : "cert", () => loadTls(settings));
  return findings;
}

function keyOfAnother(cert: string, key: string): Finding {
  const message = `sink.kafka.tls.key: the key ${key} belongs to another certificate than ${cert}; give the key that the certificate was requested with`;
  return { severity: "error", setting: "sink.kafka.tls.key", message };
}

function inspectDates(
  setting: "ca" | "cert",
  path: string,
  certificate: X509Certificate,
  now: number,
): readonly Finding[] {
  const name = `sink.kafka.tls.${setting}`;
  const who = `${name}: ${path}: the certificate of ${subjectOf(certificate)}`;
  const begins = Date.parse(certificate.validFrom);
  const ends = Date.parse(certificate.validTo);
  // An authority that is out of date harms only when the brokers' certificates are its; a bundle may hold old ones.
  const severity = setting === "cert" ? "error" : "warning";
  if (now > ends) {
    const message = `${who} ended on ${certificate.validTo}; have a new one issued`;
    return [{ severity, setting: name, message }];
  }
  if (now < begins) {
    const message = `${who} begins to count on ${certificate.validFrom}; check this machine's clock`;
    return [{ severity, setting: name, message }];
  }
  const days = Math.floor((ends - now) / dayMs);
  if (days >= soonDays) return [];
  const message = `${who} ends in ${days} days, on ${certificate.validTo}; have a new one issued. The forwarder takes a replaced file without a restart`;
  return [{ severity: "warning", setting: name, message }];
}

/**
 * Who issued our certificate is the brokers' business: they may trust an authority that we need not know. Still it is
 * mostly the same one, and then an unknown issuer means a mixed-up file.
 */
function inspectIssuer(
  path: string,
  chain: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
  caOnly: boolean,
): readonly Finding[] {
  const last = chain.at(-1);
  if (last === undefined) return [];
  const isKnown = (known: readonly X509Certificate[]): boolean =>
    known.some((authority) => last.fingerprint256 === authority.fingerprint256 || isIssuedBy(last, authority));
  if (isKnown(authorities)) return [];
  if (!caOnly && isKnown(storeCertificates())) return [];
  const message = `sink.kafka.tls.cert: ${path} was issued by ${last.issuer.replaceAll("\n", ", ")}, which is not among the authorities of ca${caOnly ? "" : " and of the system"}; that is right if the brokers trust it, else it is another cluster's certificate`;
  return [{ severity: "warning", setting: "sink.kafka.tls.cert", message }];
}

function isIssuedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

function storeCertificates(): readonly X509Certificate[] {
  const store = systemAuthorities();
  const texts = store === rootCertificates ? store : store.flatMap(splitPem);
  return texts.flatMap((text) => {
    try {
      return parseCertificates("ca", "the system's store", text);
    } catch {
      return []; // One odd certificate in a store of a hundred and fifty is not ours to judge.
    }
  });
}

function subjectOf(certificate: X509Certificate): string {
  return certificate.subject?.replaceAll("\n", ", ") ?? "(no name)";
}
