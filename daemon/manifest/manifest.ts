/** A manifest of version 1: what a forwarder says of a stretch of its log (docs/for-the-soc.md). */
import { z } from "zod";
import { bucketPattern, bucketStartMs, noBucket } from "./bucket.ts";

/** The version that this program writes, and the only one that it reads. */
export const manifestVersion = 1;

/** Bounds of what is believed of a manifest. Its bytes are bounded too (`maxManifestBytes`). */
const max = { text: 1024, names: 1000, visits: 10_000, skipped: 1000, entries: 10_000, dead: 1000, additions: 1000 };

/** Why a stream goes on from another one. */
export const successionReasons = ["restored", "cloned", "lost", "fallback"] as const;
/** Why records are sent on purpose. */
export const additionReasons = ["replay", "dead-letter", "missing"] as const;

const text = z.string().max(max.text);
const count = z.int().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const uuid = z.string().regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
const topic = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,249}$/)
  .describe("A topic of Kafka.");
const time = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  .refine((written) => !Number.isNaN(Date.parse(written)), "not a time")
  .describe("UTC, with milliseconds.");
const bucket = z
  .string()
  .regex(bucketPattern)
  .refine((written) => written === noBucket || !Number.isNaN(bucketStartMs(written)), "not a day")
  .describe(
    "A UTC minute, 2026-11-29T10:00Z; an hour, 2026-11-29T10Z; or none, for ids that do not begin with a second.",
  );

const entry = z
  .strictObject({
    topic,
    handler: text.describe("Header wazuh-dfn-handler."),
    node: text.describe("Header wazuh-node."),
    bucket,
    count: z.int().min(1).describe("Records."),
    socket: count.describe("How many of them the socket brought first."),
    sum: sha256.describe("Sum of the record digests modulo 2^256."),
    digest: sha256.describe("SHA-256 of the record digests, sorted by their bytes and put one behind the other."),
  })
  .refine(({ count: all, socket }) => socket <= all, "more records of the socket than records");

const visit = z
  .strictObject({
    file: text.nullable().describe("Dated name of the log file; null while it has none."),
    head: z
      .strictObject({ length: count.describe("Bytes."), hash: sha256.describe("SHA-256 of the first bytes.") })
      .nullable()
      .describe("What the file begins with, decompressed."),
    from: count.describe("First byte of the stretch, decompressed."),
    to: count.describe("The byte behind its last one, decompressed."),
    visit: count.describe("Number of the visit: the same file is read on under the same number."),
    lost_bytes: count.optional().describe("The file was truncated or replaced: bytes that were there and not read."),
    skipped: z
      .array(z.strictObject({ from: count, to: count.nullable().describe("Null: not known."), reason: text }))
      .max(max.skipped)
      .optional()
      .describe("What could not be read."),
  })
  .refine(({ from, to }) => from <= to, "a stretch that ends before it begins");

const entries = z
  .array(entry)
  .max(max.entries)
  .refine((all) => new Set(all.map(entryName)).size === all.length, "two entries of one bucket");

function entryName(one: { topic: string; handler: string; node: string; bucket: string }): string {
  return JSON.stringify([one.topic, one.handler, one.node, one.bucket]);
}

const publicKey = z
  .string()
  .regex(/^MCowBQYDK2VwAyEA[A-Za-z0-9+/]{43}=$/)
  .describe("An Ed25519 public key: SubjectPublicKeyInfo in base64.");

/** The form of a manifest's value. */
export const manifestForm = z
  .strictObject({
    version: z.literal(manifestVersion),
    stream: uuid.describe("Which chain of manifests this is one of."),
    sequence: z.int().min(1).describe("1, 2, 3 … in the stream."),
    node: text.describe("Who speaks; also the record's key."),
    names: z.array(text).max(max.names).describe("Every wazuh-node header that the stream has used."),
    time: time.describe("When the manifest was cut, by the node's clock: UTC, with milliseconds."),
    interval: z.int().min(1).describe("Milliseconds within which the next one comes."),
    software: text.describe("Program and version."),
    key: sha256.optional().describe("SHA-256 of the public key (SubjectPublicKeyInfo, DER); absent without signature."),
    previous: sha256.nullable().describe("SHA-256 of the value of the manifest before; null for sequence 1."),
    succeeds: z
      .strictObject({ stream: uuid, sequence: z.int().min(1), hash: sha256, reason: z.enum(successionReasons) })
      .optional()
      .describe("In sequence 1 alone: the manifest of another stream that this one goes on from, and why."),
    next_key: publicKey.optional().describe("From the next manifest on, this key signs."),
    next_node: text.optional().describe("From the next manifest on, this is the node."),
    stopping: z.literal(true).optional().describe("The forwarder stops on purpose; the next one comes when it starts."),
    visits: z.array(visit).max(max.visits).describe("The stretch of the log, in order."),
    open_from: bucket
      .refine((written) => written !== noBucket, "not a time")
      .describe("The lowest bucket that may still grow."),
    lines: z
      .strictObject({
        total: count.describe("ignored + too_old + relevant + broken."),
        ignored: count,
        relevant: count,
        too_old: count,
        broken: count,
        salvaged: count.describe("Whole alerts that were taken out of broken lines."),
      })
      .describe("Lines of the stretch."),
    dead: z
      .array(z.strictObject({ topic: topic.nullable(), handler: text.nullable(), reason: text, count }))
      .max(max.dead)
      .describe("Dead letters of the stretch."),
    records: entries.describe("What must be in which topic for the lines of the stretch."),
    unlined: entries.describe("The same for records of the socket whose line has not come."),
    additions: z
      .array(
        z.strictObject({
          id: uuid,
          reason: z.enum(additionReasons),
          begun: time,
          records: entries.nullable().describe("Null while it goes on: announced before its first record."),
        }),
      )
      .max(max.additions)
      .describe("What was sent again on purpose: records with the source replay."),
    config: sha256.describe("Hash of the settings that decide records."),
    signature: z
      .string()
      .regex(/^[A-Za-z0-9+/]{86}==$/)
      .optional()
      .describe("Ed25519, base64, over the canonical form without this member."),
  })
  .refine(
    ({ key, signature }) => (key === undefined) === (signature === undefined),
    "a key without a signature, or the reverse",
  )
  .refine(({ sequence, previous }) => (sequence === 1) === (previous === null), "previous is null in sequence 1 alone")
  .refine(({ sequence, succeeds }) => sequence === 1 || succeeds === undefined, "succeeds is for sequence 1 alone");

/** A manifest's value. */
export type Manifest = z.infer<typeof manifestForm>;
/** Records of one topic, handler, node header and bucket. */
export type ManifestEntry = Manifest["records"][number];

let made: object | undefined;

/** JSON Schema (2020-12) of a manifest's value. */
export function manifestSchema(): object {
  made ??= {
    title: "Manifest of wazuh-dfn, version 1",
    ...z.toJSONSchema(manifestForm, { io: "input" }),
  };
  return made;
}
