import { statSync } from "node:fs";
import { createSecureContext, type ConnectionOptions } from "node:tls";
import { describe, DfnError } from "../../../errors.ts";
import { systemAuthorities } from "./authorities.ts";
import { type Credentials, type CredentialSettings, loadCredentials } from "./credentials.ts";
import { readCertificates } from "./files.ts";
import { protocolOptions, type TlsProtocol } from "./protocol.ts";

/** Where the certificates are, and what is offered; every path is as in the configuration. */
export interface TlsClientSettings extends TlsProtocol, CredentialSettings {
  /** Files with certificates of authorities that are trusted, PEM. */
  readonly ca: readonly string[];
  /** Trust only those, not also the system's store. */
  readonly caOnly: boolean;
  /** Our certificate (with its chain) and its key, PEM; both or neither. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** Certificate, chain and key in one file, instead of both. */
  readonly pkcs12: string | undefined;
  /** The name in the brokers' certificates, if it differs from the name they are reached by. */
  readonly serverName: string | undefined;
}

/**
 * Node's TLS options for these settings. Host names are always checked. The context is made once: parsing a system's
 * store takes tens of milliseconds.
 * @throws DfnError CONFIG for a file that cannot be read or used; it names the file and says what to do
 */
export function loadTls(settings: TlsClientSettings): ConnectionOptions {
  const { serverName } = settings;
  const own = settings.ca.flatMap((path) => readCertificates("ca", path).map(({ pem }) => pem));
  if (settings.caOnly && own.length === 0) {
    throw new DfnError(
      "CONFIG",
      "sink.kafka.tls: ca_only trusts only the authorities of ca, but ca is not set; set ca",
    );
  }
  const ca = settings.caOnly ? own : [...systemAuthorities(), ...own];
  const protocol = protocolOptions(settings);
  const credentials = loadCredentials(settings);
  try {
    const secureContext = createSecureContext({ ca, ...protocol, ...pemOf(credentials) });
    return { secureContext, rejectUnauthorized: true, ...(serverName === undefined ? {} : { servername: serverName }) };
  } catch (reason) {
    const name = settings.pkcs12 === undefined ? "cert" : "pkcs12";
    const file = settings.pkcs12 ?? settings.cert ?? "ca";
    // OpenSSL's security level: a key of 1024 bits, or SHA-1 in a signature.
    const isWeak = /too small|too weak/.test(describe(reason));
    const remedy = isWeak
      ? "have a certificate issued with SHA-256 and a key of at least 2048 bits (RSA) or 256 bits (EC)"
      : "have the certificate issued again, and report what is in parentheses";
    const message = `sink.kafka.tls.${name}: OpenSSL does not accept ${file} (${describe(reason)}); ${remedy}`;
    throw new DfnError("CONFIG", message, { cause: reason });
  }
}

function pemOf(credentials: Credentials | undefined): { cert?: string; key?: string } {
  if (credentials === undefined) return {};
  const key = credentials.key.export({ type: "pkcs8", format: "pem" }).toString();
  return { cert: credentials.chain.map(String).join(""), key };
}

/** TLS options that follow their files: certificates are replaced on disk while the forwarder runs. */
export class TlsFiles {
  readonly #settings: TlsClientSettings;
  #current: ConnectionOptions;
  /** What the files were like when they were last loaded or reported. */
  #settled: string;
  /** What they were like when they could last not be used. */
  #unusable: string | undefined;

  /** @throws DfnError CONFIG, see `loadTls` */
  constructor(settings: TlsClientSettings) {
    this.#settings = settings;
    this.#settled = this.#fileState();
    this.#current = loadTls(settings);
  }

  /** The options for the next connection. */
  get current(): ConnectionOptions {
    return this.#current;
  }

  /**
   * Loads the files again when any of them has changed since the last call. Files that cannot be used leave the previous
   * options in place. They are reported when the next call finds them as they were: certificate, key and pass phrase are
   * not renewed in one moment, and what does not fit yet is not wrong yet. Each such state is reported once.
   * @returns undefined when there is nothing to say
   */
  reload(): { readonly error: Error | undefined } | undefined {
    const state = this.#fileState();
    if (state === this.#settled) return undefined;
    try {
      this.#current = loadTls(this.#settings);
      this.#settled = state;
      return { error: undefined };
    } catch (reason) {
      const isStill = state === this.#unusable;
      this.#unusable = state;
      if (!isStill) return undefined;
      this.#settled = state;
      return { error: reason instanceof Error ? reason : new Error(describe(reason)) };
    }
  }

  #fileState(): string {
    const { ca, cert, key, pkcs12, passphrase } = this.#settings;
    return stateOf([...ca, cert, key, pkcs12, passphrase?.file]);
  }
}

/** A text that changes with any of the files; links are followed, as the mounted secrets of Kubernetes are. */
export function stateOf(paths: readonly (string | undefined)[]): string {
  return paths
    .filter((path) => path !== undefined)
    .map((path) => {
      try {
        const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
        return stat === undefined ? "absent" : `${stat.dev} ${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`;
      } catch (reason) {
        return describe(reason); // A directory in the way that may not be entered.
      }
    })
    .join("|");
}
