import type { SourceName } from "../delivery/contract.ts";
import { SourceCounters } from "../telemetry/counters.ts";

/** The counters of all sources; they live as long as the process, over every reload. */
export type Books = Readonly<Record<SourceName, SourceCounters>>;

export function createBooks(): Books {
  return { socket: new SourceCounters(), tail: new SourceCounters(), replay: new SourceCounters() };
}
