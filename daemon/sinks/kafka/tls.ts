import { readFileSync, statSync } from "node:fs";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext, rootCertificates, type ConnectionOptions } from "node:tls";
import { describe, DfnError } from "../../errors.ts";

/** Where the certificates are; every path is as it stands in the configuration. */
export interface TlsSettings {
  /** Files with certificates of authorities that are trusted, PEM. */
  readonly ca: readonly string[];
  /** Trust those alone, not the system's store beside them. */
  readonly caOnly: boolean;
  /** Our certificate (with its chain) and its key, PEM; both or neither. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly passphrase: string | undefined;
  /** The name that the brokers' certificates have, where it is not the name they are called by. */
  readonly serverName: string | undefined;
}

/** Where distributions keep the authorities they trust, in one file each. */
const systemStores = [
  "/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Alpine
  "/etc/pki/tls/certs/ca-bundle.crt", // Red Hat and its kin, Amazon Linux
  "/etc/ssl/ca-bundle.pem", // SUSE
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

const certificateBlock = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]+-----END (?:TRUSTED )?CERTIFICATE-----/g;

/** A system's whole store has a quarter of this. */
const maxFileBytes = 1024 * 1024;

/** Reads a file of the settings. @throws DfnError CONFIG that names the setting, the file and the remedy */
export function readPem(setting: string, path: string): string {
  try {
    const { size } = statSync(path);
    if (size > maxFileBytes) throw new Error(`it has ${size} bytes`);
    return readFileSync(path, "utf8");
  } catch (reason) {
    throw new DfnError(
      "CONFIG",
      `sink.kafka.tls.${setting}: ${path} cannot be read (${describe(reason)}); check the path, and that the forwarder's user may read it`,
      { cause: reason },
    );
  }
}

/** The certificates of a PEM text, each as a text of its own. */
export function splitPem(text: string): readonly string[] {
  return text.match(certificateBlock) ?? [];
}

/** The certificates of a PEM text, at least one. @throws DfnError CONFIG for a text without a proper one */
export function parseCertificates(setting: string, path: string, text: string): readonly X509Certificate[] {
  const blocks = splitPem(text);
  if (blocks.length === 0) {
    throw new DfnError(
      "CONFIG",
      `sink.kafka.tls.${setting}: ${path} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----); convert a DER file with openssl x509 -inform der`,
    );
  }
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (reason) {
      throw new DfnError(
        "CONFIG",
        `sink.kafka.tls.${setting}: certificate ${index + 1} of ${path} is damaged (${describe(reason)}); copy the file again`,
        { cause: reason },
      );
    }
  });
}

/** The authorities that the system trusts, as PEM texts; Node's own set where the system has no store. */
export function systemAuthorities(): readonly string[] {
  for (const path of systemStores) {
    try {
      const text = readFileSync(path, "utf8");
      if (text.includes("-----BEGIN")) return [text];
    } catch {
      // Not this distribution's place.
    }
  }
  return rootCertificates;
}

/** Checks that a private key can be read with its passphrase. @throws DfnError CONFIG */
export function parseKey(
  path: string,
  text: string,
  passphrase: string | undefined,
): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(passphrase === undefined ? text : { key: text, passphrase });
  } catch (reason) {
    throw new DfnError(
      "CONFIG",
      `sink.kafka.tls.key: ${path} is no private key in PEM form, or its passphrase (passphrase_file) is wrong or missing (${describe(reason)})`,
      { cause: reason },
    );
  }
}

/**
 * Node's TLS options for these settings. Host names are always checked. The context is made once: parsing a system's
 * store takes tens of milliseconds.
 * @throws DfnError CONFIG for a file that cannot be read or used; it names the file and says what to do
 */
export function loadTls(settings: TlsSettings): ConnectionOptions {
  const { cert, key, passphrase, serverName } = settings;
  const own = settings.ca.map((path) => {
    const text = readPem("ca", path);
    parseCertificates("ca", path, text);
    return text;
  });
  if (settings.caOnly && own.length === 0) {
    throw new DfnError(
      "CONFIG",
      "sink.kafka.tls: ca_only trusts the authorities of ca alone, and ca names none; set ca",
    );
  }
  if ((cert === undefined) !== (key === undefined)) {
    throw new DfnError("CONFIG", "sink.kafka.tls: cert and key belong together; set both, or neither");
  }
  const ca = settings.caOnly ? own : [...systemAuthorities(), ...own];
  const pair: { cert?: string; key?: string; passphrase?: string } = {};
  if (cert !== undefined && key !== undefined) {
    pair.cert = readPem("cert", cert);
    pair.key = readPem("key", key);
    parseCertificates("cert", cert, pair.cert);
    parseKey(key, pair.key, passphrase);
    if (passphrase !== undefined) pair.passphrase = passphrase;
  }
  try {
    const secureContext = createSecureContext({ ca, ...pair });
    return { secureContext, rejectUnauthorized: true, ...(serverName === undefined ? {} : { servername: serverName }) };
  } catch (reason) {
    throw new DfnError(
      "CONFIG",
      `sink.kafka.tls: ${cert ?? "ca"} and ${key ?? "the rest"} do not fit together (${describe(reason)}); run wazuh-dfn check`,
      { cause: reason },
    );
  }
}

/** TLS options that follow their files: certificates are replaced on disk while the forwarder runs. */
export class TlsFiles {
  readonly #settings: TlsSettings;
  #current: ConnectionOptions;
  #state: string;

  /** @throws DfnError CONFIG, see `loadTls` */
  constructor(settings: TlsSettings) {
    this.#settings = settings;
    this.#state = this.#fileState();
    this.#current = loadTls(settings);
  }

  /** The options for the next connection. */
  get current(): ConnectionOptions {
    return this.#current;
  }

  /**
   * Loads the files again where they have changed since the last call. Files that cannot be used leave the former
   * options in place; each such state is reported once.
   * @returns undefined where nothing changed
   */
  reload(): { readonly error: Error | undefined } | undefined {
    const state = this.#fileState();
    if (state === this.#state) return undefined;
    this.#state = state;
    try {
      this.#current = loadTls(this.#settings);
      return { error: undefined };
    } catch (reason) {
      return { error: reason instanceof Error ? reason : new Error(describe(reason)) };
    }
  }

  #fileState(): string {
    const { ca, cert, key } = this.#settings;
    const paths = [...ca, cert, key].filter((path) => path !== undefined);
    return paths
      .map((path) => {
        const stat = statSync(path, { throwIfNoEntry: false });
        return stat === undefined ? "absent" : `${stat.ino} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs}`;
      })
      .join("|");
  }
}
