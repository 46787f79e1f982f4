import { createHash } from "node:crypto";
import type { Alert } from "../alert/alert.ts";
import { isBelievable } from "../alert/believable.ts";
import { describe } from "../errors.ts";
import {
  unknownLine,
  type Handler,
  type HandlerRecord,
  type Outcome,
  type Owner,
  type SourceLocation,
  type Waiter,
} from "../contract.ts";
import { none, withOneMore, type PairedAlert } from "../pairing/pairing.ts";
import type { Contribution, CountedEntry, CountedRecord, DeadPart } from "../proof/contribution.ts";
import { noTime } from "../telemetry/delivery-times.ts";
import type { StoredRecord } from "./sink-offsets.ts";

/** One alert on its way from a source. */
export interface Delivery extends Waiter {
  /** The alert's JSON, without the newline; owned by the pipeline from now on, unless it is lent. */
  readonly bytes: Buffer;
  /** The bytes may change once the delivery was offered: what is kept of them is copied. Default: they do not. */
  readonly isLent?: boolean;
  readonly place: SourceLocation;
  /** The only handler to ask, if the others have had their turn. */
  readonly handler?: string;
}

/** What a handler made of the alert: its record, but that the value is given away. */
export interface MadePart extends Pick<HandlerRecord, "topic" | "feedback" | "warning"> {
  readonly handler: string;
  /** Undefined once its bytes are in a batch. */
  value: Buffer | undefined;
}

/** The same, or why it failed. */
export type Part = MadePart | { readonly handler: string; readonly failure: string };

/** The large part of a shipment. */
export interface Payload {
  readonly alert: Alert;
  readonly place: SourceLocation;
  readonly parts: readonly Part[];
}

/** An alert that is being shipped; done when all of its parts have an outcome. */
export interface Shipment extends PairedAlert {
  readonly id: string;
  readonly node: string;
  /**
   * Released when it is finished, or earlier: when its only record is encoded, and that record is the alert as it is and
   * all that is needed of it. A part is known by its index.
   */
  payload: Payload | undefined;
  readonly sizeBytes: number;
  /** The alert's own time, as `DeliveryTimes.mark` gives it. */
  timeMark: number;
  /** In the order in which shipments were begun. */
  number: number;
  openParts: number;
  isDead: boolean;
  outcome: Outcome | undefined;
  /**
   * The number of the line of the log that covers it: when the checkpoint has passed that, no look-up needs to find its
   * records. `unknownLine` until the log brings the alert.
   */
  line: number;
  /** Its records in the sink, while the line is not known. */
  stored: readonly StoredRecord[];
  /** No look-up needs to find its records. */
  isPassed: boolean;
  /** What it adds to the manifest of its line; undefined once that has it, and without manifests. */
  counted: CountedShipment | undefined;
  /** The same for its only record, if the log brought it: where the manifest counts it. */
  entry: CountedEntry | undefined;
}

/** What a shipment adds to a manifest: a `Contribution`, but for what is missing among its records. */
export interface CountedShipment {
  readonly kind: "relevant";
  readonly salvaged: number;
  /** By part; what was refused, and what no manifest can name, is undefined. */
  records: readonly (CountedRecord | undefined)[];
  dead: readonly DeadPart[];
}

const nobody: Owner = { settled: () => undefined };

/** An alert of the socket that an earlier process has sent; the log has not brought it. */
export function finishedShipment(id: string, { records, dead }: Pick<Contribution, "records" | "dead">): Shipment {
  return {
    source: "socket",
    owner: nobody,
    line: unknownLine,
    id,
    node: "",
    payload: undefined,
    sizeBytes: 0,
    timeMark: noTime,
    handle: 0,
    number: 0,
    openParts: 0,
    isDead: records.length === 0,
    outcome: records.length === 0 ? "dead-letter" : "acknowledged",
    waiters: none,
    stored: none,
    isMet: false,
    isPassed: false,
    counted: { kind: "relevant", salvaged: 0, records, dead },
    entry: undefined,
  };
}

/** @throws Error when it has its outcome already */
export function assertOpen({ outcome }: Shipment): void {
  if (outcome !== undefined) throw new Error("a record of a finished shipment has an outcome");
}

/** What a finished shipment of the socket weighs until the tail has brought the alert (measured: 700 bytes). */
export const aheadBytes = 1024;

/** What a copy weighs that waits for another one's outcome, the tail's place for it included (measured: 400 bytes). */
export const waiterBytes = 512;

/**
 * Asks each handler. One that throws, or names a topic that is not looked up after a crash, gives a failure, and the others
 * go on.
 */
export function partsOf(handlers: readonly Handler[], alert: Alert): readonly Part[] {
  let parts: readonly Part[] = none;
  for (const handler of handlers) {
    try {
      const record = handler.record(alert);
      if (record === undefined) continue;
      if (!handler.topics.includes(record.topic)) throw new Error(foreignTopic(record.topic, handler.topics));
      parts = withOneMore(parts, { handler: handler.name, ...record });
    } catch (reason) {
      parts = withOneMore(parts, { handler: handler.name, failure: describe(reason) });
    }
  }
  return parts;
}

function foreignTopic(topic: string, topics: readonly string[]): string {
  return `it made a record for the topic ${topic}, but declares only ${topics.join(", ")}; this is a bug in the handler`;
}

/**
 * The id under which an alert travels: its own, or, if it has none, one made from its bytes, so that a copy read again
 * after a crash is known again.
 */
export function idOf(alert: Alert): string {
  return alert.id ?? `sha256:${createHash("sha256").update(alert.bytes).digest("hex").slice(0, 16)}`;
}

/** The window keeps a second in 32 bits. */
const latestSecond = 2 ** 32 - 2;

/**
 * Unix second, before 2106, from an id `<second>.<offset>` (Wazuh 4.14: analysisd/format/to_json.c:56-62), or -1; -1 too
 * for one in the future, after which everything that follows would seem to be long past.
 * @param nowMs milliseconds since 1970
 */
export function secondOf(id: string, nowMs = Date.now()): number {
  const dot = id.indexOf(".");
  const second = dot > 0 ? Number(id.slice(0, dot)) : Number.NaN;
  const isSecond = Number.isInteger(second) && second >= 0 && second <= latestSecond;
  return isSecond && isBelievable(second, nowMs) ? second : -1;
}

/** The same delivery with bytes of its own. */
export function withOwnBytes(delivery: Delivery): Delivery {
  return { ...delivery, bytes: Buffer.from(delivery.bytes), isLent: false };
}

/** Gives an alert bytes of its own, and the parts whose value lies in those that it had. */
export function keepBytes(alert: Alert, parts: readonly Part[]): void {
  const lent = alert.bytes;
  alert.keep();
  for (const part of parts) {
    if (!("value" in part) || part.value?.buffer !== lent.buffer) continue;
    part.value = part.value === lent ? alert.bytes : Buffer.from(part.value);
  }
}

/**
 * The objects around an alert and its record, from the tail's ledger to the batch, and what is lost at the ends of the
 * pieces of memory that small buffers are cut from: 700 to 1400 bytes (measured with 10,000 alerts).
 */
const objectBytes = 1536;

/** What is held for each byte that is counted: the pages of V8's heap and malloc's are never full (measured). */
const heldPerByte = 1.25;

/**
 * What a shipment weighs in the byte budget: the alert, its records, and the objects around them. A record's bytes are
 * held once: by the part that made it, and then by a batch.
 */
export function weightOf(bytes: Buffer, parts: readonly Part[]): number {
  let weight = bytes.length + objectBytes;
  for (const part of parts) {
    if ("value" in part && part.value !== undefined && part.value !== bytes) weight += part.value.length;
  }
  return Math.ceil(weight * heldPerByte);
}
