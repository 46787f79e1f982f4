import { setTimeout as sleep } from "node:timers/promises";
import type { BrokerConnection } from "./connection.ts";

/** A connection whose requests have had no answer for so long is looked after. */
const suspectAfterMs = 2000;
const probeEveryMs = 1000;
/** Once the way is free again, the old connection gets this long to come back to life by itself. */
const graceMs = 500;

export interface VigilTools {
  /** Open connections, the ones to look after. */
  connections(): readonly BrokerConnection[];
  /** Opens a connection to an address and closes it again; rejects when that does not work. */
  probe(address: string): Promise<void>;
  /** Asks Kafka who leads what now. */
  refresh(): Promise<void>;
  /** Whether any partition is led from this address. */
  leads(address: string): boolean;
}

/**
 * Looks after connections that have fallen silent, so that the end of an outage is noticed within a second or two and
 * not when the request times out. Two signs end such a connection at once, and what was on it is sent again as the
 * same bytes: its broker leads nothing any more; or new connections to it failed and now succeed, which means that the
 * network lost packets and TCP is waiting, for longer each time, before it repeats them. A broker that is merely slow
 * shows neither sign.
 * @param signal ends the watching
 */
export async function keepVigil(tools: VigilTools, signal: AbortSignal): Promise<void> {
  const suspects = new Set<BrokerConnection>();
  while (!signal.aborted) {
    for (const connection of tools.connections()) {
      if (connection.silentMs < suspectAfterMs || suspects.has(connection)) continue;
      suspects.add(connection);
      void examine(connection, tools, signal).finally(() => suspects.delete(connection));
    }
    await pause(probeEveryMs, signal);
  }
}

async function examine(connection: BrokerConnection, tools: VigilTools, signal: AbortSignal): Promise<void> {
  let wasCutOff = false;
  while (!signal.aborted && connection.silentMs >= suspectAfterMs) {
    const isReachable = await tools.probe(connection.address).then(
      () => true,
      () => false, // Being unreachable is what is asked about.
    );
    await tools.refresh();
    if (!tools.leads(connection.address)) {
      connection.close(new Error(`${connection.address} does not answer and leads no partition any more`));
    } else if (isReachable && wasCutOff) {
      await pause(graceMs, signal);
      if (connection.silentMs > 0) connection.close(new Error(`the network to ${connection.address} was interrupted`));
    }
    wasCutOff ||= !isReachable;
    await pause(probeEveryMs, signal);
  }
}

/** Waits without keeping the process alive; ends early when the signal fires. */
async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  await sleep(durationMs, undefined, { signal, ref: false }).catch(() => {}); // Aborted: the callers look at the signal.
}
