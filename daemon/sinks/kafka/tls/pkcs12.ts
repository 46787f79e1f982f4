/**
 * PKCS#12 (RFC 7292) with the algorithms that OpenSSL 3 and Java write today (PBES2 with AES, RFC 8018; PBMAC1, RFC 9579)
 * and triple DES, which both wrote before. Read here and not by Node's `pfx`, because that one makes every certificate
 * in the file an authority that brokers are trusted by.
 */
import { createDecipheriv, createHmac, hash, pbkdf2Sync, timingSafeEqual } from "node:crypto";
import { childOf, type DerElement, oidText, readDer, smallInteger, stringBytes, tags } from "./der.ts";

/** What is in a file, in its order; DER. */
interface Pkcs12Content {
  /** Private keys as PKCS#8. */
  readonly keys: readonly Buffer[];
  readonly certificates: readonly Buffer[];
}

/**
 * - passphrase: it is wrong or missing.
 * - legacy: protected by an algorithm that OpenSSL 3 no longer has without its legacy provider (RC2, RC4).
 * - unsupported: protected by another algorithm, or by more rounds than are worth waiting for.
 * - damaged: not a PKCS#12 file.
 */
type Pkcs12Fault = "passphrase" | "legacy" | "unsupported" | "damaged";

export class Pkcs12Error extends Error {
  override readonly name = "Pkcs12Error";
  readonly fault: Pkcs12Fault;

  constructor(fault: Pkcs12Fault, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.fault = fault;
  }
}

/**
 * Of all key derivations in one file together: some seconds of a processor. There are three in a usual file; Windows
 * writes 2,000 rounds for each, OpenSSL 2,048, Java 10,000, Firefox 600,000.
 */
const maxRounds = 4_000_000;

const oids = {
  data: "1.2.840.113549.1.7.1",
  encryptedData: "1.2.840.113549.1.7.6",
  keyBag: "1.2.840.113549.1.12.10.1.1",
  shroudedKeyBag: "1.2.840.113549.1.12.10.1.2",
  certBag: "1.2.840.113549.1.12.10.1.3",
  nestedBag: "1.2.840.113549.1.12.10.1.6",
  x509: "1.2.840.113549.1.9.22.1",
  pbes2: "1.2.840.113549.1.5.13",
  pbkdf2: "1.2.840.113549.1.5.12",
  pbmac1: "1.2.840.113549.1.5.14",
} as const;

/** With SHA-1, of three keys and of two. */
const tripleDesKeyBytes = new Map([
  ["1.2.840.113549.1.12.1.3", 24],
  ["1.2.840.113549.1.12.1.4", 16],
]);

/** The other algorithms of RFC 7292, appendix C. */
const legacyAlgorithms = new Map([
  ["1.2.840.113549.1.12.1.1", "RC4-128"],
  ["1.2.840.113549.1.12.1.2", "RC4-40"],
  ["1.2.840.113549.1.12.1.5", "RC2-128"],
  ["1.2.840.113549.1.12.1.6", "RC2-40"],
]);

const digests = new Map([
  ["1.3.14.3.2.26", "sha1"],
  ["2.16.840.1.101.3.4.2.4", "sha224"],
  ["2.16.840.1.101.3.4.2.1", "sha256"],
  ["2.16.840.1.101.3.4.2.2", "sha384"],
  ["2.16.840.1.101.3.4.2.3", "sha512"],
]);

const hmacs = new Map([
  ["1.2.840.113549.2.7", "sha1"],
  ["1.2.840.113549.2.8", "sha224"],
  ["1.2.840.113549.2.9", "sha256"],
  ["1.2.840.113549.2.10", "sha384"],
  ["1.2.840.113549.2.11", "sha512"],
]);

const ciphers = new Map([
  ["2.16.840.1.101.3.4.1.2", { name: "aes-128-cbc", keyBytes: 16 }],
  ["2.16.840.1.101.3.4.1.22", { name: "aes-192-cbc", keyBytes: 24 }],
  ["2.16.840.1.101.3.4.1.42", { name: "aes-256-cbc", keyBytes: 32 }],
  ["1.2.840.113549.3.7", { name: "des-ede3-cbc", keyBytes: 24 }],
]);

/** Whether the bytes begin as a PKCS#12 file does: a sequence of version 3 and its content. */
export function looksLikePkcs12(bytes: Buffer): boolean {
  try {
    const pfx = readDer(bytes);
    return (
      smallInteger(childOf(pfx, 0)) === 3 && oidText(childOf(childOf(pfx, 1), 0)).startsWith("1.2.840.113549.1.7.")
    );
  } catch {
    return false;
  }
}

/**
 * Keys and certificates of a PKCS#12 file. Its checksum, if it has one, is verified.
 * @param passphrase undefined: none, which tools write in two ways; both are tried
 * @throws Pkcs12Error
 */
export function readPkcs12(bytes: Buffer, passphrase: string | undefined): Pkcs12Content {
  const none = passphrase === undefined || passphrase === "";
  const secrets = none ? [secretOf("", "\0"), secretOf("", "")] : [secretOf(passphrase, `${passphrase}\0`)];
  let failure: unknown;
  for (const secret of secrets) {
    try {
      return contentOf(readDer(bytes), secret);
    } catch (reason) {
      failure ??= reason;
    }
  }
  if (failure instanceof Pkcs12Error) throw failure;
  throw new Pkcs12Error("damaged", "not a PKCS#12 file, or a damaged one", { cause: failure });
}

/** A pass phrase in the two forms that the algorithms take. */
interface Secret {
  /** For PBKDF2. */
  readonly utf8: Buffer;
  /** For the derivation of RFC 7292: UTF-16, the most significant byte first, with a closing NUL. */
  readonly utf16: Buffer;
  /** Rounds of key derivation that may still be made with it. */
  roundsLeft: number;
}

function secretOf(passphrase: string, terminated: string): Secret {
  const utf16 = Buffer.from(terminated, "utf16le").swap16();
  return { utf8: Buffer.from(passphrase), utf16, roundsLeft: maxRounds };
}

function contentOf(pfx: DerElement, secret: Secret): Pkcs12Content {
  const authSafe = childOf(pfx, 1, tags.sequence);
  if (oidText(childOf(authSafe, 0)) !== oids.data) {
    throw new Pkcs12Error("unsupported", "protected by a public key, not by a pass phrase");
  }
  const safe = dataOf(authSafe);
  const mac = pfx.children[2];
  if (mac !== undefined) verifyMac(mac, safe, secret);
  const found = { keys: [] as Buffer[], certificates: [] as Buffer[] };
  for (const info of readDer(safe).children) {
    const type = oidText(childOf(info, 0));
    if (type === oids.data) collect(readDer(dataOf(info)), secret, found);
    else if (type === oids.encryptedData) collect(readDer(decryptedData(info, secret)), secret, found);
    else throw new Pkcs12Error("unsupported", "protected by a public key, not by a pass phrase");
  }
  return found;
}

/** The bytes of a ContentInfo of type data. */
function dataOf(info: DerElement): Buffer {
  return stringBytes(childOf(childOf(info, 1, tags.explicit0), 0));
}

function decryptedData(info: DerElement, secret: Secret): Buffer {
  const encrypted = childOf(childOf(childOf(info, 1, tags.explicit0), 0), 1, tags.sequence);
  return decrypt(childOf(encrypted, 1, tags.sequence), stringBytes(childOf(encrypted, 2)), secret);
}

function collect(bags: DerElement, secret: Secret, found: { keys: Buffer[]; certificates: Buffer[] }): void {
  for (const bag of bags.children) {
    const value = childOf(childOf(bag, 1, tags.explicit0), 0);
    switch (oidText(childOf(bag, 0))) {
      case oids.keyBag:
        found.keys.push(value.whole);
        break;
      case oids.shroudedKeyBag:
        found.keys.push(decrypt(childOf(value, 0, tags.sequence), stringBytes(childOf(value, 1)), secret));
        break;
      case oids.certBag:
        if (oidText(childOf(value, 0)) === oids.x509) {
          found.certificates.push(stringBytes(childOf(childOf(value, 1, tags.explicit0), 0)));
        }
        break;
      case oids.nestedBag:
        collect(value, secret, found);
        break;
      default: // Revocation lists and secrets: nothing of ours.
    }
  }
}

function verifyMac(mac: DerElement, safe: Buffer, secret: Secret): void {
  const info = childOf(mac, 0, tags.sequence);
  const algorithm = childOf(info, 0, tags.sequence);
  const expected = stringBytes(childOf(info, 1));
  const actual = macOf(algorithm, mac, safe, secret);
  if (actual.length !== expected.length || !timingSafeEqual(actual, expected)) {
    throw new Pkcs12Error("passphrase", "the pass phrase is wrong");
  }
}

function macOf(algorithm: DerElement, mac: DerElement, safe: Buffer, secret: Secret): Buffer {
  const oid = oidText(childOf(algorithm, 0));
  if (oid === oids.pbmac1) {
    const parameters = childOf(algorithm, 1, tags.sequence);
    const digest = known(hmacs, oidText(childOf(childOf(parameters, 1), 0)), "a checksum");
    return createHmac(digest, pbkdf2(childOf(parameters, 0), undefined, secret))
      .update(safe)
      .digest();
  }
  const digest = known(digests, oid, "a checksum");
  const rounds = mac.children[2] === undefined ? 1 : roundsOf(childOf(mac, 2), secret);
  const salt = stringBytes(childOf(mac, 1));
  const keyBytes = hash(digest, Buffer.alloc(0), "buffer").length;
  return createHmac(digest, derive({ digest, purpose: 3, salt, rounds, length: keyBytes }, secret))
    .update(safe)
    .digest();
}

function decrypt(algorithm: DerElement, data: Buffer, secret: Secret): Buffer {
  const oid = oidText(childOf(algorithm, 0));
  const legacy = legacyAlgorithms.get(oid);
  if (legacy !== undefined) throw new Pkcs12Error("legacy", `encrypted with ${legacy}`);
  const { name, key, iv } = cipherOf(oid, childOf(algorithm, 1, tags.sequence), secret);
  const decipher = createDecipheriv(name, key, iv);
  try {
    return Buffer.concat([decipher.update(data), decipher.final()]);
  } catch (cause) {
    throw new Pkcs12Error("passphrase", "the pass phrase is wrong", { cause });
  }
}

function cipherOf(oid: string, parameters: DerElement, secret: Secret): { name: string; key: Buffer; iv: Buffer } {
  if (oid === oids.pbes2) {
    const scheme = childOf(parameters, 1, tags.sequence);
    const { name, keyBytes } = known(ciphers, oidText(childOf(scheme, 0)), "a cipher");
    return { name, key: pbkdf2(childOf(parameters, 0), keyBytes, secret), iv: stringBytes(childOf(scheme, 1)) };
  }
  const length = known(tripleDesKeyBytes, oid, "a cipher");
  const rounds = roundsOf(childOf(parameters, 1), secret);
  const from = { digest: "sha1", salt: stringBytes(childOf(parameters, 0)), rounds };
  const key = derive({ ...from, purpose: 1, length }, secret);
  const iv = derive({ ...from, purpose: 2, length: 8 }, secret);
  return { name: "des-ede3-cbc", key: length === 24 ? key : Buffer.concat([key, key.subarray(0, 8)]), iv };
}

/** @param keyBytes undefined: the parameters must say it */
function pbkdf2(kdf: DerElement, keyBytes: number | undefined, secret: Secret): Buffer {
  if (oidText(childOf(kdf, 0)) !== oids.pbkdf2)
    throw new Pkcs12Error("unsupported", "a key derivation that is not PBKDF2");
  const parameters = childOf(kdf, 1, tags.sequence);
  const [, , ...optional] = parameters.children;
  const length = optional.find(({ tag }) => tag === tags.integer);
  const prf = optional.find(({ tag }) => tag === tags.sequence);
  const digest = prf === undefined ? "sha1" : known(hmacs, oidText(childOf(prf, 0)), "a key derivation");
  const bytes = keyBytes ?? (length === undefined ? 0 : smallInteger(length));
  if (bytes < 1 || bytes > 128) throw new Pkcs12Error("unsupported", "a key of an odd length");
  const rounds = roundsOf(childOf(parameters, 1), secret);
  return pbkdf2Sync(secret.utf8, stringBytes(childOf(parameters, 0)), rounds, bytes, digest);
}

function roundsOf(element: DerElement, secret: Secret): number {
  const rounds = smallInteger(element);
  if (rounds < 1 || rounds > secret.roundsLeft) {
    throw new Pkcs12Error(
      "unsupported",
      `${rounds} rounds of key derivation; at most ${maxRounds} are accepted in all`,
    );
  }
  secret.roundsLeft -= rounds;
  return rounds;
}

function known<T>(algorithms: ReadonlyMap<string, T>, oid: string, what: string): T {
  const found = algorithms.get(oid);
  if (found === undefined) throw new Pkcs12Error("unsupported", `${what} that is not supported (${oid})`);
  return found;
}

interface Derivation {
  readonly digest: string;
  /** 1: a key, 2: an initialisation vector, 3: a key for the checksum. */
  readonly purpose: 1 | 2 | 3;
  readonly salt: Buffer;
  readonly rounds: number;
  /** Bytes that are wanted. */
  readonly length: number;
}

/** RFC 7292, appendix B.2; its names for the values. */
function derive({ digest, purpose, salt, rounds, length }: Derivation, secret: Secret): Buffer {
  const u = hash(digest, Buffer.alloc(0), "buffer").length;
  const v = u > 32 ? 128 : 64;
  const fill = (bytes: Buffer): Buffer =>
    bytes.length === 0 ? bytes : Buffer.alloc(v * Math.ceil(bytes.length / v), bytes);
  const d = Buffer.alloc(v, purpose);
  const i = Buffer.concat([fill(salt), fill(secret.utf16)]);
  const out: Buffer[] = [];
  for (let made = 0; made < length; made += u) {
    let a = hash(digest, Buffer.concat([d, i]), "buffer");
    for (let round = 1; round < rounds; round++) a = hash(digest, a, "buffer");
    out.push(a);
    addToBlocks(i, Buffer.alloc(v, a));
  }
  return Buffer.concat(out).subarray(0, length);
}

/** Adds a number and 1 to each of the numbers of the same size that the bytes are made of. */
function addToBlocks(blocks: Buffer, addend: Buffer): void {
  for (let start = 0; start < blocks.length; start += addend.length) {
    let carry = 1;
    for (let at = addend.length - 1; at >= 0; at--) {
      const sum = (blocks[start + at] ?? 0) + (addend[at] ?? 0) + carry;
      blocks[start + at] = sum & 0xff;
      carry = sum >> 8;
    }
  }
}
