import type { KeyObject } from "node:crypto";
import { readWithStatsSync } from "../disk/read-file.ts";
import { describe, DfnError, isAbsent } from "../errors.ts";
import { readPrivateKey, UnusableKey } from "../manifest/signature.ts";
import type { SigningKeys } from "../proof/chain.ts";
import { quotePath } from "../sinks/kafka/tls/forms.ts";
import { Accounts, readAccess, secretAccess } from "./file-access.ts";
import type { Config } from "./schema.ts";
import { unreadableConfig } from "./small-file.ts";
import type { Problem } from "./values/problem.ts";

const setting = "manifest.key_file";
const maxKeyBytes = 64 * 1024;

/** Where the key is that is to take the place of another. */
export function nextKeyFile(keyFile: string): string {
  return `${keyFile}.next`;
}

/**
 * The keys that sign manifests.
 * @param keyFile undefined: none
 * @throws DfnError CONFIG for a file that cannot be read, is no such key, or that everybody may read
 */
export function readSigningKeys(keyFile: string | undefined): SigningKeys {
  if (keyFile === undefined) return { current: undefined, next: undefined };
  return { current: readKey(keyFile), next: readKey(nextKeyFile(keyFile), true) };
}

/**
 * What is wrong or risky with the keys that sign manifests: what `readSigningKeys` would refuse, with both files looked at,
 * and who else could sign with them.
 */
export function inspectSigningKeys({ manifest }: Config): Problem[] {
  const keyFile = manifest?.keyFile;
  if (keyFile === undefined) return [];
  const accounts = new Accounts();
  return [keyFile, nextKeyFile(keyFile)].flatMap((path): Problem[] => {
    try {
      const key = path === keyFile ? readKey(path) : readKey(path, true);
      if (key === undefined) return [];
    } catch (reason) {
      if (!(reason instanceof DfnError)) throw reason;
      return [{ severity: "error", setting, message: reason.message }];
    }
    return [...secretAccess(setting, path, accounts), ...readAccess(setting, path, accounts)];
  });
}

function readKey(path: string): KeyObject;
function readKey(path: string, mayBeAbsent: true): KeyObject | undefined;
function readKey(path: string, mayBeAbsent = false): KeyObject | undefined {
  const make = `make one with: (umask 077; openssl genpkey -algorithm ed25519 -out ${quotePath(path)})`;
  let file: ReturnType<typeof readWithStatsSync>;
  try {
    file = readWithStatsSync(path, { maxBytes: maxKeyBytes, links: "follow" });
  } catch (cause) {
    if (mayBeAbsent && isAbsent(cause)) return undefined;
    const what = cause instanceof DfnError ? describe(cause) : `${path} ${unreadableConfig(cause, make)}`;
    throw new DfnError("CONFIG", `${setting}: ${what}`, { cause });
  }
  if ((file.stats.mode & 0o006) !== 0) {
    const remedy = `fix it with: chmod o-rw ${quotePath(path)}, and replace the key`;
    throw new DfnError("CONFIG", `${setting}: ${path} may be read or written by everybody; ${remedy}`);
  }
  try {
    return readPrivateKey(file.bytes);
  } catch (cause) {
    if (!(cause instanceof UnusableKey)) throw cause;
    throw new DfnError("CONFIG", `${setting}: ${path}: ${cause.message}`, { cause });
  }
}
