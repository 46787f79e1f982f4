import { headersOf, type SinkRecord } from "../../../contract.ts";
import type { Log } from "../../../telemetry/log.ts";
import { monotonicMs } from "../../../clock.ts";
import { settleDoubts } from "./doubts.ts";
import type { SealedBatch } from "./sealed-batch.ts";
import type { ClassifiedError } from "../protocol/errors.ts";
import { sequenceAfter } from "../protocol/record-batch.ts";
import type { SenderContext } from "./sender-context.ts";

/** A batch that arrives damaged this often is damaged before it leaves, or "corrupt" means something else. */
const maxCorruptions = 4;
/** Records refused one after the other, without one that was taken between, from which on the topic is at fault. */
const maxRefusedInARow = 20;
/** Refused records of a partition are logged at most this often. */
const reportEveryMs = 60_000;
/** A broker forgets a producer a day after its last record, unless `producer.id.expiration.ms` says otherwise. */
const defaultForgottenAfterMs = 3_600_000;

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
    log.error(
      { code: "records-dead-lettered" },
      `${this.#unreported} records could not be sent and go to the dead letters; the last one: ${detail}`,
    );
    this.#unreported = 0;
    this.#reportedAt = monotonicMs();
  }

  taken(): void {
    this.#count = 0;
  }
}

export interface Recovery {
  /** What is still to be sent, in order. */
  readonly entries: readonly SealedBatch[];
  /**
   * - kept: those that have numbers keep them.
   * - epoch: all are numbered from 0, under the next epoch of the producer id. From its first batch on the broker refuses
   *   what is still on its way under the former epoch.
   * - producer: all are numbered from 0 under a new producer id.
   */
  readonly numbering: "kept" | "epoch" | "producer";
  /** With `kept`: a record was given up, whose number is not filled, so that what is behind it will be out of order. */
  readonly hasHole?: boolean;
  /** Something got an outcome or became smaller, so trying again at once is worthwhile. */
  readonly isProgress: boolean;
  /** What has to be reported at once, because somebody has to fix it. */
  readonly fault?: ClassifiedError;
}

/**
 * Decides what becomes of a partition's unacknowledged batches, of which some failed and none is in flight.
 *
 * Mostly they are sent again as they are: the broker knows a repetition by its number. A batch that was refused for one
 * of its records is divided, and its parts are numbered on from its own number, so that nothing else changes. When the
 * record is found and given up, its number stays free, and the rest is numbered from 0 under the next epoch. Not so while
 * any of it may be in the log, because an answer was lost: then all are sent once more as they are, one after the other.
 * The broker acknowledges what it has or takes, and calls the first one behind the free number out of order, which
 * proves that neither that one nor any behind it is in the log. So the topic need not be read.
 *
 * It is read in two cases: a doubtful batch is refused for what is in it, which a broker looks at before it recognises a
 * repetition; or the broker's count differs from ours, or it refuses the producer.
 *
 * A batch whose timestamp was refused keeps its number and gets the present time, if it is certain not to be in the log.
 */
export async function recover(
  topic: string,
  partition: number,
  entries: readonly SealedBatch[],
  context: SenderContext,
  streak: RefusalStreak,
): Promise<Recovery> {
  for (const entry of entries) if (entry.fault?.kind === "corrupt") entry.corruptions += 1;
  const found = errorToFix(entries, streak);
  const fault = found === undefined ? {} : { fault: found };
  const isUntimely = entries.some((entry) => entry.fault?.kind === "timestamp");
  if (entries.some((entry) => hasOtherCount(entry) || (entry.mayBeAppended && isRefused(entry, streak)))) {
    return { ...(await renumber(topic, partition, entries, context, streak)), ...fault };
  }
  if (isUntimely) restamp(topic, partition, entries, context);
  if (entries[0]?.isDisplaced === true && isGapAlone(entries[0])) {
    // The broker still waits for the number of the refused record: nothing behind that was appended.
    return { entries: entries.map(certain), numbering: "epoch", isProgress: true, ...fault };
  }
  if (!entries.some((entry) => isRefused(entry, streak))) {
    return { entries, numbering: "kept", isProgress: false, ...fault };
  }
  const divided = entries.map((entry) => ({ entry, parts: splitOrRefuse(topic, entry, context, streak) }));
  const rest = divided.flatMap(({ parts }) => parts);
  await Promise.all(rest.map(({ sealed }) => sealed));
  const isProgress = !isUntimely;
  const hasHole = divided.some(({ parts }) => parts.length === 0);
  if (hasHole && !rest.some(({ mayBeAppended }) => mayBeAppended)) {
    return { entries: rest.map(certain), numbering: "epoch", isProgress, ...fault };
  }
  keepNumbers(divided);
  return { entries: rest, numbering: "kept", hasHole, isProgress, ...fault };
}

/** Looks up what may be in the log, and has the rest numbered from 0. */
async function renumber(
  topic: string,
  partition: number,
  entries: readonly SealedBatch[],
  context: SenderContext,
  streak: RefusalStreak,
): Promise<Recovery> {
  const unknown = entries.find(hasOtherCount)?.fault;
  if (unknown !== undefined) {
    context.log.warn(
      { code: "producer-forgotten" },
      `${topic}/${partition}: the broker no longer knows this producer as it was (${unknown.text}). What the topic already has is looked up, and the rest is sent under new numbers; nothing is lost`,
    );
  }
  const isUntimely = entries.some((entry) => entry.fault?.kind === "timestamp");
  const { entries: missing } = await settleDoubts(topic, partition, entries, context);
  const rest = missing.map(certain).flatMap((entry) => splitOrRefuse(topic, entry, context, streak));
  await Promise.all(rest.map(({ sealed }) => sealed));
  if (isUntimely) restamp(topic, partition, rest, context);
  return {
    entries: rest,
    // A fenced producer's next epoch may be the one that fenced it.
    numbering: entries.some((entry) => entry.fault?.kind === "fenced") ? "producer" : "epoch",
    // Another timestamp may be refused as well: that is not tried again at once.
    isProgress: (!isUntimely && rest.some((entry) => !entries.includes(entry))) || rest.length < entries.length,
  };
}

/** After this long without an acknowledgement the broker may have forgotten the producer; milliseconds. */
export function forgottenAfterMs({ options }: SenderContext): number {
  return options.forgottenAfterMs ?? defaultForgottenAfterMs;
}

/** It may be in the log, and the broker may have forgotten its producer since, by whose numbers it knows repetitions. */
export function isForgotten({ mayBeAppended, wasHidden, ageMs }: SealedBatch, context: SenderContext): boolean {
  return mayBeAppended && !wasHidden && ageMs >= forgottenAfterMs(context);
}

/**
 * Looks up doubtful batches before they are sent again, if some of them are so old that the broker may not recognise
 * them as repetitions. If the topic cannot be read, they keep their numbers: the broker may remember after all.
 */
export async function settleForgotten(
  topic: string,
  partition: number,
  entries: readonly SealedBatch[],
  context: SenderContext,
): Promise<Recovery> {
  const { entries: missing, isComplete } = await settleDoubts(topic, partition, entries, context);
  const isProgress = missing.length < entries.length;
  if (isComplete || missing.some((entry) => !entries.includes(entry))) {
    const rest = missing.map(certain);
    await Promise.all(rest.map(({ sealed }) => sealed));
    return { entries: rest, numbering: "epoch", isProgress };
  }
  for (const entry of missing) entry.wasHidden = entry.mayBeAppended;
  return { entries: missing, numbering: "kept", isProgress };
}

/** Counts it among those that are not in the log. */
function certain(entry: SealedBatch): SealedBatch {
  entry.mayBeAppended = false;
  entry.isDisplaced = false;
  return entry;
}

interface Split {
  readonly entry: SealedBatch;
  /** It itself, its halves, or nothing if its only record was refused. */
  readonly parts: readonly SealedBatch[];
}

/** Numbers halves on from their whole, and marks what is behind a refused record. */
function keepNumbers(divided: readonly Split[]): void {
  let isBehindHole = false;
  for (const { entry, parts } of divided) {
    let sequence = entry.number?.sequence ?? 0;
    for (const part of parts) {
      if (entry.number !== undefined && part !== entry) part.stamp({ ...entry.number, sequence });
      sequence = sequenceAfter(sequence, part.count);
      part.isDisplaced ||= isBehindHole;
    }
    isBehindHole ||= parts.length === 0;
  }
}

function isGapAlone({ fault, wentBehind }: SealedBatch): boolean {
  // Behind another one that failed, a gap is what has to come.
  return fault?.kind === "gap" && !wentBehind;
}

/** The broker expects another number, or another producer. */
function hasOtherCount(entry: SealedBatch): boolean {
  return entry.fault?.kind === "fenced" || (isGapAlone(entry) && !entry.isDisplaced);
}

/** Refused for what is in it. A timestamp counts if it cannot be changed. */
function isRefused(entry: SealedBatch, streak: RefusalStreak): boolean {
  const { fault, corruptions, mayBeAppended } = entry;
  if (fault?.kind === "timestamp") return mayBeAppended;
  if (isHeld(entry, streak)) return false;
  if (fault?.kind === "corrupt") return corruptions >= maxCorruptions;
  return fault?.kind === "too-large" || fault?.kind === "invalid";
}

/** Whether it is kept, and tried again as it is, because the topic takes no record at all. */
function isHeld({ fault, count, corruptions }: SealedBatch, streak: RefusalStreak): boolean {
  if (count > 1 || !streak.isTopicAtFault) return false;
  if (fault?.kind === "invalid" || fault?.isGuess === true) return true;
  return fault?.kind === "corrupt" && corruptions >= maxCorruptions;
}

function errorToFix(entries: readonly SealedBatch[], streak: RefusalStreak): ClassifiedError | undefined {
  const held = entries.find((entry) => isHeld(entry, streak))?.fault;
  if (held !== undefined) {
    const text = `the topic refuses every record: the last ${maxRefusedInARow} were refused one by one (${held.text})`;
    return { ...held, category: "records-refused", text };
  }
  return entries.find(({ fault, isRestamped }) => fault?.kind === "timestamp" && isRestamped)?.fault;
}

/** Gives the present time to all that are certain not to be in the log; those behind the refused one are as old as it. */
function restamp(topic: string, partition: number, entries: readonly SealedBatch[], { log }: SenderContext): void {
  const certain = entries.filter(({ mayBeAppended, batch }) => !mayBeAppended && batch !== undefined);
  if (certain.some(({ isRestamped }) => !isRestamped)) {
    log.info(
      { code: "records-restamped" },
      `${topic}/${partition}: the broker refuses records with that timestamp; they get the current time`,
    );
  }
  for (const entry of certain) entry.restamp();
}

/** Halves a batch that was refused, or refuses its only record; leaves every other batch as it is. */
function splitOrRefuse(
  topic: string,
  entry: SealedBatch,
  { options, telemetry, log }: SenderContext,
  streak: RefusalStreak,
): readonly SealedBatch[] {
  const { fault, count, pendingWrite } = entry;
  if (fault === undefined || fault.kind === "timestamp" || !isRefused(entry, streak)) return [entry];
  if (count > 1) return entry.halves(options.compression);
  if (fault.kind !== "too-large" || fault.isGuess === true) streak.refused();
  for (const { index, record } of entry.slots) {
    const bytes = sizeOf(record);
    const standard =
      fault.kind === "too-large"
        ? `the record has ${bytes} bytes (${entry.batch?.length ?? bytes} as sent), more than topic ${topic} takes; raise its max.message.bytes`
        : `topic ${topic} does not take the record (${bytes} bytes): ${fault.text}`;
    const detail = fault.detail === undefined ? standard : `the record has ${bytes} bytes, and ${fault.detail}`;
    streak.report(log, detail);
    pendingWrite.settle(index, {
      kind: "refused",
      reason: fault.kind === "too-large" ? "record-too-large" : "refused",
      detail,
    });
  }
  telemetry.refused(topic, count);
  return [];
}

function sizeOf(record: SinkRecord): number {
  const { key, value } = record;
  const headerBytes = headersOf(record).reduce((sum, [name, bytes]) => sum + name.length + bytes.length, 0);
  return (key?.length ?? 0) + (value?.length ?? 0) + headerBytes;
}
