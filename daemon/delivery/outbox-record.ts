import type { Queued } from "./batch-queue.ts";
import {
  headerNames,
  perSource,
  sourceDefinitions,
  type Header,
  type SourceLocation,
  type WriteOutcome,
} from "../contract.ts";
import type { MadePart, Shipment } from "./shipment.ts";

/** Caches what is made from a recurring name; names longer than any real one are not kept. */
class Interned<T> {
  readonly #max: number;
  readonly #make: (bytes: Buffer) => T;
  readonly #known = new Map<string, T>();

  /** @param max how many are kept; more than occur in practice */
  constructor(max: number, make: (bytes: Buffer) => T) {
    this.#max = max;
    this.#make = make;
  }

  get(text: string): T {
    let made = this.#known.get(text);
    if (made === undefined) {
      // Memory of its own: what lives long must not hold on to the 8 KiB that Node cuts small buffers from.
      made = this.#make(Buffer.alloc(Buffer.byteLength(text), text));
      if (this.#known.size >= this.#max) this.#known.clear();
      if (text.length <= 256) this.#known.set(text, made);
    }
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

/** Receives the outcome of a record; the partition as `topic/partition`. */
type Settle = (record: OutboxRecord, outcome: WriteOutcome, partition: string) => void;

/** A record on its way to the sink: one object for each, because thousands are on their way at once. */
export class OutboxRecord implements Queued {
  readonly shipment: Shipment;
  readonly part: MadePart;
  /** The agent, so that its alerts keep their order. */
  readonly key: Buffer;
  readonly headers: readonly Header[];
  readonly bytes: number;
  readonly #settle: Settle;

  /**
   * @param agent  the alert's agent; the manager if it has none
   * @param settle the same function for all records
   */
  constructor(shipment: Shipment, part: MadePart, agent: string, settle: Settle) {
    this.shipment = shipment;
    this.part = part;
    this.key = keys.get(agent);
    this.headers = headers[shipment.source].get(part.handler).get(shipment.node);
    this.bytes = this.key.length + part.record.value.length + shipment.id.length + frameBytes;
    this.#settle = settle;
  }

  get id(): string {
    return this.shipment.id;
  }

  get value(): Buffer {
    return this.part.record.value;
  }

  get place(): SourceLocation | undefined {
    return this.shipment.payload?.place;
  }

  done(outcome: WriteOutcome, partition: string): void {
    this.#settle(this, outcome, partition);
  }
}
