/**
 * The forms in which certificates and keys are handed over. Only PEM and PKCS#12 are accepted; the others are
 * recognised, so that the administrator gets the one command that converts them.
 */
import { type DerElement, oidText, readDer, tags } from "./der.ts";
import { looksLikePkcs12 } from "./pkcs12.ts";

/** What a file is used for. */
export type FileSetting = "ca" | "cert" | "key" | "pkcs12";

type Form =
  /** Certificates, keys, or both; `labels` are the words behind BEGIN. */
  | { readonly kind: "pem"; readonly text: string; readonly labels: readonly string[] }
  | { readonly kind: "pkcs12" }
  | { readonly kind: "jks" }
  | { readonly kind: "pkcs7"; readonly encoding: "pem" | "der" }
  | { readonly kind: "der"; readonly holds: "certificate" | "key" | "encrypted key" }
  | { readonly kind: "utf-16"; readonly encoding: "UTF-16" | "UTF-16LE" | "UTF-16BE" }
  | { readonly kind: "empty" | "unknown" };

const pkcs7 = "1.2.840.113549.1.7.2";
/** The first bytes of Java's own key stores: JKS, and JCEKS. */
const javaMagic: readonly string[] = ["feedfeed", "cececece"];
const pemLabel = /-----BEGIN ([A-Z0-9 ]{1,40})-----/g;
const pemBody = /-----BEGIN [A-Z0-9 ]{1,40}-----([A-Za-z0-9+/=\s]+)-----END /;

/** Recognises a file by its content. Throws nothing. */
export function formOf(bytes: Buffer): Form {
  if (bytes.length === 0) return { kind: "empty" };
  if (javaMagic.includes(bytes.toString("hex", 0, 4))) return { kind: "jks" };
  const utf16 = utf16Of(bytes);
  if (utf16 !== undefined) return { kind: "utf-16", encoding: utf16 };
  // Blanks, and the mark with which Windows begins UTF-8, hurt nobody.
  const text = bytes.toString("latin1").replace(/^\xEF\xBB\xBF/, "");
  const labels = [...text.matchAll(pemLabel)].map(([, label]) => label ?? "");
  if (labels.length > 0) {
    // Some authorities put PKCS#7 between the lines of a certificate.
    const body = Buffer.from(pemBody.exec(text)?.[1] ?? "", "base64");
    const isPkcs7 = labels[0] === "PKCS7" || labels[0] === "CMS" || isPkcs7Der(body);
    return isPkcs7 ? { kind: "pkcs7", encoding: "pem" } : { kind: "pem", text, labels };
  }
  if (looksLikePkcs12(bytes)) return { kind: "pkcs12" };
  if (isPkcs7Der(bytes)) return { kind: "pkcs7", encoding: "der" };
  const holds = derKind(bytes);
  return holds === undefined ? { kind: "unknown" } : { kind: "der", holds };
}

function utf16Of(bytes: Buffer): "UTF-16" | "UTF-16LE" | "UTF-16BE" | undefined {
  const mark = bytes.toString("hex", 0, 2);
  if (mark === "fffe" || mark === "feff") return "UTF-16";
  const head = bytes.toString("latin1", 0, 1024);
  if (head.includes("-\0-\0-\0-\0-\0B\0")) return "UTF-16LE";
  return head.includes("\0-\0-\0-\0-\0-\0B") ? "UTF-16BE" : undefined;
}

function tryRead(bytes: Buffer): DerElement | undefined {
  try {
    return readDer(bytes);
  } catch {
    return undefined;
  }
}

function isPkcs7Der(bytes: Buffer): boolean {
  const first = tryRead(bytes)?.children[0];
  try {
    return first !== undefined && oidText(first) === pkcs7;
  } catch {
    return false;
  }
}

/** By the first elements of Certificate (RFC 5280), PrivateKeyInfo, EncryptedPrivateKeyInfo (RFC 5958), PKCS#1, SEC 1. */
function derKind(bytes: Buffer): "certificate" | "key" | "encrypted key" | undefined {
  const whole = tryRead(bytes);
  if (whole?.tag !== tags.sequence) return undefined;
  const [first, second, third] = whole.children;
  if (first?.tag === tags.integer) return "key";
  if (first?.tag !== tags.sequence) return undefined;
  if (second?.tag === tags.octets) return "encrypted key";
  return second?.tag === tags.sequence && third !== undefined ? "certificate" : undefined;
}

/**
 * What is wrong with a file in this form for this setting, and the command that fixes it; undefined when the form is
 * right, which says nothing about what is inside.
 */
export function formTrouble(setting: FileSetting, path: string, form: Form): string | undefined {
  const into = (name: string): string => quotePath(`${path}.${name}`);
  const file = quotePath(path);
  switch (form.kind) {
    case "pem":
      if (setting !== "pkcs12") return pemTrouble(setting, path, form);
      return `${path} is PEM text, not PKCS#12; name it in cert and key`;
    case "pkcs12":
      if (setting === "pkcs12") return undefined;
      return setting === "ca"
        ? `${path} is a PKCS#12 file, but PEM is needed here; convert it with: openssl pkcs12 -in ${file} -nokeys -out ${into("pem")}`
        : `${path} is a PKCS#12 file; name it in sink.kafka.tls.pkcs12 and remove cert and key from the configuration`;
    case "jks":
      return setting === "ca"
        ? `${path} is a Java key store; convert it with: keytool -list -rfc -keystore ${file} >${into("pem")}`
        : `${path} is a Java key store; convert it with: keytool -importkeystore -srckeystore ${file} -destkeystore ${into("p12")} -deststoretype PKCS12, and name that file in sink.kafka.tls.pkcs12`;
    case "pkcs7": {
      const inform = form.encoding === "der" ? "-inform der " : "";
      if (setting !== "ca" && setting !== "cert")
        return `${path} is a PKCS#7 file, which holds no private key; name the file of the key`;
      return `${path} is a PKCS#7 file; convert it with: openssl pkcs7 -print_certs ${inform}-in ${file} -out ${into("pem")}`;
    }
    case "der":
      return derTrouble(setting, path, form.holds);
    case "utf-16":
      return `${path} is text in UTF-16; convert it with: iconv -f ${form.encoding} -t UTF-8 ${file} >${into("pem")}`;
    case "empty":
      return `${path} is empty; copy the file again`;
    case "unknown":
  }
  return `${path} is neither PEM nor PKCS#12 nor any other known format; is it the right file, and was it copied completely?`;
}

function pemTrouble(
  setting: "ca" | "cert" | "key",
  path: string,
  { labels, text }: Form & { kind: "pem" },
): string | undefined {
  const hasKey = labels.some((label) => label.endsWith("PRIVATE KEY"));
  const hasCertificate = labels.some((label) => /^(?:TRUSTED |X509 )?CERTIFICATE$/.test(label));
  const request = labels.find((label) => label.endsWith("CERTIFICATE REQUEST"));
  if (setting === "key") {
    if (labels.includes("OPENSSH PRIVATE KEY")) {
      return `${path} is a key in OpenSSH's form; convert it in place with: ssh-keygen -p -m PKCS8 -f ${quotePath(path)}`;
    }
    if (hasKey) return undefined;
    if (hasCertificate) return `${path} holds a certificate, not a private key; were cert and key mixed up?`;
    return `${path} holds no private key, but ${labels[0] ?? "nothing"}; name the right file`;
  }
  if (hasCertificate && !text.includes("-----END ")) return `${path} is cut off; copy the file again`;
  if (hasCertificate) return undefined;
  if (hasKey) return `${path} holds a private key, not a certificate; were ${setting} and key mixed up?`;
  if (request !== undefined)
    return `${path} is a request for a certificate; name the certificate that the authority issued for it`;
  return `${path} holds no certificate, but ${labels[0] ?? "nothing"}; name the right file`;
}

function derTrouble(setting: FileSetting, path: string, holds: "certificate" | "key" | "encrypted key"): string {
  const isKey = holds !== "certificate";
  if (setting === "pkcs12")
    return `${path} is only ${isKey ? "a private key" : "a certificate"}, not PKCS#12; name the file that holds both`;
  if (isKey !== (setting === "key"))
    return `${path} holds a ${isKey ? "private key" : "certificate"}: were cert and key mixed up?`;
  const command = { certificate: "openssl x509", key: "openssl pkey", "encrypted key": "openssl pkcs8" }[holds];
  const aes = holds === "encrypted key" ? " -topk8 -v2 aes-256-cbc" : "";
  return `${path} is DER, but PEM is needed here; convert it with: ${command} -inform der -in ${quotePath(path)} -out ${quotePath(`${path}.pem`)}${aes}`;
}

/** A path as a shell takes it. */
export function quotePath(path: string): string {
  return /^[\w./:@%+=-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
