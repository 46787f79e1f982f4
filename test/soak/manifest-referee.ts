import { createHash, type KeyObject } from "node:crypto";
import { digestHex, minuteOf } from "../rig/manifests/node-writer.ts";
import { readChains, type SeenManifest } from "../rig/manifests/referee.ts";
import type { FollowedRecord } from "./follower.ts";
import { probeHeaders } from "./referee.ts";

/** What is in the topic of one handler, node and minute. */
interface Bucket {
  count: number;
  socket: number;
  sum: bigint;
  /** When a record of an alert was appended that had one before. */
  readonly copiesMs: number[];
}

const range = 1n << 256n;
/** Enough to tell records from each other. */
const nameDigits = 16;

/** What manifests were compared with. */
export interface ManifestVerdict {
  readonly manifests: number;
  readonly streams: number;
  readonly announced: number;
  /** Minutes that were compared, and those that were not because records were sent twice then, as they may be. */
  readonly judged: number;
  readonly unjudged: number;
  readonly broken: readonly string[];
}

/** Adds up the records of a topic as they come, and compares them with the manifests at the end. */
export class ManifestReferee {
  readonly #buckets = new Map<string, Bucket>();
  readonly #alerts = new Set<string>();
  /** Id and time of each record, by the beginning of its digest: one that is announced nowhere is to be named. */
  readonly #records = new Map<string, string>();
  /** Minutes and hours of records that were taken out of the topic. */
  readonly #taken = new Set<string>();

  readonly see = ({ value, headers, appendedMs }: FollowedRecord): void => {
    const [probe] = Object.keys(probeHeaders);
    if (probe === undefined || headers[probe] !== undefined || headers["wazuh-dfn-source"] === "replay") return;
    const text = (name: string): string => Buffer.from(headers[name] ?? "", "latin1").toString();
    const [id, node, handler] = [text("wazuh-alert-id"), text("wazuh-node"), text("wazuh-dfn-handler")];
    const name = [handler, node, minuteOf(id)].join(" ");
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) this.#buckets.set(name, (bucket = { count: 0, socket: 0, sum: 0n, copiesMs: [] }));
    const alert = `${handler} ${node} ${id}`;
    if (this.#alerts.has(shortHash(alert))) bucket.copiesMs.push(appendedMs);
    this.#alerts.add(shortHash(alert));
    const digest = digestHex({
      topic: this.#topic,
      key: "",
      value: value === null ? null : Buffer.from(value, "latin1"),
      headers: { "wazuh-alert-id": id, "wazuh-node": node, "wazuh-dfn-handler": handler },
    });
    this.#records.set(digest.slice(0, nameDigits), `${id} of ${new Date(appendedMs).toISOString()}`);
    bucket.count += 1;
    if (headers["wazuh-dfn-source"] === "socket") bucket.socket += 1;
    bucket.sum = (bucket.sum + BigInt(`0x${digest}`)) % range;
  };
  readonly #topic: string;

  constructor(topic: string) {
    this.#topic = topic;
  }

  /** Everything that was seen is taken out of the topic: it was there, and whoever reads it later will miss it. */
  takesAll(): void {
    for (const name of this.#buckets.keys()) {
      const minute = name.split(" ").at(-1) ?? "";
      this.#taken.add(minute);
      this.#taken.add(hourOf(minute));
    }
  }

  get hasTaken(): boolean {
    return this.#taken.size > 0;
  }

  /** Whether records of a minute or an hour were taken. */
  isTaken(bucket: string): boolean {
    return this.#taken.has(bucket);
  }

  /**
   * @param values of the topic of manifests, in their order
   * @param mayCopy whether a record that was appended at a time may be one of an alert that had one
   */
  judge(
    values: readonly Buffer[],
    key: KeyObject | undefined,
    mayCopy: (appendedMs: number) => boolean,
  ): ManifestVerdict {
    const { manifests, faults } = readChains(values, key);
    const broken = [...faults];
    const said = new Map<string, { count: number; socket: number; sum: bigint }>();
    let announced = 0;
    for (const manifest of manifests) {
      if (isSuperseded(manifest, manifests)) continue;
      for (const { topic, handler, node, bucket, count, socket, sum } of [...manifest.records, ...manifest.unlined]) {
        if (topic !== this.#topic) continue;
        announced += count;
        const name = [handler, node, bucket].join(" ");
        const known = said.get(name) ?? { count: 0, socket: 0, sum: 0n };
        known.count += count;
        known.socket += socket;
        known.sum = (known.sum + BigInt(`0x${sum}`)) % range;
        said.set(name, known);
      }
    }
    const found = this.#asAnnounced(said);
    let unjudged = 0;
    for (const name of new Set([...said.keys(), ...found.keys()])) {
      const [a, b] = [said.get(name), found.get(name)];
      if (a?.count === b?.count && a?.socket === b?.socket && a?.sum === b?.sum) continue;
      const copies = b?.copiesMs ?? [];
      if (copies.length > 0 && copies.every(mayCopy)) unjudged += 1;
      else
        broken.push(
          `manifests: ${name}: announced ${a?.count ?? 0} (${a?.socket ?? 0} by the socket), in the topic ${b?.count ?? 0} (${b?.socket ?? 0}), sums ${a?.sum === b?.sum ? "equal" : "differ"}, ${copies.length} copies${this.#odd(b?.sum ?? 0n, a?.sum ?? 0n)}`,
        );
    }
    const streams = new Set(manifests.map(({ stream }) => stream)).size;
    return { manifests: manifests.length, streams, announced, judged: found.size - unjudged, unjudged, broken };
  }

  /** The record that makes the difference, if it is one. */
  #odd(found: bigint, said: bigint): string {
    const digest = ((found - said + range) % range).toString(16).padStart(64, "0");
    const record = this.#records.get(digest.slice(0, nameDigits));
    return record === undefined ? "" : `; not announced: ${record}`;
  }

  /** Minutes as hours where manifests have an hour of it. */
  #asAnnounced(said: ReadonlyMap<string, unknown>): Map<string, Bucket> {
    const found = new Map<string, Bucket>();
    for (const [minuteName, bucket] of this.#buckets) {
      const hourName = hourOf(minuteName);
      const name = said.has(hourName) ? hourName : minuteName;
      const known = found.get(name);
      if (known === undefined) found.set(name, { ...bucket, copiesMs: [...bucket.copiesMs] });
      else {
        known.count += bucket.count;
        known.socket += bucket.socket;
        known.sum = (known.sum + bucket.sum) % range;
        known.copiesMs.push(...bucket.copiesMs);
      }
    }
    return found;
  }
}

/** What an older state goes on from is announced once more by the stream that goes on from it. */
function isSuperseded({ stream, sequence }: SeenManifest, all: readonly SeenManifest[]): boolean {
  return all.some(
    ({ succeeds }) =>
      succeeds?.stream === stream &&
      sequence > succeeds.sequence &&
      (succeeds.reason === "restored" || succeeds.reason === "fallback"),
  );
}

/** Of a hundred thousand alerts no two have the same 16 characters. */
function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("base64").slice(0, 16);
}

/** A minute at the end of a text as its hour. */
function hourOf(text: string): string {
  return text.replace(/T(\d\d):\d\dZ$/, "T$1Z");
}
