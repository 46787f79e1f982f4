import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { howToInstall, installPrograms } from "../../scripts/kafka/programs.ts";

const run = promisify(execFile);

export interface PkiEntry {
  readonly cert: string;
  readonly key: string;
}

interface Wanted {
  /** Name of the issuer; default: itself. */
  readonly issuer?: string;
  readonly isAuthority?: boolean;
  readonly keyType?: "rsa" | "ec";
  /** As in openssl's configuration: `serverAuth`. */
  readonly usage?: string;
  /** How long it is valid; default: 60. */
  readonly days?: number;
}

const keyOptions = {
  rsa: ["-newkey", "rsa:2048"],
  ec: ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
};

/** Authorities, certificates and conversions as an administrator makes them, with the same programs. */
export class Pki {
  readonly directory: string;

  /** @param directory where to; the files live as long as it does */
  constructor(directory: string) {
    this.directory = directory;
    const missing = installPrograms(["openssl", "java", "javac"]);
    if (missing.length > 0) throw new Error(howToInstall(missing));
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** Makes `NAME.pem` and `NAME.key`, good for 127.0.0.1. */
  async make(name: string, { issuer, isAuthority, keyType = "ec", usage, days = 60 }: Wanted = {}): Promise<PkiEntry> {
    const entry = { cert: this.path(`${name}.pem`), key: this.path(`${name}.key`) };
    const extensions = [
      `basicConstraints=critical,CA:${isAuthority === true ? "TRUE" : "FALSE"}`,
      "subjectAltName=DNS:localhost,IP:127.0.0.1",
      ...(usage === undefined ? [] : [`extendedKeyUsage=${usage}`]),
    ].flatMap((extension) => ["-addext", extension]);
    const by = issuer === undefined ? [] : ["-CA", this.path(`${issuer}.pem`), "-CAkey", this.path(`${issuer}.key`)];
    const out = ["-keyout", entry.key, "-out", entry.cert, "-subj", `/CN=${name}`, "-days", String(days)];
    await this.openssl("req", "-x509", "-nodes", ...keyOptions[keyType], ...extensions, ...by, ...out);
    return entry;
  }

  async openssl(...args: readonly string[]): Promise<void> {
    await run("openssl", args);
  }

  /**
   * Runs a command as a message gives it. Every prompt is answered with `secret`: without a terminal, openssl and
   * keytool read the answers from standard input.
   */
  async shell(command: string): Promise<void> {
    await run("setsid", ["-w", "bash", "-c", `yes secret | { ${command}; }`], { cwd: this.directory });
  }
}
