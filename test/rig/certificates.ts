import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { howToInstall, installPrograms } from "../../scripts/kafka/programs.ts";

const run = promisify(execFile);

/** Paths of a certificate, its private key (PKCS#8) and of both with the issuer in one file, as a broker wants them. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
  readonly store: string;
}

interface Subject {
  readonly name: string;
  /** As in openssl's configuration: `DNS:localhost,IP:127.0.0.1`. */
  readonly alternativeNames?: string;
  readonly issuer: "ca" | "other-ca";
  readonly isExpired?: boolean;
}

/** A host name of the brokers that a test can resolve to any address. */
export const brokerHost = "kafka.test";

/** Good certificates, and one of each kind of bad one; all below one directory. */
export interface Certificates {
  /** Path of the issuer that the brokers and the clients trust. */
  readonly ca: string;
  /** Path of an issuer that nobody knows. */
  readonly otherCa: string;
  /** For 127.0.0.1, localhost and `brokerHost`. */
  readonly server: CertificateFiles;
  /** From the issuer that nobody knows. */
  readonly otherCaServer: CertificateFiles;
  readonly expiredServer: CertificateFiles;
  /** For another host than the one it runs on. */
  readonly wrongHostServer: CertificateFiles;
  /** Common name `client`. */
  readonly client: CertificateFiles;
  readonly expiredClient: CertificateFiles;
  /** From the issuer that nobody knows. */
  readonly otherCaClient: CertificateFiles;
  /** The client's key, encrypted with the pass phrase `secret`. */
  readonly encryptedClientKey: string;
}

/**
 * Makes them with the `openssl` program.
 * @param directory where to; the files live as long as it does
 */
export async function makeCertificates(directory: string): Promise<Certificates> {
  const missing = installPrograms(["openssl"]);
  if (missing.length > 0) throw new Error(howToInstall(missing));
  const here = `DNS:localhost,DNS:${brokerHost},IP:127.0.0.1`;
  await Promise.all([makeIssuer(directory, "ca"), makeIssuer(directory, "other-ca")]);
  const make = (subject: Subject): Promise<CertificateFiles> => makeCertificate(directory, subject);
  const [server, otherCaServer, expiredServer, wrongHostServer, client, expiredClient, otherCaClient] =
    await Promise.all([
      make({ name: "server", alternativeNames: here, issuer: "ca" }),
      make({ name: "other-ca-server", alternativeNames: here, issuer: "other-ca" }),
      make({ name: "expired-server", alternativeNames: here, issuer: "ca", isExpired: true }),
      make({ name: "wrong-host-server", alternativeNames: "DNS:kafka.example.org", issuer: "ca" }),
      make({ name: "client", issuer: "ca" }),
      make({ name: "expired-client", issuer: "ca", isExpired: true }),
      make({ name: "other-ca-client", issuer: "other-ca" }),
    ]);
  const encryptedClientKey = join(directory, "client-encrypted.key");
  const encryption = ["-aes-256-cbc", "-passout", "pass:secret"];
  await run("openssl", ["pkey", "-in", client.key, ...encryption, "-out", encryptedClientKey]);
  const issuers = { ca: join(directory, "ca.pem"), otherCa: join(directory, "other-ca.pem") };
  return {
    ...issuers,
    server,
    otherCaServer,
    expiredServer,
    wrongHostServer,
    client,
    expiredClient,
    otherCaClient,
    encryptedClientKey,
  };
}

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

async function makeIssuer(directory: string, name: string): Promise<void> {
  const out = ["-keyout", join(directory, `${name}.key`), "-out", join(directory, `${name}.pem`)];
  await run("openssl", ["req", "-x509", ...newKey, ...out, "-days", "30", "-subj", `/CN=${name}`]);
}

async function makeCertificate(directory: string, subject: Subject): Promise<CertificateFiles> {
  const { name, issuer } = subject;
  const path = (suffix: string): string => join(directory, `${name}.${suffix}`);
  const issuerPath = (suffix: string): string => join(directory, `${issuer}.${suffix}`);
  const files = { cert: path("pem"), key: path("key"), store: path("store.pem") };
  await run("openssl", ["req", "-new", ...newKey, "-keyout", files.key, "-out", path("csr"), "-subj", `/CN=${name}`]);
  const names = subject.alternativeNames ?? `DNS:${name}`;
  await writeFile(path("cnf"), configuration(directory, name, names));
  await Promise.all([writeFile(path("index"), ""), writeFile(path("serial"), serialOf(name))]);
  const dates = [
    "-startdate",
    "20200101000000Z",
    "-enddate",
    subject.isExpired === true ? "20200201000000Z" : inAMonth(),
  ];
  const signing = ["-cert", issuerPath("pem"), "-keyfile", issuerPath("key"), "-in", path("csr"), "-out", files.cert];
  await run("openssl", ["ca", "-batch", "-notext", "-config", path("cnf"), ...dates, ...signing]);
  const parts = await Promise.all([files.key, files.cert, issuerPath("pem")].map((file) => readFile(file, "utf8")));
  await writeFile(files.store, parts.join(""));
  return files;
}

/** Each certificate has a database of its own, so that several can be signed at once. */
function configuration(directory: string, name: string, alternativeNames: string): string {
  return `[ca]
default_ca = default
[default]
database = ${directory}/${name}.index
serial = ${directory}/${name}.serial
new_certs_dir = ${directory}
default_md = sha256
policy = policy
x509_extensions = extensions
[policy]
commonName = supplied
[extensions]
basicConstraints = CA:FALSE
subjectAltName = ${alternativeNames}
`;
}

/** Hexadecimal, and different for each name. */
function serialOf(name: string): string {
  return `${Buffer.from(name).toString("hex").slice(0, 36).padStart(38, "10")}\n`;
}

function inAMonth(): string {
  const at = new Date(Date.now() + 30 * 86_400_000);
  return `${at.toISOString().slice(0, 19).replaceAll(/[-:T]/g, "")}Z`;
}
