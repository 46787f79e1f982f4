/** Our own certificate with its chain, and its key: from two PEM files or from one of PKCS#12. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { describe } from "../../../errors.ts";
import { pemText, readCertificates, readTlsFile, splitPem, tlsError } from "./files.ts";
import { formOf, formTrouble, quotePath } from "./forms.ts";
import { Pkcs12Error, readPkcs12 } from "./pkcs12.ts";

/** Where the pass phrase of a key is. */
export interface PassphraseSource {
  readonly file: string;
  /** Reads it again each time. @throws DfnError CONFIG */
  readonly read: () => string;
}

export interface Credentials {
  /** Our own certificate first, then its issuers as far as they are known. */
  readonly chain: readonly X509Certificate[];
  readonly key: KeyObject;
}

/** Which files; as in `TlsSettings`. */
export interface CredentialSettings {
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly pkcs12: string | undefined;
  readonly passphrase: PassphraseSource | undefined;
}

/**
 * Certificate and key that fit each other; undefined when none are configured.
 * @throws DfnError CONFIG that names the file and says what to do
 */
export function loadCredentials(settings: CredentialSettings): Credentials | undefined {
  const { cert, key, pkcs12, passphrase } = settings;
  assertOneForm(settings);
  if (pkcs12 !== undefined) return readPkcs12File(pkcs12, passphrase);
  if (cert === undefined || key === undefined) return undefined;
  const chain = readCertificates("cert", cert).map(({ certificate }) => certificate);
  const privateKey = readKey(key, passphrase);
  assertPair({ cert, chain, key, privateKey });
  return { chain, key: privateKey };
}

/** @throws DfnError CONFIG for half a pair, or for both a pair and PKCS#12 */
export function assertOneForm({ cert, key, pkcs12 }: CredentialSettings): void {
  if (pkcs12 !== undefined && (cert !== undefined || key !== undefined)) {
    throw tlsError("pkcs12", "it holds certificate and key; give either pkcs12, or cert and key");
  }
  if ((cert === undefined) !== (key === undefined)) {
    throw tlsError(cert === undefined ? "key" : "cert", "cert and key belong together; set both, or neither");
  }
}

/** The private key of a PEM file. @throws DfnError CONFIG */
export function readKey(path: string, passphrase: PassphraseSource | undefined): KeyObject {
  const text = pemText("key", path);
  const secret = secretOf(passphrase);
  try {
    return createPrivateKey({ key: text, passphrase: secret ?? "" });
  } catch (reason) {
    throw tlsError("key", keyTrouble(path, text, passphrase, reason), reason);
  }
}

function secretOf(passphrase: PassphraseSource | undefined): string | undefined {
  try {
    return passphrase?.read();
  } catch (reason) {
    throw tlsError("passphrase_file", describe(reason), reason);
  }
}

function keyTrouble(path: string, text: string, passphrase: PassphraseSource | undefined, reason: unknown): string {
  const file = quotePath(path);
  if (!/ENCRYPTED/.test(text))
    return `the private key in ${path} is damaged (${describe(reason)}); copy the file again`;
  if (isUnsupported(reason) && isOldAlgorithm(text)) {
    const from = passphrase === undefined ? "" : ` -passin file:${quotePath(passphrase.file)}`;
    const to = passphrase === undefined ? "" : ` -passout fd:3 3<${quotePath(passphrase.file)}`;
    const command = `openssl pkey -provider legacy -provider default -in ${file}${from} -aes256 -out ${quotePath(`${path}.new`)}${to}`;
    return `the private key in ${path} is encrypted with an old algorithm that OpenSSL 3 no longer accepts; convert it with: ${command}`;
  }
  if (passphrase === undefined) {
    return `the private key in ${path} is encrypted; write its pass phrase to a file that only the forwarder's user can read, and name that file in passphrase_file`;
  }
  return `the pass phrase in ${passphrase.file} does not open the private key in ${path} (${describe(reason)}); correct it (passphrase_file). Try it with: openssl pkey -in ${file} -passin file:${quotePath(passphrase.file)} -noout`;
}

function isUnsupported(reason: unknown): boolean {
  return /unsupported/.test(describe(reason));
}

/** All of them fit the padding of a key only once in 256^8 keys. */
const wrongPassphrases = Array.from({ length: 8 }, (_, index) => `wrong pass phrase ${index}`);

/**
 * Whether OpenSSL does not support the algorithm that a key is encrypted with. It says so too of one key in 256 whose
 * algorithm it supports: after a wrong pass phrase the padding may be right by chance, but what comes out is not a key.
 */
function isOldAlgorithm(text: string): boolean {
  return wrongPassphrases.every((passphrase) => {
    try {
      createPrivateKey({ key: text, passphrase });
      return false;
    } catch (reason) {
      return isUnsupported(reason);
    }
  });
}

/** A certificate chain and a key as they were read, with the names of their files. */
interface CertificateAndKey {
  readonly cert: string;
  readonly chain: readonly X509Certificate[];
  readonly key: string;
  readonly privateKey: KeyObject;
}

/** @throws DfnError CONFIG when the key is not that of the first certificate */
export function assertPair({ cert, chain, key, privateKey }: CertificateAndKey): void {
  const own = chain.findIndex((certificate) => certificate.checkPrivateKey(privateKey));
  if (own === 0) return;
  if (own > 0) {
    const place = `the certificate of ${subjectOf(chain[own])}, which the key belongs to, is number ${own + 1} in ${cert}`;
    throw tlsError("cert", `${place}, and must be the first; put it there with: ${orderCommand(cert, chain, own)}`);
  }
  const remedy = "use the key that the certificate was requested with";
  throw tlsError("key", `the key ${key} belongs to another certificate than ${cert}; ${remedy}`);
}

/** The places of a certificate and, one after the other, of its issuers, as far as they are in the list. */
export function issuersFrom(chain: readonly X509Certificate[], own: number): readonly number[] {
  const places = [own];
  for (;;) {
    const last = chain[places.at(-1) ?? own];
    const next = chain.findIndex(
      (issuer, place) => !places.includes(place) && last !== undefined && isIssuedBy(last, issuer),
    );
    if (next < 0) return places;
    places.push(next);
  }
}

export function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

/** A command that writes the certificates of a PEM file in order into a file next to it. */
export function orderCommand(path: string, chain: readonly X509Certificate[], own: number): string {
  // The file may hold a key too: all blocks are counted, and what is not of the chain stays behind it.
  const text = pemText("cert", path);
  const begins = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----/g)].map(({ index }) => index);
  const blocks = splitPem(text);
  let from = 0;
  const numbers = blocks.map((block) => {
    const at = text.indexOf(block, from);
    from = at + block.length;
    return begins.indexOf(at) + 1;
  });
  const first = issuersFrom(chain, own).map((place) => numbers[place] ?? 0);
  const order = [...first, ...begins.map((_at, place) => place + 1).filter((number) => !first.includes(number))];
  const format = order.map(() => "%s").join("");
  const parts = order.map((number) => `c[${number}]`).join(", ");
  const program = `/-----BEGIN/{n++} {c[n]=c[n] $0 "\\n"} END{printf "${format}", ${parts}}`;
  return `awk '${program}' ${quotePath(path)} >${quotePath(`${path}.new`)}`;
}

/** Certificate, key and issuers of a PKCS#12 file. @throws DfnError CONFIG */
export function readPkcs12File(path: string, passphrase: PassphraseSource | undefined): Credentials {
  const bytes = readTlsFile("pkcs12", path);
  const trouble = formTrouble("pkcs12", path, formOf(bytes));
  if (trouble !== undefined) throw tlsError("pkcs12", trouble);
  const secret = secretOf(passphrase);
  let keys: readonly KeyObject[];
  let certificates: readonly X509Certificate[];
  try {
    const content = readPkcs12(bytes, secret);
    keys = content.keys.map((key) => createPrivateKey({ key, format: "der", type: "pkcs8" }));
    certificates = content.certificates.map((certificate) => new X509Certificate(certificate));
  } catch (reason) {
    throw tlsError("pkcs12", pkcs12Trouble(path, passphrase, reason), reason);
  }
  const [key] = keys;
  if (key === undefined) {
    const held = certificates.length === 0 ? "nothing" : "only certificates";
    const remedy = "export it again with the private key (brokers' authorities belong in ca)";
    throw tlsError("pkcs12", `${path} holds ${held}, no private key; ${remedy}`);
  }
  if (keys.length > 1) {
    const remedy = "export only the right one (keytool -importkeystore -srcalias ALIAS, or openssl pkcs12)";
    throw tlsError("pkcs12", `${path} holds ${keys.length} private keys; ${remedy}`);
  }
  const own = certificates.findIndex((certificate) => certificate.checkPrivateKey(key));
  if (own < 0) {
    const held = certificates.length === 0 ? "no certificate" : "no certificate of its private key";
    throw tlsError("pkcs12", `${path} holds ${held}; export it again with the certificate`);
  }
  const chain = issuersFrom(certificates, own).flatMap((place) => certificates[place] ?? []);
  return { chain, key };
}

function pkcs12Trouble(path: string, passphrase: PassphraseSource | undefined, reason: unknown): string {
  const fault = reason instanceof Pkcs12Error ? reason.fault : "damaged";
  const file = quotePath(path);
  const secret = (option: string): string =>
    passphrase === undefined ? "" : ` -${option} file:${quotePath(passphrase.file)}`;
  const again = (legacy: string): string => {
    const [pem, next] = [quotePath(`${path}.pem`), quotePath(`${path}.new`)];
    return `openssl pkcs12${legacy} -in ${file} -nodes${secret("passin")} -out ${pem} && openssl pkcs12 -export -in ${pem}${secret("passout")} -out ${next}; rm -f ${pem}`;
  };
  switch (fault) {
    case "passphrase":
      if (passphrase === undefined) {
        return `${path} is encrypted; write its pass phrase to a file that only the forwarder's user can read, and name that file in passphrase_file`;
      }
      return `the pass phrase in ${passphrase.file} does not open ${path}; correct it (passphrase_file). Try it with: openssl pkcs12 -in ${file} -noout${secret("passin")}`;
    case "legacy":
      return `${path} is ${describe(reason)}, an old algorithm that OpenSSL 3 no longer accepts; convert it with: ${again(" -legacy")}`;
    case "unsupported":
      return `${path}: ${describe(reason)}; write it again with: ${again("")}`;
    case "damaged":
  }
  return `${path} is damaged (${describe(reason)}); copy the file again`;
}

/** Who a certificate is for, on one line. */
export function subjectOf(certificate: X509Certificate | undefined): string {
  return certificate?.subject?.replaceAll("\n", ", ") ?? "(no name)";
}
