import { statSync } from "node:fs";
import { DfnError } from "../errors.ts";
import type { KafkaSettings, SaslSettings, SecretPlace, TlsSettings } from "./config.ts";
import type { Problem } from "./problem.ts";
import { readSmallText } from "./source-text.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Settings with the secrets in place of where they stand; never logged, never printed. */
export type TlsWithPassphrase = Omit<TlsSettings, "passphraseFile"> & { readonly passphrase: string | undefined };
export type SaslWithPassword = Omit<SaslSettings, "password"> & { readonly password: () => string };

/** Reads the pass phrase of the key. Throws DfnError CONFIG, see `readSecret`. */
export function readTlsSecrets({ passphraseFile, ...tls }: TlsSettings): TlsWithPassphrase {
  const passphrase = passphraseFile === undefined ? undefined : readSecret({ kind: "file", path: passphraseFile }, {});
  return { ...tls, passphrase };
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
 * The secret that stands at a place. One newline at the end of its file is not part of it.
 * @throws DfnError CONFIG when it is not there, empty, has several lines, or when everybody may write its file
 */
export function readSecret(from: SecretPlace, env: Environment): string {
  if (from.kind === "environment") {
    const secret = env[from.variable];
    if (secret !== undefined && secret !== "") return secret;
    const remedy = "set it, or name a file with sink.kafka.sasl.password_file";
    throw new DfnError("CONFIG", `there is no password: environment variable ${from.variable} is not set; ${remedy}`);
  }
  const { path } = from;
  const remedy = "write the secret into it, readable by the forwarder's user alone";
  const text = readSmallText(path, "the file of the secret", remedy).replace(/\r?\n$/, "");
  if (text === "") throw new DfnError("CONFIG", `${path}: the file of the secret is empty; ${remedy}`);
  if (/[\r\n]/.test(text)) {
    throw new DfnError("CONFIG", `${path}: the file of the secret has several lines; it must hold the secret alone`);
  }
  if ((statSync(path).mode & 0o002) !== 0) {
    throw new DfnError(
      "CONFIG",
      `${path}: everybody may write the file of the secret; mend it with: chmod o-w ${path}`,
    );
  }
  return text;
}

/** What is wrong or risky with the secrets that the settings name; none of them is ever repeated. */
export function inspectSecrets({ tls, sasl }: KafkaSettings, env: Environment): Problem[] {
  const problems: Problem[] = [];
  if (tls?.passphraseFile !== undefined) {
    problems.push(...inspectSecret("sink.kafka.tls.passphrase_file", { kind: "file", path: tls.passphraseFile }, env));
  }
  if (sasl !== undefined) {
    const setting = sasl.password.kind === "file" ? "sink.kafka.sasl.password_file" : "sink.kafka.sasl";
    problems.push(...inspectSecret(setting, sasl.password, env));
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
  } catch (error) {
    if (!(error instanceof DfnError)) throw error;
    return [{ severity: "error", setting, message: error.message }];
  }
  if (from.kind === "environment" || (statSync(from.path).mode & 0o004) === 0) return [];
  const message = `${from.path}: everybody may read this file; mend it with: chmod o-r ${from.path}`;
  return [{ severity: "warning", setting, message }];
}
