import { createHash } from "node:crypto";
import type { Alert } from "../alert/alert.ts";
import { describe } from "../errors.ts";
import {
  headerNames,
  type Handler,
  type HandlerRecord,
  type Outcome,
  type Place,
  type SinkRecord,
  type SourceName,
} from "./contract.ts";
import type { Fingerprint } from "./fingerprint-table.ts";
import type { StoredRecord } from "./sink-offsets.ts";

/** One alert on its way from a source. */
export interface Delivery {
  readonly source: SourceName;
  /** The alert's JSON, without the newline; the pipeline's from now on. */
  readonly bytes: Buffer;
  readonly place: Place;
  /** The one handler that is asked, where the others have had their turn. */
  readonly handler?: string;
  /** Called exactly once where `offer` says "taken", "second" or "rejected", maybe before it returns. */
  readonly settled: (outcome: Outcome) => void;
}

/** Someone who waits for an outcome: the delivery that is shipped, and copies of it from another source. */
export interface Tie {
  readonly source: SourceName;
  readonly settled: (outcome: Outcome) => void;
}

/** What a handler made of the alert, or why it failed. */
export type Part =
  { readonly handler: string; readonly record: HandlerRecord } | { readonly handler: string; readonly failure: string };

/** What is heavy in a shipment; let go when it is finished. */
export interface Cargo {
  readonly alert: Alert;
  readonly bytes: Buffer;
  readonly place: Place;
  readonly parts: readonly Part[];
}

/** An alert that is being shipped; done when all of its parts have an outcome. */
export interface Shipment {
  /** The copy whose source is named in the header. */
  owner: Tie;
  readonly id: string;
  readonly node: string;
  cargo: Cargo | undefined;
  readonly sizeBytes: number;
  /** Set where two sources are paired. */
  readonly print: Fingerprint | undefined;
  readonly nth: number;
  openParts: number;
  isDead: boolean;
  outcome: Outcome | undefined;
  /** Copies from another source that wait for the same outcome. */
  ties: Tie[];
  /** Where its records stand in the sink, until the checkpoint has passed the alert. */
  stored: StoredRecord[];
  isPassed: boolean;
}

/** What a finished shipment weighs until the checkpoint has passed it. */
export const retainedBytes = 512;

/** Asks each handler; one that throws gives a failure, and the others go on. */
export function partsOf(handlers: readonly Handler[], alert: Alert): Part[] {
  const parts: Part[] = [];
  for (const handler of handlers) {
    try {
      const record = handler.record(alert);
      if (record !== undefined) parts.push({ handler: handler.name, record });
    } catch (reason) {
      parts.push({ handler: handler.name, failure: describe(reason) });
    }
  }
  return parts;
}

/**
 * The id under which an alert travels: its own, or, where it has none, one made of its bytes, so that a copy read again
 * after a crash is known again.
 */
export function idOf(alert: Alert): string {
  return alert.id ?? `sha256:${createHash("sha256").update(alert.bytes).digest("hex").slice(0, 16)}`;
}

/** Unix second from an id `<second>.<offset>` (Wazuh 4.14: analysisd/format/to_json.c:56-62), or -1. */
export function secondOf(id: string): number {
  const dot = id.indexOf(".");
  const second = dot > 0 ? Number(id.slice(0, dot)) : Number.NaN;
  return Number.isSafeInteger(second) && second >= 0 ? second : -1;
}

/** What is made of a name that comes again and again; longer names than any real one are not kept. */
class Interned<T> {
  readonly #make: (bytes: Buffer) => T;
  readonly #known = new Map<string, T>();

  constructor(make: (bytes: Buffer) => T) {
    this.#make = make;
  }

  get(text: string): T {
    let made = this.#known.get(text);
    if (made === undefined) {
      // Memory of its own: what lives long must not hold on to the 8 KiB that Node cuts small buffers from.
      made = this.#make(Buffer.alloc(Buffer.byteLength(text), text));
      if (this.#known.size >= 10_000) this.#known.clear();
      if (text.length <= 256) this.#known.set(text, made);
    }
    return made;
  }
}

const keys = new Interned((bytes) => bytes);
const nodeHeaders = new Interned((bytes) => [headerNames.node, bytes] as const);
const handlerHeaders = new Interned((bytes) => [headerNames.handler, bytes] as const);
const sourceHeaders = {
  socket: [headerNames.source, Buffer.from("socket")],
  tail: [headerNames.source, Buffer.from("file")],
  replay: [headerNames.source, Buffer.from("replay")],
} as const satisfies Record<SourceName, SinkRecord["headers"][number]>;

/** The record of one part, with key and headers. Key: the agent, so that its alerts keep their order. */
export function sinkRecordOf(
  shipment: Shipment,
  alert: Alert,
  part: { handler: string; record: HandlerRecord },
): SinkRecord {
  return {
    key: keys.get(alert.agentId ?? alert.managerName ?? ""),
    headers: [
      [headerNames.id, Buffer.from(shipment.id)],
      nodeHeaders.get(shipment.node),
      sourceHeaders[shipment.owner.source],
      handlerHeaders.get(part.handler),
    ],
    value: part.record.value,
  };
}

/** The objects around an alert and its record, from the tail's ledger to the batch (measured with 50,000 of them). */
const objectBytes = 3072;

/** What is held for each byte that is counted: the pages of V8's heap and malloc's are never full (measured). */
const heldPerByte = 1.25;

/** What a shipment weighs in the byte budget: the alert, its records, and the objects around them. */
export function weightOf(bytes: Buffer, parts: readonly Part[]): number {
  let weight = bytes.length + objectBytes;
  for (const part of parts) {
    if ("record" in part && part.record.value !== bytes) weight += part.record.value.length;
  }
  return Math.ceil(weight * heldPerByte);
}
