import { isDeepStrictEqual } from "node:util";
import type { ReadRecord } from "../read-topic.ts";
import type { WrittenAlert } from "./alerts.ts";

/**
 * How the records of a topic compare with what was written; the promise is that all lists are empty and `twice` is 0.
 */
export interface Judgement {
  /** Relevant alerts that were written. */
  readonly expected: number;
  /** Timestamps of those that are not in the topic. */
  readonly missing: readonly string[];
  /** Records that match no relevant alert. */
  readonly invented: readonly string[];
  /** Timestamps of those with another value, key or id header. */
  readonly altered: readonly string[];
  /** Surplus records. */
  readonly twice: number;
  /** Agents whose records are in the topic in another order than they were written. */
  readonly outOfOrder: readonly string[];
}

/** What the fake manager wrote. */
export class Ledger {
  readonly #written = new Map<string, WrittenAlert>();

  add(alert: WrittenAlert): void {
    if (this.#written.has(alert.timestamp)) throw new Error(`${alert.timestamp} was given to two alerts`);
    this.#written.set(alert.timestamp, alert);
  }

  /** The number of records that must come. */
  get expected(): number {
    let count = 0;
    for (const { value } of this.#written.values()) if (value !== undefined) count++;
    return count;
  }

  /** @param records in the order of their offsets within a partition */
  judge(records: readonly ReadRecord[]): Judgement {
    const seen = new Set<string>();
    const altered = new Set<string>();
    const outOfOrder = new Set<string>();
    const invented: string[] = [];
    const lastOfKey = new Map<string, string>();
    let twice = 0;
    for (const record of records) {
      const timestamp = timestampOf(record);
      const written = timestamp === undefined ? undefined : this.#written.get(timestamp);
      if (timestamp === undefined || written?.value === undefined) {
        invented.push(record.value?.toString("latin1").slice(0, 200) ?? "null");
        continue;
      }
      if (seen.has(timestamp)) {
        twice++;
        continue;
      }
      seen.add(timestamp);
      if (!isRecordOf(record, written)) altered.add(timestamp);
      // All timestamps have one form, so that they compare as text as they do as times.
      if (timestamp < (lastOfKey.get(written.key) ?? "")) outOfOrder.add(written.key);
      lastOfKey.set(written.key, timestamp);
    }
    const expected = [...this.#written.values()].filter(({ value }) => value !== undefined);
    const missing = expected.filter(({ timestamp }) => !seen.has(timestamp)).map(({ timestamp }) => timestamp);
    return { expected: expected.length, missing, invented, altered: [...altered], twice, outOfOrder: [...outOfOrder] };
  }
}

/** The value of a header as text; undefined when the record does not carry it. */
export function headerOf({ headers }: ReadRecord, name: string): string | undefined {
  return headers.find(([found]) => found === name)?.[1]?.toString();
}

function isRecordOf(record: ReadRecord, written: WrittenAlert): boolean {
  return (
    record.key?.toString() === written.key &&
    headerOf(record, "wazuh-alert-id") === written.id &&
    isDeepStrictEqual(JSON.parse(record.value?.toString() ?? "null"), written.value)
  );
}

function timestampOf({ value }: ReadRecord): string | undefined {
  try {
    const { timestamp }: { timestamp?: unknown } = JSON.parse(value?.toString() ?? "{}");
    return typeof timestamp === "string" ? timestamp : undefined;
  } catch {
    return undefined; // no JSON: counted as invented
  }
}
