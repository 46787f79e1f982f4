import { hash } from "node:crypto";
import { printable } from "../printable.ts";
import { canonicalJson, isTooDeep, NotCanonical } from "./canonical-json.ts";
import { type Manifest, manifestForm, manifestVersion } from "./manifest.ts";

/** A manifest coarsens its buckets long before; Kafka takes 1 MB unless the topic is set otherwise. */
export const maxManifestBytes = 4 * 1024 * 1024;
const maxShown = 120;

/**
 * What a value in the topic of manifests is.
 * - manifest: of version 1 and in the canonical form; whether its signature is right is another question.
 * - version: a manifest of another version, of which nothing is guessed.
 * - foreign: anything else, and why.
 * Texts are printable.
 */
export type ManifestReading =
  | { readonly kind: "manifest"; readonly manifest: Manifest; readonly hash: string }
  | { readonly kind: "version"; readonly version: string }
  | { readonly kind: "foreign"; readonly why: string };

/** Reads a record's value, whoever wrote it. Never throws. */
export function readManifest(value: Buffer | null): ManifestReading {
  if (value === null || value.length === 0) return foreign("it is empty");
  if (value.length > maxManifestBytes) return foreign(`it has ${value.length} bytes, more than ${maxManifestBytes}`);
  let json: string;
  let parsed: unknown;
  try {
    json = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value);
    if (isTooDeep(json)) return foreign("it is nested too deeply");
    parsed = JSON.parse(json);
  } catch {
    return foreign("it is not JSON in UTF-8");
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return foreign("it is not an object");
  const version: unknown = Object.hasOwn(parsed, "version") ? Reflect.get(parsed, "version") : undefined;
  if (version === undefined) return foreign("it has no version");
  if (version !== manifestVersion) return { kind: "version", version: shown(JSON.stringify(version)) };
  const checked = manifestForm.safeParse(parsed);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    return foreign(`${issue?.path.map(String).join(".") ?? ""}: ${issue?.message ?? "not a manifest"}`);
  }
  // One content has one text: blanks, another order, a name twice or a large number would be another.
  if (canonicalOf(parsed) !== json) return foreign("it is not in the canonical form of RFC 8785");
  return { kind: "manifest", manifest: checked.data, hash: manifestHash(value) };
}

/** What `previous` of the next manifest is: SHA-256 of the value's bytes, in hex. */
export function manifestHash(value: Buffer): string {
  return hash("sha256", value, "hex");
}

function canonicalOf(value: unknown): string | undefined {
  try {
    return canonicalJson(value);
  } catch (reason) {
    if (reason instanceof NotCanonical) return undefined;
    throw reason;
  }
}

function foreign(why: string): ManifestReading {
  return { kind: "foreign", why: shown(why) };
}

function shown(text: string): string {
  const line = printable(text);
  return line.length > maxShown ? `${line.slice(0, maxShown)}…` : line;
}
