import { headersOf, type SinkRecord } from "../../delivery/contract.ts";
import { describe } from "../../errors.ts";
import type { Log } from "../../telemetry/log.ts";
import { Backoff } from "./backoff.ts";
import { monotonicMs } from "./clock.ts";
import { MissingCodec } from "./compression.ts";
import type { Entry } from "./entry.ts";
import { faultOfError, KafkaError, type Fault } from "./faults.ts";
import type { SenderContext } from "./sender-context.ts";
import { Cursor, readRange } from "./read-range.ts";
import { StandingSearch } from "./standing.ts";

/** A batch that arrives damaged so often is damaged before it leaves, or says "corrupt" for something else. */
const maxCorruptions = 4;
const topicAuthorizationFailed = 29;
/** Records refused one after the other, without one that was taken between, from which on the topic is at fault. */
const maxRefusedInARow = 20;
/** Refused records of a partition are reported in the log this often at most. */
const reportEveryMs = 60_000;

/**
 * Counts the records of a partition that were refused for what is in them since one was last taken. A record that
 * cannot be sent is dead-lettered; a topic that takes none is a fault that somebody has to fix, and waits for that.
 */
export class RefusalStreak {
  #count = 0;
  #unreported = 0;
  #reportedAt: number | undefined;

  get isTopicAtFault(): boolean {
    return this.#count >= maxRefusedInARow;
  }

  /** A record was refused for what is in it. */
  refused(): void {
    this.#count += 1;
  }

  /** Reports a record that goes to the dead letters, for whatever reason. */
  report(log: Log, detail: string): void {
    this.#unreported += 1;
    if (this.#reportedAt !== undefined && monotonicMs() - this.#reportedAt < reportEveryMs) return;
    log.error(`${this.#unreported} records could not be sent and go to the dead letters; the last one: ${detail}`);
    this.#unreported = 0;
    this.#reportedAt = monotonicMs();
  }

  taken(): void {
    this.#count = 0;
  }
}

export interface Recovery {
  /** What is still to be sent, in order. */
  readonly entries: readonly Entry[];
  /** A new producer id is needed, and new numbers for all. */
  readonly isNumberedAnew: boolean;
  /** Something got an outcome or became smaller, so trying again at once is no idle turn. */
  readonly isProgress: boolean;
  /** What has to be reported at once, because somebody has to fix it. */
  readonly fault?: Fault;
}

/**
 * Decides what becomes of a partition's unacknowledged batches, of which some failed and none is under way.
 *
 * Mostly they are sent again as they are: the broker knows a repetition by its number. When one can never be appended
 * as it is (a record too large or refused, a number that the broker takes for wrong, an unknown producer), the numbers
 * after it can not be appended either, and all are numbered anew under a new producer id, by which the broker would not
 * know a repetition. So what may stand in the log is looked up there first.
 *
 * A batch whose timestamp was refused keeps its number and gets the present time, if it is certain not to be in the log;
 * else it is looked up like the others.
 */
export async function recover(
  topic: string,
  partition: number,
  entries: readonly Entry[],
  context: SenderContext,
  streak: RefusalStreak,
): Promise<Recovery> {
  for (const entry of entries) if (entry.fault?.kind === "corrupt") entry.corruptions += 1;
  const fault = faultToFix(entries, streak);
  const isUntimely = entries.some((entry) => entry.fault?.kind === "timestamp");
  const culprits = entries.filter((entry) => needsNewNumber(entry, streak));
  if (culprits.length === 0) {
    if (isUntimely) restamp(topic, partition, entries, context);
    return { entries, isNumberedAnew: false, isProgress: false, ...(fault === undefined ? {} : { fault }) };
  }
  const unknown = culprits.find(({ fault }) => fault?.kind === "gap" || fault?.kind === "fenced");
  if (unknown?.fault !== undefined) {
    context.log.warn(
      `${topic}/${partition}: the broker no longer knows this producer as it was (${unknown.fault.text}). What already stands in the topic is looked up and the rest sent under a new producer id; nothing is lost`,
    );
  }
  const missing = await withoutStanding(topic, partition, entries, context);
  const rest = missing.flatMap((entry) => divide(topic, entry, context, streak));
  await Promise.all(rest.map(({ sealed }) => sealed));
  if (isUntimely) restamp(topic, partition, rest, context);
  return {
    entries: rest,
    isNumberedAnew: true,
    ...(fault === undefined ? {} : { fault }),
    // Another timestamp may be refused as well: that is not tried again at once.
    isProgress: (!isUntimely && rest.some((entry) => !entries.includes(entry))) || rest.length < entries.length,
  };
}

function needsNewNumber(entry: Entry, streak: RefusalStreak): boolean {
  const { fault, wentBehind, corruptions, mayStand } = entry;
  if (fault === undefined || fault.kind === "retry" || fault.kind === "duplicate") return false;
  // The timestamp is judged before the number: one that may be in the log may have been refused as a repetition.
  if (fault.kind === "timestamp") return mayStand;
  if (isHeld(entry, streak)) return false;
  // Behind another one that failed, a gap is what has to come; alone, it means that the broker has another count.
  if (fault.kind === "gap") return !wentBehind;
  if (fault.kind === "corrupt") return corruptions >= maxCorruptions;
  return true;
}

/** Whether it is kept, and tried again as it is, because the topic takes no record at all. */
function isHeld({ fault, slots, corruptions }: Entry, streak: RefusalStreak): boolean {
  if (slots.length > 1 || !streak.isTopicAtFault) return false;
  if (fault?.kind === "invalid" || fault?.isGuess === true) return true;
  return fault?.kind === "corrupt" && corruptions >= maxCorruptions;
}

function faultToFix(entries: readonly Entry[], streak: RefusalStreak): Fault | undefined {
  const held = entries.find((entry) => isHeld(entry, streak))?.fault;
  if (held !== undefined) {
    const text = `the topic refuses every record: the last ${maxRefusedInARow} were refused one by one (${held.text})`;
    return { ...held, concern: "records-refused", text };
  }
  return entries.find(({ fault, isRestamped }) => fault?.kind === "timestamp" && isRestamped)?.fault;
}

/** Gives the present time to all that are certain not to be in the log; those behind the refused one are as old as it. */
function restamp(topic: string, partition: number, entries: readonly Entry[], { log }: SenderContext): void {
  const certain = entries.filter(({ mayStand, batch }) => !mayStand && batch !== undefined);
  if (certain.some(({ isRestamped }) => !isRestamped)) {
    log.info(`${topic}/${partition}: the broker does not take records of that time; they get the present time`);
  }
  for (const entry of certain) entry.restamp();
}

/** Halves a batch that was refused, or refuses its only record; leaves every other batch as it is. */
function divide(
  topic: string,
  entry: Entry,
  { options, telemetry, log }: SenderContext,
  streak: RefusalStreak,
): readonly Entry[] {
  const { fault, slots, parcel } = entry;
  const isRefused = fault?.kind === "too-large" || fault?.kind === "invalid" || fault?.kind === "corrupt";
  if (!isRefused || !needsNewNumber(entry, streak)) return [entry];
  if (slots.length > 1) return entry.halves(options.compression);
  if (fault.kind !== "too-large" || fault.isGuess === true) streak.refused();
  for (const { index, record } of slots) {
    const bytes = sizeOf(record);
    const standard =
      fault.kind === "too-large"
        ? `the record has ${bytes} bytes (${entry.batch?.length ?? bytes} as sent), more than topic ${topic} takes; raise its max.message.bytes`
        : `topic ${topic} does not take the record (${bytes} bytes): ${fault.text}`;
    const detail = fault.detail === undefined ? standard : `the record has ${bytes} bytes, and ${fault.detail}`;
    streak.report(log, detail);
    parcel.settle(index, {
      kind: "refused",
      reason: fault.kind === "too-large" ? "record-too-large" : "refused",
      detail,
    });
  }
  telemetry.refused(topic, slots.length);
  return [];
}

function sizeOf(record: SinkRecord): number {
  const { key, value } = record;
  const headerBytes = headersOf(record).reduce((sum, [name, bytes]) => sum + name.length + bytes.length, 0);
  return (key?.length ?? 0) + (value?.length ?? 0) + headerBytes;
}

/**
 * Looks up which records stand in the log after all, acknowledges those, and returns what is missing. Tries until it
 * succeeds. Where the topic may not be read all are taken for missing, so some may be sent twice: the log says so.
 */
async function withoutStanding(
  topic: string,
  partition: number,
  entries: readonly Entry[],
  context: SenderContext,
): Promise<readonly Entry[]> {
  const doubtful = entries.filter(({ mayStand }) => mayStand);
  if (doubtful.length === 0) return entries;
  const from = Math.min(...doubtful.map(({ floor }) => floor ?? 0));
  const backoff = new Backoff();
  let search = new StandingSearch(doubtful);
  const cursor = new Cursor(from, () => (search = new StandingSearch(doubtful)));
  for (;;) {
    try {
      await readRange(context, topic, partition, cursor, (record) => search.visit(record));
      return entries.flatMap((entry) => settleFound(entry, search, context));
    } catch (reason) {
      if (isUnreadable(reason)) {
        context.log.warn(
          `${topic}/${partition}: ${doubtful.length} batches are sent again and some of their records may stand twice, each with the same wazuh-alert-id, because the topic cannot be read (${describe(reason)}); the operation Read on the topic would avoid it`,
        );
        // They count as missing from here on: looking again would find the topic as unreadable as now.
        for (const entry of doubtful) entry.mayStand = false;
        return entries;
      }
      context.log.debug(`${topic}/${partition}: looking up what stands there: ${faultOfError(reason).text}`);
      await context.topology.refresh();
      await backoff.wait(context.signal);
    }
  }
}

/** A reason that trying again does not mend. */
export function isUnreadable(reason: unknown): boolean {
  if (reason instanceof MissingCodec || reason instanceof RangeError) return true;
  return reason instanceof KafkaError && reason.code === topicAuthorizationFailed;
}

function settleFound(entry: Entry, search: StandingSearch, { options, telemetry }: SenderContext): readonly Entry[] {
  const found = new Set(entry.slots.filter((slot) => search.found.has(slot)));
  entry.mayStand = false;
  if (found.size === 0) return [entry];
  for (const slot of found) {
    entry.parcel.settle(slot.index, { kind: "acknowledged", offset: search.found.get(slot) ?? 0 });
  }
  telemetry.acknowledged(found.size, entry.batch?.length ?? 0, entry.parcel.ageMs);
  const rest = entry.without(found, options.compression);
  return rest === undefined ? [] : [rest];
}
