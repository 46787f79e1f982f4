/**
 * Compares the manifests in a topic with the records in others: the referee's own code (`node-writer.ts`), which takes
 * nothing from the product.
 */
import { createPublicKey, verify, type KeyObject } from "node:crypto";
import { z } from "zod";
import type { ReadRecord } from "../read-topic.ts";
import { entriesOf, jcs, sha256Hex, type Members, type WrittenRecord } from "./node-writer.ts";

const entry = z.looseObject({
  topic: z.string(),
  handler: z.string(),
  node: z.string(),
  bucket: z.string(),
  count: z.number(),
  socket: z.number(),
  sum: z.string(),
});
const lines = z.object({
  total: z.number(),
  ignored: z.number(),
  relevant: z.number(),
  too_old: z.number(),
  broken: z.number(),
  salvaged: z.number(),
});
const manifest = z.looseObject({
  stream: z.string(),
  sequence: z.number(),
  node: z.string(),
  time: z.string(),
  previous: z.string().nullable(),
  succeeds: z.looseObject({ stream: z.string(), sequence: z.number(), reason: z.string() }).optional(),
  stopping: z.boolean().optional(),
  visits: z.array(z.looseObject({ file: z.string().nullable(), from: z.number(), to: z.number(), visit: z.number() })),
  lines,
  dead: z.array(z.looseObject({ reason: z.string(), count: z.number() })),
  records: z.array(entry),
  unlined: z.array(entry),
  additions: z.array(z.looseObject({ id: z.string(), reason: z.string(), records: z.array(entry).nullable() })),
  signature: z.string().optional(),
});
export type SeenManifest = z.infer<typeof manifest>;
type Entry = z.infer<typeof entry>;
const members = z.record(z.string(), z.json());

/** What a referee found. */
export interface Judged {
  /** In the order in which they are in the topic; each content once. */
  readonly manifests: readonly SeenManifest[];
  /** What is wrong, a sentence each. */
  readonly faults: readonly string[];
  readonly lines: z.infer<typeof lines>;
  /** Records that manifests announce, and those of them that the socket brought first. */
  readonly announced: number;
  readonly bySocket: number;
}

/**
 * Reads manifests and checks each chain.
 * @param values of the topic of manifests, in their order
 * @param key    that has signed all of them; undefined: none is signed
 */
export function readChains(
  values: readonly Buffer[],
  key: KeyObject | undefined,
): Pick<Judged, "manifests" | "faults"> {
  const faults: string[] = [];
  const seen = new Map<string, SeenManifest>();
  const before = new Map<string, { readonly sequence: number; readonly hash: string }>();
  for (const value of values) {
    const hash = sha256Hex(value);
    if (seen.has(hash)) continue;
    const written = members.parse(JSON.parse(value.toString()));
    const one = manifest.parse(written);
    seen.set(hash, one);
    const name = `${one.stream} ${one.sequence}`;
    if (jcs(written) !== value.toString()) faults.push(`${name} is not in the canonical form`);
    if (!isSigned(written, key)) faults.push(`${name} is not signed as it should be`);
    const last = before.get(one.stream);
    if ((last?.sequence ?? 0) + 1 !== one.sequence) faults.push(`${name} comes after ${last?.sequence ?? 0}`);
    if ((last?.hash ?? null) !== one.previous) faults.push(`${name} does not follow the one before`);
    before.set(one.stream, { sequence: one.sequence, hash });
    const { total, ignored, relevant, too_old: old, broken } = one.lines;
    if (total !== ignored + relevant + old + broken) faults.push(`${name} counts its lines wrongly`);
  }
  return { manifests: [...seen.values()], faults };
}

/**
 * Reads manifests and adds them up.
 * @param values  of the topic of manifests, in their order
 * @param records of the topics of records; those with the source `replay` are compared with the additions
 * @param key     that has signed all of them; undefined: none is signed
 */
export function refereeManifests(
  values: readonly Buffer[],
  records: readonly WrittenRecord[],
  key: KeyObject | undefined,
): Judged {
  const { manifests, faults: ofChains } = readChains(values, key);
  const faults = [...ofChains];
  const sent = records.filter(({ headers }) => headers["wazuh-dfn-source"] !== "replay");
  const again = records.filter(({ headers }) => headers["wazuh-dfn-source"] === "replay");
  const announced = manifests.flatMap((one) => [...one.records, ...one.unlined]);
  const added = manifests.flatMap(({ additions }) => additions.flatMap((one) => one.records ?? []));
  faults.push(...differences(announced, sent), ...differences(added, again).map((text) => `sent again: ${text}`));
  const total = { total: 0, ignored: 0, relevant: 0, too_old: 0, broken: 0, salvaged: 0 };
  for (const { lines: of } of manifests) {
    total.total += of.total;
    total.ignored += of.ignored;
    total.relevant += of.relevant;
    total.too_old += of.too_old;
    total.broken += of.broken;
    total.salvaged += of.salvaged;
  }
  return {
    manifests,
    faults,
    lines: total,
    announced: announced.reduce((sum, { count }) => sum + count, 0),
    bySocket: announced.reduce((sum, { socket }) => sum + socket, 0),
  };
}

/** A record of a topic as the referee compares it. */
export function writtenRecord(topic: string, { key, value, headers }: ReadRecord): WrittenRecord {
  return {
    topic,
    key: key?.toString() ?? "",
    value,
    headers: Object.fromEntries(headers.map(([name, text]) => [name, text?.toString() ?? ""])),
  };
}

function isSigned(written: Members, key: KeyObject | undefined): boolean {
  const { signature, ...rest } = written;
  if (key === undefined || typeof signature !== "string") return key === undefined && signature === undefined;
  return verify(null, Buffer.from(jcs(rest)), createPublicKey(key), Buffer.from(signature, "base64"));
}

/** Entries by entry: what is announced against what is there. */
function differences(announced: readonly Entry[], records: readonly WrittenRecord[]): string[] {
  const said = added(announced);
  const found = added(entriesOf(records).map((one) => entry.parse(one)));
  const faults: string[] = [];
  for (const name of new Set([...said.keys(), ...found.keys()])) {
    const [a, b] = [said.get(name), found.get(name)];
    if (a?.count === b?.count && a?.socket === b?.socket && a?.sum === b?.sum) continue;
    faults.push(
      `${name}: announced ${a?.count ?? 0} (${a?.socket ?? 0} by the socket), there ${b?.count ?? 0} (${b?.socket ?? 0}), sums ${a?.sum === b?.sum ? "equal" : "differ"}`,
    );
  }
  return faults;
}

function added(entries: readonly Entry[]): Map<string, { count: number; socket: number; sum: bigint }> {
  const all = new Map<string, { count: number; socket: number; sum: bigint }>();
  for (const { topic, handler, node, bucket, count, socket, sum } of entries) {
    const name = [topic, handler, node, bucket].join(" ");
    const known = all.get(name) ?? { count: 0, socket: 0, sum: 0n };
    known.count += count;
    known.socket += socket;
    known.sum = (known.sum + BigInt(`0x${sum}`)) & ((1n << 256n) - 1n);
    all.set(name, known);
  }
  return all;
}
