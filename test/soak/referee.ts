import { isDeepStrictEqual } from "node:util";
import { sequenceOf, templates, timestampOf, type JsonObject } from "./alerts.ts";
import type { FollowedRecord } from "./follower.ts";
import type { SoakLedger } from "./ledger.ts";

/** One surplus record. */
export interface Copy {
  readonly sequence: number;
  /** When the copy was appended, milliseconds since 1970. */
  readonly appendedMs: number;
}

const sources: ReadonlySet<unknown> = new Set(["socket", "file", "replay"]);
const firstFew = 20;

/** What the records of another client carry, by which a fault sees that the brokers accept records again. */
export const probeHeaders = { "soak-probe": "1" };

/** Compares what Kafka got with what was written. Knows the wire format's cases and nothing about the forwarder. */
export class Referee {
  readonly #ledger: SoakLedger;
  readonly #lastOf = new Map<string, number>();
  readonly #arrivals = new Map<number, (appendedMs: number) => void>();
  readonly copies: Copy[] = [];
  /** The number, and a line for each of the first few. */
  readonly invented: string[] = [];
  readonly altered: string[] = [];
  readonly outOfOrder: { sequence: number; appendedMs: number; what: string }[] = [];
  records = 0;
  readonly bySource: Record<string, number> = {};
  #isOfNewTopic = false;

  constructor(ledger: SoakLedger) {
    this.#ledger = ledger;
  }

  /** Records in the order of their offsets within a partition. */
  readonly see = (record: FollowedRecord): void => {
    if (record.headers["soak-probe"] !== undefined) return;
    this.records++;
    const value = parse(record.value);
    const sequence = sequenceOf(value?.["timestamp"]);
    if (value === undefined || sequence === undefined || !this.#ledger.isRelevant(sequence)) {
      this.invented.push(`${record.partition}/${record.offset}: ${record.value?.slice(0, 200) ?? "null"}`);
      return;
    }
    const source = record.headers["wazuh-dfn-source"] ?? "none";
    this.bySource[source] = (this.bySource[source] ?? 0) + 1;
    const fault = this.#faultOf(record, sequence);
    if (fault !== undefined) this.altered.push(`${timestampOf(sequence)}: ${fault}`);
    if (this.#ledger.see(sequence) > 0) this.copies.push({ sequence, appendedMs: record.appendedMs });
    else this.#checkOrder(record, source, sequence);
    this.#arrivals.get(sequence)?.(record.appendedMs);
    this.#arrivals.delete(sequence);
  };

  /** Calls back with the time at which the broker appended an alert's first record from now on. */
  whenSeen(sequence: number, seen: (appendedMs: number) => void): void {
    this.#arrivals.set(sequence, seen);
  }

  /** The topic was deleted: what comes next has no order relative to what came before. */
  forgetOrder(): void {
    this.#lastOf.clear();
    this.#isOfNewTopic = true;
  }

  get sawNewTopic(): boolean {
    return this.#isOfNewTopic;
  }

  /** Timestamps of the first few alerts that are nowhere, and how many there are. */
  missing(): { count: number; examples: string[] } {
    const examples: string[] = [];
    let count = 0;
    for (const sequence of this.#ledger.missing()) {
      if (count++ < firstFew) examples.push(`${sequence} ${timestampOf(sequence)} ${this.#ledger.idOf(sequence)}`);
    }
    return { count, examples };
  }

  #checkOrder({ key, partition, offset, appendedMs }: FollowedRecord, source: string, sequence: number): void {
    if (this.#ledger.mayBeLate(sequence)) return;
    const lane = `${source} ${key} ${partition}`;
    const last = this.#lastOf.get(lane) ?? -1;
    if (sequence < last) {
      this.outOfOrder.push({ sequence, appendedMs, what: `${lane} offset ${offset}: ${sequence} after ${last}` });
    }
    this.#lastOf.set(lane, Math.max(sequence, last));
  }

  #faultOf(record: FollowedRecord, sequence: number): string | undefined {
    const template = templates[this.#ledger.templateOf(sequence)];
    if (template?.value === undefined) return "no template";
    if (record.key !== this.#ledger.keyOf(sequence)) return `key ${record.key}`;
    if (record.headers["wazuh-alert-id"] !== this.#ledger.idOf(sequence)) return "another alert's id";
    if (!sources.has(record.headers["wazuh-dfn-source"])) return "no source";
    // Bytes that are not UTF-8 are not JSON, so they have to be U+FFFD in a record that is; everything else is
    // unchanged.
    const inset = latin1(this.#ledger.insetOf(sequence)?.toString("utf8") ?? "null");
    const text = record.value ?? "";
    const member = `"soak":${inset}`;
    const at = template.carriesData ? text.indexOf(member) : 0;
    if (at < 0) return "the bytes of data differ";
    const bare = template.carriesData ? `${text.slice(0, at)}"soak":null${text.slice(at + member.length)}` : text;
    const expected = expectedValue(template.value, template.carriesData, timestampOf(sequence));
    return isDeepStrictEqual(parse(bare), expected) ? undefined : "the value differs";
  }
}

function latin1(text: string): string {
  return Buffer.from(text).toString("latin1");
}

function expectedValue(value: JsonObject, carriesData: boolean, timestamp: string): JsonObject {
  if (!carriesData) return { ...value, timestamp };
  return { ...value, timestamp, data: { ...Object(value["data"]), soak: null } };
}

function parse(latin1: string | null): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(latin1 ?? "", "latin1").toString());
    return typeof value === "object" && value !== null ? Object(value) : undefined;
  } catch {
    return undefined; // no JSON: counted as invented
  }
}
