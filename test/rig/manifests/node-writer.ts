/**
 * A node as the topics show it: records, and manifests of them. It is the referee's own code: it takes digests, sums, the
 * canonical form and signatures from Node and from the documentation, and nothing from the product.
 */
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto";

/** A record of Kafka before it is sent. */
export interface WrittenRecord {
  readonly topic: string;
  readonly key: string;
  readonly value: string | Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}

export interface RecordOptions {
  readonly handler?: string;
  /** Header `wazuh-node`; default: the node. */
  readonly header?: string;
  readonly source?: "file" | "socket" | "replay";
  readonly value?: string;
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
/** Members of a manifest that differ from what was counted. */
export type Members = Readonly<Record<string, Json>>;

/** RFC 8785 for what a manifest holds. */
export function jcs(value: Json): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((one: Json) => jcs(one)).join(",")}]`;
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)); // by UTF-16 units
  return `{${members.map(([name, member]: [string, Json]) => `${JSON.stringify(name)}:${jcs(member)}`).join(",")}}`;
}

export function sha256Hex(bytes: string | Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** A record's digest, in hex. */
export function digestHex({ topic, value, headers }: WrittenRecord): string {
  const names = ["wazuh-dfn-handler", "wazuh-node", "wazuh-alert-id"].map((name) => escaped(headers[name] ?? ""));
  return sha256Hex([topic, ...names, sha256Hex(value ?? "")].join("\n"));
}

function escaped(text: string): string {
  return text.split("\\").join("\\\\").split("\n").join("\\n");
}

/** `count`, `sum` and `digest` of records. */
export function figuresOf(records: readonly WrittenRecord[]): { count: number; sum: string; digest: string } {
  const digests = records.map(digestHex);
  let sum = 0n;
  for (const digest of digests) sum = (sum + BigInt(`0x${digest}`)) & ((1n << 256n) - 1n);
  const all = createHash("sha256");
  for (const digest of digests.toSorted()) all.update(Buffer.from(digest, "hex"));
  return { count: records.length, sum: sum.toString(16).padStart(64, "0"), digest: all.digest("hex") };
}

/** The public key as `--key` takes it. */
export function publicKeyText(key: KeyObject): string {
  return createPublicKey(key).export({ format: "der", type: "spki" }).toString("base64");
}

export function newKey(): KeyObject {
  return generateKeyPairSync("ed25519").privateKey;
}

/** Entries of a manifest for records, by topic, handler, node header and bucket. */
export function entriesOf(records: readonly WrittenRecord[], bucketOf = minuteOf): Json[] {
  const groups = new Map<string, WrittenRecord[]>();
  for (const record of records) {
    const { topic, headers } = record;
    const bucket = bucketOf(headers["wazuh-alert-id"] ?? "");
    const name = JSON.stringify([topic, headers["wazuh-dfn-handler"] ?? "", headers["wazuh-node"] ?? "", bucket]);
    groups.set(name, [...(groups.get(name) ?? []), record]);
  }
  return [...groups].map(([name, all]) => {
    const [topic, handler, node, bucket]: string[] = JSON.parse(name);
    const socket = all.filter(({ headers }) => headers["wazuh-dfn-source"] === "socket").length;
    return { topic: topic!, handler: handler!, node: node!, bucket: bucket!, socket, ...figuresOf(all) };
  });
}

/** The minute of an alert's id. */
export function minuteOf(id: string): string {
  const match = /^([0-9]{1,10})[.][0-9]+$/.exec(id);
  return match === null ? "none" : `${isoOf(Number(match[1]) * 1000).slice(0, 16)}Z`;
}

/** The hour of an alert's id. */
export function hourOf(id: string): string {
  const minute = minuteOf(id);
  return minute === "none" ? minute : `${minute.slice(0, 13)}Z`;
}

export function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}

let serial = 0;

export class NodeWriter {
  node: string;
  stream: string = randomUUID();
  key: KeyObject | undefined;
  sequence = 0;
  previous: string | null = null;
  readonly names: string[];
  /** What the next manifest announces. */
  pending: WrittenRecord[] = [];
  #offset = 1000;
  #agent: string;

  constructor(node: string, key: KeyObject | undefined = newKey()) {
    this.node = node;
    this.names = [node];
    this.key = key;
    this.#agent = String(++serial).padStart(3, "0");
  }

  /** A record of an alert of this second, to be announced. */
  record(topic: string, second: number, options: RecordOptions = {}): WrittenRecord {
    const record = this.unannounced(topic, second, options);
    this.pending.push(record);
    return record;
  }

  /** The same, which no manifest announces. */
  unannounced(topic: string, second: number, options: RecordOptions = {}): WrittenRecord {
    this.#offset += 700;
    const { handler = "windows", header = this.node, source = "file" } = options;
    const id = `${second}.${this.#offset}`;
    const value = options.value ?? JSON.stringify({ id, text: `alert of ${header}` });
    const headers = {
      "wazuh-alert-id": id,
      "wazuh-node": header,
      "wazuh-dfn-source": source,
      "wazuh-dfn-handler": handler,
    };
    return { topic, key: this.#agent, value, headers };
  }

  /**
   * Cuts a manifest of what is pending, in the node's chain.
   * @param at    when, in milliseconds since 1970; everything before that minute is closed
   * @param other members that are to differ
   */
  cut(at: number, other: Members = {}): { readonly key: string; readonly value: Buffer } {
    const manifest = this.manifest(at, other);
    this.pending = [];
    this.sequence += 1;
    const value = this.signed(manifest);
    this.previous = sha256Hex(value);
    return { key: this.node, value };
  }

  /** The content of the next manifest. */
  manifest(at: number, other: Members = {}): Members {
    const records = entriesOf(this.pending);
    const relevant = this.pending.length;
    const from = this.sequence * 100_000;
    const visit = { file: null, head: null, from, to: from + 100_000, visit: 1 };
    return {
      version: 1,
      stream: this.stream,
      sequence: this.sequence + 1,
      node: this.node,
      names: [...this.names],
      time: isoOf(at),
      interval: 60_000,
      software: "a test",
      previous: this.previous,
      visits: [visit],
      open_from: `${isoOf(at).slice(0, 16)}Z`,
      lines: { total: relevant + 10, ignored: 10, relevant, too_old: 0, broken: 0, salvaged: 0 },
      dead: [],
      records,
      unlined: [],
      additions: [],
      config: sha256Hex("settings"),
      ...other,
    };
  }

  /** A manifest's bytes, signed with a key. */
  signed(manifest: Members, key = this.key): Buffer {
    if (key === undefined) return Buffer.from(jcs(manifest));
    const fingerprint = sha256Hex(createPublicKey(key).export({ format: "der", type: "spki" }));
    const content = { ...manifest, key: fingerprint };
    const signature = sign(null, Buffer.from(jcs(content)), key).toString("base64");
    return Buffer.from(jcs({ ...content, signature }));
  }
}
