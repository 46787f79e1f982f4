/** Detached OpenPGP signatures, made by GnuPG with a key of the builder's. */
import { execFileSync } from "node:child_process";

/** Makes a signature over some bytes. */
export type Sign = (content: Buffer) => Buffer;

export interface Signer {
  /** As OpenPGP packets. */
  readonly binary: Sign;
  /** As text. */
  readonly armoured: Sign;
}

/**
 * @param key what GnuPG knows the key by, best its fingerprint; its home and agent are GnuPG's own matter (GNUPGHOME)
 * @throws Error when there is no such secret key, before a minute of packing
 */
export function signerOf(key: string): Signer {
  if (key === "") throw new Error('--sign: "" is not the id of a key');
  const sign = (content: Buffer, form: readonly string[]): Buffer => {
    // SHA-512 is long enough for every kind of key, and known to every rpm that reads these packages.
    const options = ["--batch", "--quiet", "--digest-algo", "SHA512", "--local-user", key, ...form, "--detach-sign"];
    try {
      return execFileSync("gpg", options, { input: content, stdio: ["pipe", "pipe", "pipe"] });
    } catch (reason) {
      throw new Error(`--sign ${key}: GnuPG does not sign with this key: ${wordsOf(reason)}`, { cause: reason });
    }
  };
  const signer = {
    binary: (content: Buffer) => sign(content, ["--no-armor"]),
    armoured: (content: Buffer) => sign(content, ["--armor"]),
  };
  rpmTagOf(signer.binary(Buffer.from("may this key sign?\n")));
  return signer;
}

/** Public-key algorithms of OpenPGP (RFC 4880, section 9.1, and RFC 9580 for the last). */
const rsa: readonly number[] = [1, 3];
const others: readonly number[] = [17, 19, 22];

/**
 * The tag of an RPM's signature table that such a signature over the package's table has: RSAHEADER, or for all other
 * kinds of key DSAHEADER.
 * @param signature one OpenPGP signature packet
 * @throws Error when it is not one that rpm reads
 */
export function rpmTagOf(signature: Buffer): number {
  const body = signature.subarray(headerBytes(signature));
  const [version, , algorithm = 0] = body;
  if (version !== 4)
    throw new Error(`rpm reads signatures of version 4, and this key makes version ${String(version)}`);
  if (rsa.includes(algorithm)) return 268;
  if (others.includes(algorithm)) return 267;
  throw new Error(`rpm cannot verify a key of this kind (OpenPGP algorithm ${algorithm}); use an RSA key`);
}

/** Of a packet: its kind, and its length in one of the old or new forms (RFC 4880, section 4.2). */
function headerBytes(packet: Buffer): number {
  const [first = 0, second = 0] = packet;
  const isNew = (first & 0x40) !== 0;
  const kind = isNew ? first & 0x3f : (first >> 2) & 0x0f;
  if ((first & 0x80) === 0 || kind !== 2) throw new Error("GnuPG wrote something that is not a signature");
  if (!isNew) return 1 + (1 << (first & 3));
  if (second < 192) return 2;
  return second < 224 ? 3 : 6;
}

/** What GnuPG said, on one line. */
function wordsOf(reason: unknown): string {
  const said = reason instanceof Error && "stderr" in reason ? String(reason.stderr).trim() : "";
  if (said !== "") return said.replaceAll("\n", "; ");
  return reason instanceof Error ? reason.message : String(reason);
}
