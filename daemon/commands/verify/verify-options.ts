/** The options of `verify`, read. */
import { readRegularFileSync } from "../../disk/read-file.ts";
import { describe, DfnError } from "../../errors.ts";
import { type ManifestKey, readPublicKey, UnusableKey } from "../../manifest/signature.ts";
import { usageError } from "../command-line.ts";

const maxKeyBytes = 64 * 1024;
/** A key in the option itself; a node's name may hold an equals sign. */
const written = /^(.+)=(MCowBQYDK2VwAyEA[A-Za-z0-9+/]{43}=)$/s;

/**
 * `NODE=PUBLIC` each, where PUBLIC is a key in base64, or a file that holds one in PEM or base64. A node may have several.
 * @throws DfnError USAGE, IO for a file that cannot be read
 */
export function keysByNode(options: readonly string[]): ReadonlyMap<string, readonly ManifestKey[]> {
  const keys = new Map<string, ManifestKey[]>();
  for (const option of options) {
    const [node, text] = split(option);
    keys.set(node, [...(keys.get(node) ?? []), keyOf(node, text)]);
  }
  return keys;
}

function split(option: string): readonly [node: string, text: string] {
  const [, named, key] = written.exec(option) ?? [];
  if (named !== undefined && key !== undefined) return [named, key];
  const at = option.indexOf("=");
  const [node, path] = [option.slice(0, Math.max(at, 0)), option.slice(at + 1)];
  if (node === "" || path === "")
    throw verifyUsage(`--key ${option}: use NODE=PUBLIC, a public key or a file with one`);
  return [node, textOf(path)];
}

function textOf(path: string): string {
  try {
    return readRegularFileSync(path, { maxBytes: maxKeyBytes, links: "follow" }).toString();
  } catch (cause) {
    const text = `it is neither a public key of Ed25519 in base64 nor a file that can be read: ${describe(cause)}`;
    throw new DfnError("IO", `verify: --key ${path}: ${text}`, { cause });
  }
}

function keyOf(node: string, text: string): ManifestKey {
  try {
    return readPublicKey(text);
  } catch (cause) {
    if (!(cause instanceof UnusableKey)) throw cause;
    throw new DfnError("USAGE", `verify: --key of ${node}: ${cause.message}`, { cause });
  }
}

/** `NODE=STREAM` each. @throws DfnError USAGE */
export function acceptedStreams(options: readonly string[]): ReadonlySet<string> {
  for (const option of options)
    if (!/^.+=[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/s.test(option))
      throw verifyUsage(`--accept ${option}: use NODE=STREAM, as the finding names it`);
  return new Set(options);
}

/** Where metrics are served: this machine alone may ask. */
export interface MetricsAddress {
  readonly host: string;
  readonly port: number;
}

/** @throws DfnError USAGE */
export function metricsAddress(text: string): MetricsAddress {
  const [, host, bracketed, port] = /^(?:(127(?:\.\d{1,3}){3}|localhost)|\[(::1)\]):(\d{1,5})$/.exec(text) ?? [];
  if (port !== undefined && Number(port) < 65_536) return { host: host ?? bracketed ?? "", port: Number(port) };
  throw verifyUsage(`--listen ${text}: use a loopback address and a port, such as 127.0.0.1:9466`);
}

export function verifyUsage(sentence: string): DfnError {
  return usageError({ name: "verify" }, sentence);
}
