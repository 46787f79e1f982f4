import type { X509Certificate } from "node:crypto";
import { DfnError } from "../errors.ts";
import { readPkcs12File } from "../sinks/kafka/tls/credentials.ts";
import { daysUntil } from "../sinks/kafka/tls/deadline.ts";
import { readCertificates } from "../sinks/kafka/tls/files.ts";
import { stateOf, type TlsClientSettings } from "../sinks/kafka/tls/tls.ts";

/** How long a file of `sink.kafka.tls` remains valid. */
export interface CertificateExpiry {
  readonly setting: "ca" | "cert" | "pkcs12";
  readonly file: string;
  /** ISO 8601; absent if the file cannot be read. */
  readonly expiresAt?: string;
  /** Whole days from now, negative when it has expired. */
  readonly daysLeft?: number;
  /** Why the file cannot be read, and what to do. */
  readonly trouble?: string;
}

/** The files that are checked. */
export type WatchedTls = Pick<TlsClientSettings, "ca" | "cert" | "pkcs12" | "passphrase">;

interface Known {
  /** See `stateOf`. */
  readonly state: string;
  readonly found: Found;
}
type Found = { readonly endMs: number } | { readonly trouble: string };

/**
 * Checks each file. A client certificate expires with the first of its chain; a file of authorities with the last one,
 * because a bundle may hold old ones that nothing depends on. Files are read again only after they have changed: opening
 * PKCS#12 is slow by design.
 */
export class CertificateWatch {
  #known = new Map<string, Known>();

  /** @param nowMs milliseconds since 1970 */
  look(tls: WatchedTls | undefined, nowMs: number): readonly CertificateExpiry[] {
    if (tls === undefined) return [];
    const { ca, cert, pkcs12, passphrase } = tls;
    const former = this.#known;
    this.#known = new Map();
    const look = (
      setting: CertificateExpiry["setting"],
      files: readonly [string, ...(string | undefined)[]],
      end: () => number,
    ): CertificateExpiry => {
      const [file] = files;
      const key = `${setting} ${file}`;
      const state = stateOf(files);
      let known = former.get(key);
      if (known?.state !== state) known = { state, found: attempt(end) };
      this.#known.set(key, known);
      if ("trouble" in known.found) return { setting, file, trouble: known.found.trouble };
      const { endMs } = known.found;
      const daysLeft = daysUntil(endMs, nowMs);
      return { setting, file, expiresAt: new Date(endMs).toISOString(), daysLeft };
    };
    const found = ca.map((file) => look("ca", [file], () => Math.max(...endsOf(certificates("ca", file)))));
    if (cert !== undefined) found.push(look("cert", [cert], () => Math.min(...endsOf(certificates("cert", cert)))));
    if (pkcs12 !== undefined) {
      const chain = (): readonly X509Certificate[] => readPkcs12File(pkcs12, passphrase).chain;
      found.push(look("pkcs12", [pkcs12, passphrase?.file], () => Math.min(...endsOf(chain()))));
    }
    return found;
  }
}

function certificates(setting: "ca" | "cert", file: string): readonly X509Certificate[] {
  return readCertificates(setting, file).map(({ certificate }) => certificate);
}

/** Checks once. */
export function certificateExpiries(tls: WatchedTls | undefined, nowMs: number): readonly CertificateExpiry[] {
  return new CertificateWatch().look(tls, nowMs);
}

function endsOf(certificates: readonly X509Certificate[]): readonly number[] {
  return certificates.map(({ validTo }) => Date.parse(validTo));
}

function attempt(end: () => number): Found {
  try {
    return { endMs: end() };
  } catch (reason) {
    if (!(reason instanceof DfnError)) throw reason;
    return { trouble: reason.message };
  }
}
