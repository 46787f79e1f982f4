import type { SourceName } from "../delivery/contract.ts";
import { SourceCounters } from "../telemetry/counters.ts";

/** The counters of all sources; they live as long as the process, over every reload. */
export type Books = Readonly<Record<SourceName, SourceCounters>>;

export function createBooks(): Books {
  return { socket: new SourceCounters(), tail: new SourceCounters(), replay: new SourceCounters() };
}

/**
 * What a forwarder that stops leaves without an outcome: the next one in this process reads it again. What the socket
 * brought is left to the tail, where there is one.
 */
export function carryOver({ socket, tail }: Books, hasTail: boolean): void {
  if (hasTail) while (socket.inFlight > socket.carriedOver) socket.settled("paired");
  socket.carryOver();
  tail.carryOver();
}
