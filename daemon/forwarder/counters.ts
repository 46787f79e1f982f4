import { perSource, type PerSource, sourceKind } from "../contract.ts";
import { SourceCounters } from "../telemetry/counters.ts";

/** The counters of all sources; they live as long as the process, over every reload. */
export type ForwarderCounters = PerSource<SourceCounters>;

export function createCounters(): ForwarderCounters {
  return perSource(() => new SourceCounters());
}

/**
 * What a forwarder that stops leaves without an outcome: the next one in this process reads it again. What clients have
 * pushed is left to the tail if it is on; else the client, which got no answer, sends it again.
 * @param ignored number of ignored lines behind the oldest one without an outcome, which are read again with it; undefined
 *                without a tail
 */
export function carryOver(counters: ForwarderCounters, ignored: number | undefined): void {
  perSource((name) => {
    const own = counters[name];
    if (sourceKind(name) !== "push") return;
    if (ignored === undefined) own.letGo();
    else while (own.inFlight > 0) own.settled("paired");
  });
  counters.tail.carryOver(ignored ?? 0);
}
