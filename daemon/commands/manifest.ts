import type { Config } from "../config/schema.ts";
import { readRegularFileSync } from "../disk/read-file.ts";
import { describe, DfnError } from "../errors.ts";
import { usageError } from "./command-line.ts";
import { manifestSchema } from "../manifest/manifest.ts";
import { publicPart, readPrivateKey, UnusableKey } from "../manifest/signature.ts";
import { type Command, configOptions, configOptionsHelp, loadConfig, parseCommandLine } from "./command.ts";

const maxKeyBytes = 64 * 1024;

export const manifestCommand: Command = {
  name: "manifest",
  summary: "prints the public key that manifests are signed with, or their schema",
  usage: `Prints what the other side needs to check manifests: docs/for-the-soc.md.

Usage: wazuh-dfn manifest key [FILE] [--config FILE] [--set NAME=VALUE]...
       wazuh-dfn manifest schema

  key [FILE]          the public part of the private key in FILE, or else in manifest.key_file of
                      the configuration, as wazuh-dfn verify --key takes it (SubjectPublicKeyInfo
                      in base64), and its SHA-256, which each manifest names
  schema              a JSON Schema of a manifest
${configOptionsHelp}`,
  async run(args, io) {
    const { positionals, values } = parseCommandLine(manifestCommand, args, configOptions, { min: 1, max: 2 });
    const [action, path] = positionals;
    if (action === "schema" && path === undefined) {
      io.stdout.write(`${JSON.stringify(manifestSchema(), undefined, 2)}\n`);
    } else if (action === "key") {
      const { text, fingerprint } = publicPartOf(path ?? keyFileOf(loadConfig(values, io)));
      io.stdout.write(`${text}\n`);
      io.stderr.write(`SHA-256 ${fingerprint}\n`);
    } else throw usageError(manifestCommand, "use key [FILE], or schema");
    return 0;
  },
};

/** @throws DfnError CONFIG where there is none */
function keyFileOf({ manifest }: Config): string {
  if (manifest?.keyFile !== undefined) return manifest.keyFile;
  throw new DfnError("CONFIG", "manifest.key_file is not set; name the file of the key: wazuh-dfn manifest key FILE");
}

/** @throws DfnError IO if the file cannot be read, CONFIG if it is not such a key */
function publicPartOf(path: string): { readonly text: string; readonly fingerprint: string } {
  let pem: Buffer;
  try {
    pem = readRegularFileSync(path, { maxBytes: maxKeyBytes, links: "follow" });
  } catch (cause) {
    throw new DfnError("IO", `${path} cannot be read: ${describe(cause)}`, { cause });
  }
  try {
    return publicPart(readPrivateKey(pem));
  } catch (cause) {
    if (!(cause instanceof UnusableKey)) throw cause;
    throw new DfnError("CONFIG", `${path}: ${cause.message}`, { cause });
  }
}
