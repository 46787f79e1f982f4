import type { SourceName } from "../contract.ts";
import { SourceCounters } from "../telemetry/counters.ts";

/** The counters of all sources; they live as long as the process, over every reload. */
export type ForwarderCounters = Readonly<Record<SourceName, SourceCounters>>;

export function createCounters(): ForwarderCounters {
  return { socket: new SourceCounters(), tail: new SourceCounters(), replay: new SourceCounters() };
}

/**
 * What a forwarder that stops leaves without an outcome: the next one in this process reads it again. What the socket
 * brought is left to the tail, where there is one; else its client, which got no answer, sends it again.
 * @param ignored lines that were ignored behind the oldest one without an outcome, and so are read again with it;
 *                undefined without a tail
 */
export function carryOver({ socket, tail }: ForwarderCounters, ignored: number | undefined): void {
  if (ignored === undefined) socket.letGo();
  else while (socket.inFlight > 0) socket.settled("paired");
  tail.carryOver(ignored ?? 0);
}
