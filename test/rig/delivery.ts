import { Budget } from "../../daemon/delivery/budget.ts";
import type { BatchLimits } from "../../daemon/delivery/batch-queue.ts";
import type { DeadReason, FeedbackSink, Handler, Outcome, SourceName } from "../../daemon/contract.ts";
import { batchDigests } from "../../daemon/proof/batch-digests.ts";
import type { Pairing } from "../../daemon/pairing/pairing.ts";
import type { Shipment } from "../../daemon/delivery/shipment.ts";
import type { NewDeadLetter } from "../../daemon/dead-letters/store.ts";
import { OwnNode } from "../../daemon/delivery/own-node.ts";
import { EventWatch } from "../../daemon/delivery/event-watch.ts";
import { Outbox } from "../../daemon/delivery/outbox.ts";
import { Pipeline, type Verdict } from "../../daemon/delivery/pipeline.ts";
import type { ShipmentAccount } from "../../daemon/delivery/shipment-account.ts";
import { Shipper } from "../../daemon/delivery/shipper.ts";
import type { Tap } from "../../daemon/delivery/tap.ts";
import type { SinkOffsets } from "../../daemon/delivery/sink-offsets.ts";
import { createCounters } from "../../daemon/forwarder/counters.ts";
import type { MemorySink } from "./memory-sink.ts";

/** Takes every alert with a member `"wanted"` whose value is true; its record is the alert's bytes. */
export const wantedHandler: Handler = {
  name: "wanted",
  topics: ["alerts"],
  needles: [{ kind: "all" }],
  record(alert) {
    return alert.member("wanted")?.kind === "true" ? { topic: "alerts", value: alert.bytes } : undefined;
  },
};

/** An alert as bytes. */
export function alertBytes(id: string, fields: Readonly<Record<string, unknown>> = {}): Buffer {
  return Buffer.from(JSON.stringify({ id, manager: { name: "m1" }, agent: { id: "001" }, wanted: true, ...fields }));
}

/** Dead letters in memory; they are durable when the test says so. */
export class DeadLetterBox {
  readonly entries: NewDeadLetter[] = [];
  isHolding = false;
  #stored: (() => void)[] = [];

  get reasons(): DeadReason[] {
    return this.entries.map(({ reason }) => reason);
  }

  add(entry: NewDeadLetter): Promise<void> {
    this.entries.push(entry);
    if (!this.isHolding) return Promise.resolve();
    return new Promise((resolve) => this.#stored.push(resolve));
  }

  release(): void {
    this.isHolding = false;
    for (const resolve of this.#stored.splice(0)) resolve();
  }
}

export interface DeliveryOptions {
  readonly sink: MemorySink;
  readonly handlers?: readonly Handler[];
  readonly pairing?: Pairing<Shipment> | undefined;
  readonly offsets?: SinkOffsets | undefined;
  readonly feedback?: FeedbackSink;
  readonly tailWaitMs?: number;
  readonly limitBytes?: number;
  readonly node?: OwnNode;
  readonly named?: () => void;
  readonly batches?: Partial<BatchLimits>;
  readonly now?: () => number;
  readonly tap?: Tap;
  readonly account?: ShipmentAccount;
}

/** The real way of an alert, from a source's offer to a sink in memory. */
export class Delivery {
  readonly counters = createCounters();
  readonly deadLetters = new DeadLetterBox();
  /** Ids of alerts whose socket copy did not say what the line says. */
  readonly differing: string[] = [];
  readonly eventWatch = new EventWatch(() => 0);
  readonly budget: Budget;
  readonly outbox: Outbox<Shipment>;
  readonly shipper: Shipper;
  readonly pipeline: Pipeline;

  constructor(options: DeliveryOptions) {
    const { counters, deadLetters } = this;
    const { sink, pairing, offsets, feedback, account, tailWaitMs = 0, now = () => performance.now() } = options;
    this.budget = new Budget(options.limitBytes ?? 64 * 1024 * 1024);
    const batches = { maxBytes: 1_000_000, maxRecords: 1000, lingerMs: 0, ...options.batches };
    this.outbox = new Outbox<Shipment>(sink, batches, undefined, undefined, account && batchDigests);
    const { budget, outbox } = this;
    const parts = { counters, budget, deadLetters, outbox, offsets, pairing, feedback, account, tailWaitMs, now };
    this.shipper = new Shipper(parts);
    const handlers = options.handlers ?? [wantedHandler];
    const differs = (id: string): void => void this.differing.push(id);
    const node = options.node ?? new OwnNode({ name: "m1", fallbackName: undefined });
    this.pipeline = new Pipeline({
      handlers,
      counters,
      budget,
      deadLetters,
      shipper: this.shipper,
      pairing,
      account,
      node,
      ...(options.named !== undefined && { named: options.named }),
      differs,
      shipped: (shipped) => this.eventWatch.shipped(shipped),
      leftOut: (reason) => this.eventWatch.leftOut(reason),
      ...(options.tap !== undefined && { tap: options.tap }),
    });
  }

  /** Releases shipments, as after a look-up that found nothing. */
  begin(): this {
    this.shipper.begin({ shipped: undefined, next: {} });
    return this;
  }

  /** What the tail offers is lent, and overwritten once it was offered, as the next chunk of the log does it. */
  offer(source: SourceName, alert: Buffer, line?: number): { verdict: Verdict; outcomes: Outcome[] } {
    const outcomes: Outcome[] = [];
    const place = { file: source, offset: 0, length: alert.length };
    const owner = { settled: (outcome: Outcome) => void outcomes.push(outcome) };
    const isLent = source === "tail";
    const bytes = isLent ? Buffer.from(new Uint8Array(alert).buffer) : alert;
    const verdict = this.pipeline.offer({ source, bytes, isLent, place, owner, ...(line !== undefined && { line }) });
    if (isLent) bytes.fill("X");
    return { verdict, outcomes };
  }
}

/** Lets everything that is ready in this process happen: promises, and timers that are due. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
