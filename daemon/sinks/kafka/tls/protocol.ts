/** Which versions and ciphers of TLS are offered to the brokers. */
import { createSecureContext } from "node:tls";
import { describe, DfnError, errnoOf } from "../../../errors.ts";
import { tlsError } from "./files.ts";

export interface TlsProtocol {
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  /** An OpenSSL cipher list. Suites of TLS 1.3 (`TLS_...`) may be among them; without any, the usual three count. */
  readonly ciphers: string;
}

/** Forward secrecy and authenticated encryption: what is recorded today stays closed when a key is stolen later. */
export const defaultCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20";

/** Named in any case: a list without them must not depend on what Node makes of that. */
const tls13Suites = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";

/** The parts of a list; OpenSSL takes commas and blanks too. */
function partsOf(ciphers: string): { readonly older: readonly string[]; readonly tls13: readonly string[] } {
  const parts = ciphers.split(/[:,\s]+/).filter((part) => part !== "");
  return {
    older: parts.filter((part) => !part.startsWith("TLS_")),
    tls13: parts.filter((part) => part.startsWith("TLS_")),
  };
}

/** Whether OpenSSL finds a cipher in a list. @throws what OpenSSL says of a list that it does not understand */
function yieldsAny(ciphers: string): boolean {
  try {
    createSecureContext({ ciphers, minVersion: "TLSv1.2" });
    return true;
  } catch (reason) {
    if (errnoOf(reason) === "ERR_SSL_NO_CIPHER_MATCH") return false;
    throw reason;
  }
}

/**
 * The options of Node for them.
 * @throws DfnError CONFIG for a list without a cipher, or with one that does not encrypt or does not authenticate
 */
export function protocolOptions({ minVersion, ciphers }: TlsProtocol): {
  minVersion: "TLSv1.2" | "TLSv1.3";
  ciphers: string;
} {
  const { older, tls13 } = partsOf(ciphers);
  const list = older.join(":");
  const refuse = (what: string, cause?: unknown): Error => {
    const remedy = `leave the setting out for the default (${defaultCiphers}), or see which ciphers a list gives with: openssl ciphers -v '${ciphers}'`;
    return tlsError("ciphers", `"${ciphers}" ${what}; ${remedy}`, cause);
  };
  try {
    for (const suite of tls13) if (!yieldsAny(suite)) throw refuse(`names ${suite}, which OpenSSL does not know`);
    if (list === "" && tls13.length === 0) throw refuse("names no cipher");
    if (list !== "") {
      if (!yieldsAny(list)) throw refuse("yields no cipher");
      if (yieldsAny(`${list}:-ALL`)) throw refuse("has ciphers that do not encrypt (eNULL)");
      if (yieldsAny(`${list}:-aRSA:-aECDSA:-aDSS:-aPSK:-SRP`)) {
        throw refuse("has ciphers without authentication (aNULL)");
      }
      if (!yieldsAny(`${list}:-PSK:-SRP`)) throw refuse("yields no cipher that works with certificates");
    }
  } catch (reason) {
    if (reason instanceof DfnError) throw reason;
    throw refuse(`is not a list that OpenSSL accepts (${describe(reason)})`, reason);
  }
  return { minVersion, ciphers: [...older, ...(tls13.length === 0 ? [tls13Suites] : tls13)].join(":") };
}

/** What is risky or useless in a list that `protocolOptions` takes. */
export function protocolWarnings({ minVersion, ciphers }: TlsProtocol): readonly string[] {
  const { older } = partsOf(ciphers);
  if (older.length === 0 || minVersion === "TLSv1.3") return [];
  const warnings: string[] = [];
  if (yieldsAny(`${older.join(":")}:-kECDHE:-kDHE:-kECDHEPSK:-kDHEPSK`)) {
    warnings.push(
      `"${ciphers}" has ciphers without forward secrecy: whoever obtains a broker's key later can read recorded traffic; leave them out by adding :!kRSA:!PSK`,
    );
  }
  const vain = older.filter((part) => /^[A-Za-z0-9]/.test(part) && !yieldsAny(part));
  if (vain.length > 0) warnings.push(`OpenSSL finds no cipher for ${vain.join(", ")}; is it misspelt?`);
  if (/@SECLEVEL=0/.test(ciphers)) {
    warnings.push(`"${ciphers}" allows keys and signatures that can be forged (@SECLEVEL=0); leave that out`);
  }
  return warnings;
}
