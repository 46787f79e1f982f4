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
export const retainedBytes = 256;

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

const sourceHeader: Record<SourceName, Buffer> = {
  socket: Buffer.from("socket"),
  tail: Buffer.from("file"),
  replay: Buffer.from("replay"),
};

/** Bytes of names that come again and again; emptied when hostile input makes it large. */
class Interned {
  readonly #known = new Map<string, Buffer>();

  get(text: string): Buffer {
    let bytes = this.#known.get(text);
    if (bytes === undefined) {
      if (this.#known.size >= 10_000) this.#known.clear();
      this.#known.set(text, (bytes = Buffer.from(text)));
    }
    return bytes;
  }
}

const names = new Interned();

/** The record of one part, with key and headers. Key: the agent, so that its alerts keep their order. */
export function sinkRecordOf(
  shipment: Shipment,
  alert: Alert,
  part: { handler: string; record: HandlerRecord },
): SinkRecord {
  return {
    key: names.get(alert.agentId ?? alert.managerName ?? ""),
    headers: [
      [headerNames.id, Buffer.from(shipment.id)],
      [headerNames.node, names.get(shipment.node)],
      [headerNames.source, sourceHeader[shipment.owner.source]],
      [headerNames.handler, names.get(part.handler)],
    ],
    value: part.record.value,
  };
}

/** What a shipment weighs in the byte budget: the alert, its records, and the objects around them. */
export function weightOf(bytes: Buffer, parts: readonly Part[]): number {
  let weight = bytes.length + 1024;
  for (const part of parts) {
    if ("record" in part && part.record.value !== bytes) weight += part.record.value.length;
  }
  return weight;
}
