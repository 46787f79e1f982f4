/** Signatures of manifests: Ed25519. */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { canonicalJson } from "./canonical-json.ts";
import type { Manifest } from "./manifest.ts";

/** Text or a file is not an Ed25519 key of the kind that is wanted. */
export class UnusableKey extends Error {}

/** A public key that signatures are checked with. */
export interface ManifestKey {
  readonly key: KeyObject;
  /** SHA-256 in hex of SubjectPublicKeyInfo in DER: `openssl pkey -pubin -outform DER | sha256sum`. */
  readonly fingerprint: string;
  /** SubjectPublicKeyInfo in base64: what is between the lines of a PEM file. */
  readonly text: string;
}

/** The bytes that are signed: the canonical form without the member `signature`. */
function signedBytes(manifest: Manifest): Buffer {
  const { signature: _, ...rest } = manifest;
  return Buffer.from(canonicalJson(rest));
}

/**
 * The value of a record: the canonical form with key and signature; without both if there is no key.
 * @throws NotCanonical for texts and numbers that have no canonical form
 */
export function manifestValue(content: Omit<Manifest, "key" | "signature">, privateKey: KeyObject | undefined): Buffer {
  if (privateKey === undefined) return Buffer.from(canonicalJson(content));
  const manifest = { ...content, key: publicPart(privateKey).fingerprint };
  const signature = sign(null, signedBytes(manifest), privateKey).toString("base64");
  return Buffer.from(canonicalJson({ ...manifest, signature }));
}

/** Whether a manifest names this key and bears its signature. */
export function isSignedBy(manifest: Manifest, { key, fingerprint }: ManifestKey): boolean {
  if (manifest.signature === undefined || manifest.key !== fingerprint) return false;
  return verify(null, signedBytes(manifest), key, Buffer.from(manifest.signature, "base64"));
}

/** The public part of a private key. */
export function publicPart(privateKey: KeyObject): ManifestKey {
  return manifestKey(createPublicKey(privateKey));
}

/**
 * A public key in PEM, or what is between the lines of one.
 * @throws UnusableKey that says what it is instead
 */
export function readPublicKey(text: string): ManifestKey {
  const isPem = text.includes("-----BEGIN");
  if (isPem && text.includes("PRIVATE KEY"))
    throw new UnusableKey("this is a private key; use the public one: openssl pkey -in KEY -pubout");
  let key: KeyObject;
  try {
    const der = Buffer.from(text.trim(), "base64");
    key = createPublicKey(isPem ? text : { key: der, format: "der", type: "spki" });
  } catch (cause) {
    throw new UnusableKey("this is not a public key, in PEM or as base64 of SubjectPublicKeyInfo", { cause });
  }
  assertEd25519(key);
  return manifestKey(key);
}

/**
 * The private key of a forwarder, in PEM (PKCS#8) without pass phrase.
 * @throws UnusableKey with the remedy
 */
export function readPrivateKey(pem: Buffer): KeyObject {
  const remedy = "make one: openssl genpkey -algorithm ed25519";
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    throw new UnusableKey(`this is not a private key in PEM without pass phrase; ${remedy}`, { cause });
  }
  assertEd25519(key, `; ${remedy}`);
  return key;
}

function assertEd25519(key: KeyObject, remedy = ""): void {
  if (key.asymmetricKeyType === "ed25519") return;
  throw new UnusableKey(
    `this is a key of type ${key.asymmetricKeyType ?? "unknown"}; manifests are signed with Ed25519${remedy}`,
  );
}

function manifestKey(key: KeyObject): ManifestKey {
  const der = key.export({ format: "der", type: "spki" });
  return { key, fingerprint: createHash("sha256").update(der).digest("hex"), text: der.toString("base64") };
}
