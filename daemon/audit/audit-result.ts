/** What a comparison came to: by hour and node, and the first findings of each kind. */
import type { AuditVerdict, Compared } from "./comparison.ts";
import type { EntryBlock } from "./entries.ts";
import type { AuditNames } from "./names.ts";

const hourSeconds = 3600;
/** Findings of one kind that are named; all are counted. */
const maxNamed = 100;
/** More hours than 20 years have; those beyond are counted as one. */
const maxRows = 200_000;

/** Records of one hour and one node. */
export interface HourCounts {
  /** Records that must be there; those from before the first start count only if they are. */
  relevant: number;
  /** As they must be, or printed again by integratord. */
  inKafka: number;
  missing: number;
  /** Kept records more than there are lines for. */
  twice: number;
  altered: number;
  /** Of those in Kafka. */
  reprinted: number;
  deadLetters: number;
  pending: number;
  /** Kept records whose alert is not in the log. */
  unlined: number;
  /** Not there, and what was there in their time may have been removed since. */
  unknown: number;
}

/** The same, and of which hour. */
export interface HourRow extends HourCounts {
  /** `2026-11-29T10Z`; undefined for alerts whose time is not known. */
  readonly hour: string | undefined;
  readonly node: string;
}

/** What is wrong, or cannot be known, of one record. */
export interface AuditFinding {
  readonly kind: "missing" | "twice" | "altered" | "unlined" | "dead-letter" | "unknown";
  readonly hour: string | undefined;
  readonly node: string;
  readonly handler: string;
  /** Where the alert is in the log; undefined if it is not there. */
  readonly line: { readonly file: string; readonly offset: number } | undefined;
  /** Where its record is; undefined if it is not there. `place` is `topic/partition`, or `list`. */
  readonly record: { readonly place: string; readonly offset: number } | undefined;
}

const findingKinds: Partial<Record<AuditVerdict, AuditFinding["kind"]>> = {
  missing: "missing",
  twice: "twice",
  altered: "altered",
  unlined: "unlined",
  "dead-letter": "dead-letter",
  unknown: "unknown",
};

/** Adds up. */
export class AuditResult {
  /** Alerts from before the first start that are not there: they were not asked for. */
  early = 0;
  /** Dead letters that somebody has acknowledged. */
  acknowledged = 0;
  /** Kept records without a line in the time of a file that could not be read whole. */
  unjudged = 0;
  /**
   * Seconds since 1970 from which on every line is in the log that is read; a record without a line from before then, or
   * without a time, says nothing.
   */
  wholeSince = Number.NEGATIVE_INFINITY;
  readonly findings: AuditFinding[] = [];
  /** Why something cannot be known, a sentence each; that alone makes nothing wrong. */
  readonly unknowns: string[] = [];
  readonly #rows = new Map<string, HourCounts>();
  readonly #named = new Map<AuditFinding["kind"], number>();
  readonly #names: AuditNames;
  readonly #isDamaged: (second: number) => boolean;

  /** @param isDamaged whether the log of this second could not be read whole; -1: whether any could not */
  constructor(names: AuditNames, isDamaged: (second: number) => boolean) {
    this.#names = names;
    this.#isDamaged = isDamaged;
  }

  add(block: EntryBlock, { verdict, expected, kept, isAcknowledged }: Compared): void {
    const index = expected >= 0 ? expected : kept;
    const second = block.second(index);
    if (verdict === "early") {
      this.early += 1;
      return;
    }
    if (verdict === "unlined" && this.#isDamaged(second)) {
      this.unjudged += 1;
      return;
    }
    if (verdict === "unlined" && second < this.wholeSince) return;
    const node = this.#names.nodes.text(block.node(index));
    const hour = second < 0 ? -1 : Math.floor(second / hourSeconds);
    const row = this.#row(hour, node);
    if (expected >= 0) row.relevant += 1;
    if (verdict === "equal" || verdict === "reprinted") row.inKafka += 1;
    if (verdict === "reprinted") row.reprinted += 1;
    if (verdict === "missing") row.missing += 1;
    if (verdict === "twice") row.twice += 1;
    if (verdict === "altered") row.altered += 1;
    if (verdict === "unlined") row.unlined += 1;
    if (verdict === "pending") row.pending += 1;
    if (verdict === "unknown") row.unknown += 1;
    if (verdict === "dead-letter") row.deadLetters += 1;
    if (isAcknowledged) this.acknowledged += 1;
    const kind = findingKinds[verdict];
    if (kind !== undefined && !isAcknowledged) this.#name(kind, block, expected, kept, hour, node);
  }

  /** What was missing in this hour and is there now. @param hour as in `HourRow` */
  found(hour: string | undefined, node: string, count: number): void {
    const row = this.#rows.get(`${hour ?? ""} ${node}`);
    if (row === undefined) return;
    row.missing -= count;
    row.inKafka += count;
  }

  /** In the order of time. */
  get rows(): readonly HourRow[] {
    return [...this.#rows]
      .map(([key, counts]) => {
        const space = key.indexOf(" ");
        const hour = space === 0 ? undefined : key.slice(0, space);
        return { hour, node: key.slice(space + 1), ...counts };
      })
      .toSorted((one, other) => compare(one.hour ?? "", other.hour ?? "") || compare(one.node, other.node));
  }

  get total(): HourCounts {
    const total = noCounts();
    for (const row of this.#rows.values()) {
      for (const name of countNames) total[name] += row[name];
    }
    return total;
  }

  /**
   * - complete: all that must be there is there, once and unaltered, or pending.
   * - incomplete: something is missing, there too often, altered, without a line, or among the dead letters.
   * - unknown: nothing of that is known, and something cannot be known.
   */
  get verdict(): "complete" | "incomplete" | "unknown" {
    const { missing, twice, altered, unlined, deadLetters, unknown } = this.total;
    if (missing + twice + altered + unlined + (deadLetters - this.acknowledged) > 0) return "incomplete";
    return unknown + this.unjudged > 0 || this.unknowns.length > 0 ? "unknown" : "complete";
  }

  #row(hour: number, node: string): HourCounts {
    const own = `${hourText(hour) ?? ""} ${node}`;
    const key = this.#rows.has(own) || this.#rows.size < maxRows ? own : " ";
    const row = this.#rows.get(key) ?? noCounts();
    this.#rows.set(key, row);
    return row;
  }

  #name(
    kind: AuditFinding["kind"],
    block: EntryBlock,
    expected: number,
    kept: number,
    hour: number,
    node: string,
  ): void {
    const named = this.#named.get(kind) ?? 0;
    if (named >= maxNamed) return;
    this.#named.set(kind, named + 1);
    const { handlers, files, partitions } = this.#names;
    this.findings.push({
      kind,
      hour: hourText(hour),
      node,
      handler: handlers.text(block.handler(expected >= 0 ? expected : kept)),
      line: expected < 0 ? undefined : { file: files.text(block.place(expected)), offset: block.offset(expected) },
      record: kept < 0 ? undefined : { place: partitions.text(block.place(kept)), offset: block.offset(kept) },
    });
  }
}

/** The names of all counts, in the order in which they are shown. */
export const countNames = [
  "relevant",
  "inKafka",
  "missing",
  "twice",
  "altered",
  "reprinted",
  "deadLetters",
  "pending",
  "unlined",
  "unknown",
] as const satisfies readonly (keyof HourCounts)[];

/** The hour of a second since 1970, as rows have it; undefined if it is not known. */
export function hourOfSecond(second: number): string | undefined {
  return hourText(second < 0 ? -1 : Math.floor(second / hourSeconds));
}

function hourText(hour: number): string | undefined {
  return hour < 0 ? undefined : `${new Date(hour * hourSeconds * 1000).toISOString().slice(0, 13)}Z`;
}

function noCounts(): HourCounts {
  return {
    relevant: 0,
    inKafka: 0,
    missing: 0,
    twice: 0,
    altered: 0,
    reprinted: 0,
    deadLetters: 0,
    pending: 0,
    unlined: 0,
    unknown: 0,
  };
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
