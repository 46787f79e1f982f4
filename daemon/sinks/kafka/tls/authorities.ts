/** The authorities whose broker certificates are trusted. */
import { X509Certificate } from "node:crypto";
import { rootCertificates } from "node:tls";
import { readRegularFileSync } from "../../../disk/read-file.ts";
import { isIssuedBy } from "./credentials.ts";
import { splitPem } from "./files.ts";

/** Where distributions keep the authorities they trust, in one file each. */
const systemStores = [
  "/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Alpine
  "/etc/pki/tls/certs/ca-bundle.crt", // Red Hat and its kin, Amazon Linux
  "/etc/ssl/ca-bundle.pem", // SUSE
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];
const maxStoreBytes = 4 * 1024 * 1024;
/** OpenSSL follows a hundred; real chains have three. */
const maxChain = 10;

/** The authorities that the system trusts, as PEM texts; Node's own set if the system has no store. */
export function systemAuthorities(): readonly string[] {
  for (const path of systemStores) {
    try {
      const text = readRegularFileSync(path, { maxBytes: maxStoreBytes, links: "follow" }).toString("latin1");
      if (text.includes("-----BEGIN")) return [text];
    } catch {
      // Not this distribution's place.
    }
  }
  return rootCertificates;
}

/** The same, each by itself. */
export function systemCertificates(): readonly X509Certificate[] {
  return systemAuthorities()
    .flatMap(splitPem)
    .flatMap((text) => {
      try {
        return [new X509Certificate(text)];
      } catch {
        return []; // One odd certificate in a store of a hundred and fifty is not ours to judge.
      }
    });
}

/** @param now milliseconds since 1970 */
export function isInDate({ validFrom, validTo }: X509Certificate, now: number): boolean {
  return Date.parse(validFrom) <= now && now <= Date.parse(validTo);
}

/**
 * Whether OpenSSL would believe a certificate because of this one: it follows the issuers up to one that issued itself,
 * and takes no other for the end of a chain, trusted or not (X509_V_FLAG_PARTIAL_CHAIN is not set; RFC 5280, section 6).
 * @param known all that are trusted
 * @param now   milliseconds since 1970
 */
export function isAnchored(certificate: X509Certificate, known: readonly X509Certificate[], now: number): boolean {
  const seen = new Set<string>();
  let level = [certificate];
  for (let depth = 0; depth < maxChain && level.length > 0; depth++) {
    const inDate = level.filter((one) => isInDate(one, now));
    if (inDate.some(isSelfSigned)) return true;
    level = known.filter(
      (issuer) =>
        (issuer.ca || isSelfSigned(issuer)) &&
        !seen.has(issuer.fingerprint256) &&
        inDate.some((one) => one.ca && isIssuedBy(one, issuer)),
    );
    for (const { fingerprint256 } of level) seen.add(fingerprint256);
  }
  return false;
}

export function isSelfSigned(certificate: X509Certificate): boolean {
  return isIssuedBy(certificate, certificate);
}
