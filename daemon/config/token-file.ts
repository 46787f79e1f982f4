import { createHash } from "node:crypto";
import { readWithStatsSync } from "../disk/read-file.ts";
import { DfnError } from "../errors.ts";
import { quotePath } from "../sinks/kafka/tls/forms.ts";
import { unreadableConfig } from "./small-file.ts";

const minLength = 32;
const maxLength = 4096;
/** A token with the newline at its end. */
const maxFileBytes = maxLength + 2;
/** What `Authorization: Bearer` can carry (RFC 6750, section 2.1). */
const tokenForm = /^[A-Za-z0-9._~+/-]+=*$/;

/** What is compared in place of the tokens themselves: equally long, whatever was sent. */
export function tokenDigest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

/**
 * The digest of the token in a file, which holds it alone; one newline at its end is not part of it.
 * @param setting its full name, for the message
 * @throws DfnError CONFIG when it cannot be read, when others may read or write it, when it is short, or not a token
 */
export function readTokenDigest(setting: string, path: string): Buffer {
  const make = `make one with: (umask 077; openssl rand -base64 48 >${quotePath(path)})`;
  const wrong = (what: string, remedy: string, cause?: unknown): DfnError =>
    new DfnError("CONFIG", `${setting}: ${path} ${what}; ${remedy}`, { cause });
  let file: ReturnType<typeof readWithStatsSync>;
  try {
    file = readWithStatsSync(path, { maxBytes: maxFileBytes, links: "follow" });
  } catch (reason) {
    if (reason instanceof DfnError) throw wrong("is not the file of a token", make, reason);
    throw new DfnError("CONFIG", `${setting}: ${path} ${unreadableConfig(reason, make)}`, { cause: reason });
  }
  if ((file.stats.mode & 0o006) !== 0) {
    throw wrong(
      "may be read or written by everybody",
      `fix it with: chmod o-rw ${quotePath(path)}, and renew the token`,
    );
  }
  const token = file.bytes.toString("latin1").replace(/\r?\n$/, "");
  if (token.length < minLength) {
    throw wrong(`holds ${token.length} characters, and a token has at least ${minLength}`, make);
  }
  if (!tokenForm.test(token)) {
    throw wrong("holds something other than one token of letters, digits and . _ ~ + / - =", make);
  }
  return tokenDigest(token);
}
