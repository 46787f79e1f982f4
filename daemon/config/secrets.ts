import { isUtf8 } from "node:buffer";
import { readWithStatsSync } from "../disk/read-file.ts";
import { DfnError } from "../errors.ts";
import type { KafkaSettings, SaslSettings, SecretPlace, TlsSettings } from "./sections/kafka.ts";
import { Accounts, readAccess, secretAccess } from "./file-access.ts";
import type { Problem } from "./values/problem.ts";
import { unreadableConfig } from "./small-file.ts";

/** A secret has some dozen bytes. */
const mostSecretBytes = 64 * 1024;

type Environment = Readonly<Record<string, string | undefined>>;

/** Settings with the secrets in place of where they stand; never logged, never printed. */
export type TlsWithPassphrase = Omit<TlsSettings, "passphraseFile"> & { readonly passphrase: Passphrase | undefined };
type SaslWithPassword = Omit<SaslSettings, "password"> & { readonly password: () => string };

/** The pass phrase of a key: read whenever it is asked for, since it is renewed together with the key. */
interface Passphrase {
  readonly file: string;
  /** Throws DfnError CONFIG, see `readSecret`. */
  readonly read: () => string;
}

/** Settings of TLS that read their pass phrase when they need it. */
export function readTlsSecrets({ passphraseFile, ...tls }: TlsSettings): TlsWithPassphrase {
  if (passphraseFile === undefined) return { ...tls, passphrase: undefined };
  const read = (): string => readSecret({ kind: "file", path: passphraseFile }, {});
  return { ...tls, passphrase: { file: passphraseFile, read } };
}

/**
 * Reads the password of SASL, now and whenever it is asked for: its file may be replaced while the forwarder runs. While
 * it cannot be read, being replaced in this moment, the former password stays. Throws DfnError CONFIG, see `readSecret`.
 */
export function readSaslSecrets({ password, ...sasl }: SaslSettings, env: Environment): SaslWithPassword {
  let newest = readSecret(password, env);
  const read = (): string => {
    try {
      newest = readSecret(password, env);
    } catch {
      // The broker says what it thinks of the former one.
    }
    return newest;
  };
  return { ...sasl, password: read };
}

/**
 * The secret at a place. One newline at the end of its file is not part of it.
 * @throws DfnError CONFIG when it is not there, empty, has several lines, or when everybody may write its file
 */
function readSecret(from: SecretPlace, env: Environment): string {
  if (from.kind === "environment") {
    const secret = env[from.variable];
    if (secret !== undefined && secret !== "") return secret;
    const remedy = "set it, or name a file with sink.kafka.sasl.password_file";
    throw new DfnError("CONFIG", `there is no password: environment variable ${from.variable} is not set; ${remedy}`);
  }
  const { path } = from;
  const remedy = "write the secret into it, readable by the forwarder's user alone";
  const { bytes, stats } = readSecretFile(path, remedy);
  if (!isUtf8(bytes))
    throw new DfnError("CONFIG", `${path}: the file of the secret is not UTF-8 text; save it as UTF-8`);
  const text = bytes
    .toString("utf8")
    .replace(/^\uFEFF/, "")
    .replace(/\r?\n$/, "");
  if (text === "") throw new DfnError("CONFIG", `${path}: the file of the secret is empty; ${remedy}`);
  if (/[\r\n]/.test(text)) {
    throw new DfnError("CONFIG", `${path}: the file of the secret has several lines; it must hold the secret alone`);
  }
  if ((stats.mode & 0o002) !== 0) {
    throw new DfnError("CONFIG", `${path}: everybody may write the file of the secret; fix it with: chmod o-w ${path}`);
  }
  return text;
}

function readSecretFile(path: string, remedy: string): ReturnType<typeof readWithStatsSync> {
  try {
    return readWithStatsSync(path, { maxBytes: mostSecretBytes, links: "follow" });
  } catch (error) {
    if (error instanceof DfnError) throw new DfnError("CONFIG", error.message, { cause: error });
    throw new DfnError("CONFIG", `${path}: the file of the secret ${unreadableConfig(error, remedy)}`, {
      cause: error,
    });
  }
}

/**
 * What is wrong or risky with the secrets that the settings name, and who else can get at them; none of them is ever
 * repeated.
 */
export function inspectSecrets({ tls, sasl }: KafkaSettings, env: Environment): Problem[] {
  const problems: Problem[] = [];
  const accounts = new Accounts();
  const readable = (setting: string, path: string | undefined): void => {
    if (path !== undefined) problems.push(...readAccess(setting, path, accounts));
  };
  const secret = (setting: string, path: string | undefined): void => {
    if (path !== undefined) problems.push(...secretAccess(setting, path, accounts));
    readable(setting, path);
  };
  if (tls !== undefined) {
    for (const path of tls.ca) readable("sink.kafka.tls.ca", path);
    readable("sink.kafka.tls.cert", tls.cert);
    secret("sink.kafka.tls.key", tls.key);
    secret("sink.kafka.tls.pkcs12", tls.pkcs12);
  }
  if (tls?.passphraseFile !== undefined) {
    const setting = "sink.kafka.tls.passphrase_file";
    problems.push(...inspectSecret(setting, { kind: "file", path: tls.passphraseFile }, env));
    secret(setting, tls.passphraseFile);
  }
  if (sasl !== undefined) {
    const path = sasl.password.kind === "file" ? sasl.password.path : undefined;
    const setting = path === undefined ? "sink.kafka.sasl" : "sink.kafka.sasl.password_file";
    problems.push(...inspectSecret(setting, sasl.password, env));
    secret(setting, path);
  }
  if (sasl?.mechanism === "plain" && tls === undefined) {
    const message = "plain without tls sends the password readable over the network; switch tls on";
    problems.push({ severity: "warning", setting: "sink.kafka.sasl.mechanism", message });
  }
  return problems;
}

function inspectSecret(setting: string, from: SecretPlace, env: Environment): Problem[] {
  try {
    readSecret(from, env);
    return [];
  } catch (error) {
    if (!(error instanceof DfnError)) throw error;
    return [{ severity: "error", setting, message: error.message }];
  }
}
