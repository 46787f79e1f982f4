import type { Alert } from "../alert/alert.ts";
import type { Queued } from "./batch-queue.ts";
import { headersOf, perSource, sourceDefinitions, type Header, type SinkRecord } from "../contract.ts";
import { headerNames } from "../header-names.ts";
import type { MadePart, Payload, Shipment } from "./shipment.ts";

/** Caches what is made from a recurring name; names longer than any real one are not kept. */
class Interned<T> {
  readonly #max: number;
  readonly #make: (bytes: Buffer) => T;
  readonly #known = new Map<string, T>();
  /** What was asked for last: of nodes and handlers nearly always what is asked for next. */
  #last: { readonly text: string; readonly made: T } | undefined;

  /** @param max how many are kept; more than occur in practice */
  constructor(max: number, make: (bytes: Buffer) => T) {
    this.#max = max;
    this.#make = make;
  }

  get(text: string): T {
    if (this.#last?.text === text) return this.#last.made;
    let made = this.#known.get(text);
    if (made === undefined) {
      // Memory of its own: what lives long must not hold on to the 8 KiB that Node cuts small buffers from.
      made = this.#make(Buffer.alloc(Buffer.byteLength(text), text));
      if (this.#known.size >= this.#max) this.#known.clear();
      if (text.length > 256) return made;
      this.#known.set(text, made);
    }
    this.#last = { text, made };
    return made;
  }
}

const keys = new Interned(10_000, (bytes) => bytes);

/** The headers behind the id, by handler and then by node. */
function headersFrom(source: string): Interned<Interned<readonly Header[]>> {
  const sourceHeader = [headerNames.source, Buffer.from(source)] as const;
  return new Interned(100, (handler) => {
    const handlerHeader = [headerNames.handler, handler] as const;
    return new Interned(1000, (node) => [[headerNames.node, node], sourceHeader, handlerHeader]);
  });
}

const headers = perSource((name) => headersFrom(sourceDefinitions[name].header));

/** About what a record takes in a batch besides its key, its value and its id. */
const frameBytes = 128;

/** The key of an alert's records: its agent, so that the alerts of one agent keep their order; the manager if it has none. */
export function recordKey(alert: Pick<Alert, "agentId" | "managerName">): string {
  return alert.agentId ?? alert.managerName ?? "";
}

/** The handler that a record's header names. */
export function handlerIn(record: SinkRecord): string {
  const header = headersOf(record).find(([name]) => name === headerNames.handler);
  return header?.[1].toString() ?? "";
}

/** A record's value, safe to keep once its batch is gone: a copy, unless it takes up most of the batch's memory anyway. */
export function retainedValue({ value }: SinkRecord): Buffer {
  const bytes = value ?? Buffer.alloc(0);
  return 2 * bytes.length < bytes.buffer.byteLength ? Buffer.from(bytes) : bytes;
}

/**
 * A record for the outbox. It is not kept once it is encoded.
 * @param index of the part in its shipment
 * @param agent the alert's `recordKey`
 */
export function outboxRecord(
  shipment: Shipment,
  { place }: Payload,
  part: MadePart,
  index: number,
  agent: string,
): Queued<Shipment> {
  const { id, source, node } = shipment;
  const key = keys.get(agent);
  const value = part.value ?? null;
  return {
    key,
    id,
    headers: headers[source].get(part.handler).get(node),
    value,
    place,
    bytes: key.length + (value?.length ?? 0) + id.length + frameBytes,
    waiting: shipment,
    part: index,
  };
}
