import type { Config } from "../config/schema.ts";
import { Budget } from "../delivery/budget.ts";
import type { FeedbackSink, Handler, Sink } from "../contract.ts";
import type { Pairing } from "../pairing/pairing.ts";
import type { Shipment } from "../delivery/shipment.ts";
import { deadLetterDirectory, DeadLetterStore, type NewDeadLetter } from "../dead-letters/store.ts";
import { Outbox } from "../delivery/outbox.ts";
import { OwnNode } from "../delivery/own-node.ts";
import { Pipeline } from "../delivery/pipeline.ts";
import { Relevance } from "../delivery/relevance.ts";
import { Shipper } from "../delivery/shipper.ts";
import { ShipmentAccount } from "../delivery/shipment-account.ts";
import type { LineAccount } from "../proof/account.ts";
import { digestsOf } from "../proof/batch-digests.ts";
import type { SinkOffsets } from "../delivery/sink-offsets.ts";
import type { TopicGate } from "../delivery/topic-gate.ts";
import { createHandlers, topicsOf } from "../handlers/registry.ts";
import type { Tap } from "../delivery/tap.ts";
import type { EventWatch } from "../delivery/event-watch.ts";
import { sinkDefinition } from "../sink-kinds/registry.ts";
import type { DeliveryTimes } from "../telemetry/delivery-times.ts";
import type { Log } from "../telemetry/log.ts";
import { readNodeIdentity } from "../wazuh/node.ts";
import type { ForwarderCounters } from "./counters.ts";

const deadLetterLimits = { maxBytes: 256 * 1024 * 1024, segmentBytes: 4 * 1024 * 1024 };

export function openDeadLetters(config: Config, log: Log): DeadLetterStore {
  return new DeadLetterStore(deadLetterDirectory(config.stateDir), deadLetterLimits, log);
}

interface CoreParts {
  readonly config: Config;
  readonly sink: Sink;
  readonly deadLetters: { add(entry: NewDeadLetter): Promise<void> };
  readonly counters: ForwarderCounters;
  readonly pairing: Pairing<Shipment> | undefined;
  readonly offsets: SinkOffsets | undefined;
  /** Present where the offsets are. */
  readonly gate?: TopicGate | undefined;
  /** Present where manifests are published. */
  readonly account?: LineAccount | undefined;
  readonly feedback: FeedbackSink | undefined;
  /** See `PipelineParts`. */
  readonly differs?: (id: string) => void;
  /** See `PipelineParts`. */
  readonly named?: () => void;
  /** Absent for a replay. */
  readonly times?: DeliveryTimes;
  /** Absent for a replay, whose alerts are of another time. */
  readonly eventWatch?: EventWatch;
  /** Absent for a replay. */
  readonly tap?: Tap;
}

/** What the running forwarder and a replay have in common: from a delivery to its outcome. */
export interface Core {
  readonly handlers: readonly Handler[];
  readonly relevance: Relevance;
  readonly budget: Budget;
  readonly outbox: Outbox<Shipment>;
  readonly shipper: Shipper;
  readonly pipeline: Pipeline;
  /** Undefined without manifests. */
  readonly account: ShipmentAccount | undefined;
  readonly node: OwnNode;
  /** All topics that the handlers may write to; these are looked up after a crash. */
  readonly topics: readonly string[];
}

export function createCore(parts: CoreParts): Core {
  const {
    config,
    sink,
    deadLetters,
    counters,
    pairing,
    offsets,
    gate,
    account: lines,
    feedback,
    eventWatch,
    tap,
    times,
    named,
    differs = () => undefined,
  } = parts;
  const handlers = createHandlers(config.dfn, config.handlers);
  const budget = new Budget(config.limits.memoryBytes);
  const batchLimits = sinkDefinition(config.sink).batchLimits(config.sink);
  const account = lines === undefined ? undefined : new ShipmentAccount(lines);
  const digests = account === undefined ? undefined : digestsOf;
  const outbox = new Outbox<Shipment>(sink, batchLimits, () => times?.answered(), gate, digests);
  const shipper = new Shipper({
    account,
    counters: counters,
    budget,
    deadLetters,
    outbox,
    offsets,
    pairing,
    feedback,
    times,
    tailWaitMs: pairing === undefined ? 0 : (config.sources.tail?.waitMs ?? 0),
  });
  const node = new OwnNode(readNodeIdentity(config.wazuh.home));
  const pipeline = new Pipeline({
    handlers,
    counters: counters,
    budget,
    deadLetters,
    shipper,
    pairing,
    node,
    ...(named !== undefined && { named }),
    ...(tap !== undefined && { tap }),
    differs,
    account,
    times,
    shipped: (shipped) => eventWatch?.shipped(shipped),
    leftOut: (reason) => eventWatch?.leftOut(reason),
  });
  const relevance = new Relevance(handlers.flatMap((handler) => handler.needles));
  return { handlers, relevance, budget, outbox, shipper, pipeline, account, node, topics: topicsOf(handlers) };
}
