import type { X509Certificate } from "node:crypto";
import { DfnError } from "../errors.ts";
import { readPkcs12File } from "../sinks/kafka/tls/credentials.ts";
import { daysUntil } from "../sinks/kafka/tls/deadline.ts";
import { readCertificates } from "../sinks/kafka/tls/files.ts";
import { stateOf, type TlsClientSettings } from "../sinks/kafka/tls/tls.ts";

/** How long the certificates of a file remain valid. */
export interface CertificateExpiry {
  /** The member of `sink.kafka.tls`, or the whole name of one of `status.tls`. */
  readonly setting: "ca" | "cert" | "pkcs12" | StatusCertificateSetting;
  readonly file: string;
  /** ISO 8601; absent if the file cannot be read. */
  readonly expiresAt?: string;
  /** Whole days from now, negative when it has expired. */
  readonly daysLeft?: number;
  /** Why the file cannot be read, and what to do. */
  readonly trouble?: string;
}

/** Settings of the status service that name certificates. */
type StatusCertificateSetting = "status.tls.cert" | "status.tls.client_ca";

/** When the certificates end that the status service uses: those that it has loaded, whatever is in the file by now. */
export interface CertificateEnd {
  readonly setting: StatusCertificateSetting;
  readonly file: string;
  /** Milliseconds since 1970. */
  readonly endMs: number;
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
      return expiryOf({ setting, file, endMs: known.found.endMs }, nowMs);
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

/** @param nowMs milliseconds since 1970 */
export function expiryOf(
  { setting, file, endMs }: Pick<CertificateExpiry, "setting" | "file"> & { readonly endMs: number },
  nowMs: number,
): CertificateExpiry {
  return { setting, file, expiresAt: new Date(endMs).toISOString(), daysLeft: daysUntil(endMs, nowMs) };
}

/** Checks once. */
export function certificateExpiries(tls: WatchedTls | undefined, nowMs: number): readonly CertificateExpiry[] {
  return new CertificateWatch().look(tls, nowMs);
}

/** When each ends, in milliseconds since 1970. */
export function endsOf(certificates: readonly X509Certificate[]): readonly number[] {
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
