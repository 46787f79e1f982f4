import { setTimeout as sleep } from "node:timers/promises";
import { monotonicMs, untilNext } from "../../../clock.ts";
import type { BrokerConnection } from "./connection.ts";

/** A connection whose requests have had no answer for this long is checked. */
const suspectAfterMs = 2000;
/** An address whose connection was ended for the network's sake is given more time, for this long. */
const patienceLastsMs = 60_000;
const lookEveryMs = 1000;
/** Between probes; doubled after each that shows a broker that is merely slow, because each is a connection of its own. */
const probeEveryMs = { first: 1000, longest: 16_000 };
/** After a probe that failed the next one follows sooner: each takes a while by itself. */
const probeAgainAfterMs = 300;
/** Once the way is free again, the old connection gets this long to come back to life by itself. */
const graceMs = 500;

export interface WatchdogTools {
  /** Open connections, the ones to watch. */
  connections(): readonly BrokerConnection[];
  /** Opens a connection to an address and closes it again; rejects when that does not work. */
  probe(address: string): Promise<void>;
  /** Asks Kafka who leads what now. */
  refresh(): Promise<void>;
  /** Whether any partition is led from this address. */
  leads(address: string): boolean;
}

/**
 * How long a connection to an address may be silent before it is a suspect. Over a slow and lossy line a large batch
 * takes its time, and ending its connection means sending it from the beginning: so each such end doubles the time.
 */
class StallTimeout {
  readonly #doubled = new Map<string, { limitMs: number; at: number }>();

  limitMs(address: string): number {
    const doubled = this.#doubled.get(address);
    if (doubled !== undefined && monotonicMs() - doubled.at < patienceLastsMs) return doubled.limitMs;
    this.#doubled.delete(address);
    return suspectAfterMs;
  }

  double(address: string): void {
    this.#doubled.set(address, { limitMs: 2 * this.limitMs(address), at: monotonicMs() });
  }
}

/**
 * Checks connections that have fallen silent, so that the end of an outage is noticed within a second or two and
 * not when the request times out. Two signs end such a connection at once, and what was on it is sent again as the
 * same bytes: its broker leads nothing any more; or new connections to it failed and now succeed, which means that the
 * network lost packets and TCP is waiting, for longer each time, before it repeats them. A broker that is merely slow
 * shows neither sign.
 * @param signal ends the watching
 */
export async function runWatchdog(tools: WatchdogTools, signal: AbortSignal): Promise<void> {
  const suspects = new Set<BrokerConnection>();
  const stallTimeout = new StallTimeout();
  while (!signal.aborted) {
    for (const connection of tools.connections()) {
      if (suspects.has(connection) || connection.silentMs < stallTimeout.limitMs(connection.address)) continue;
      suspects.add(connection);
      void examine(connection, tools, stallTimeout, signal).finally(() => suspects.delete(connection));
    }
    await pause(untilNext(lookEveryMs), signal);
  }
}

async function examine(
  connection: BrokerConnection,
  tools: WatchdogTools,
  stallTimeout: StallTimeout,
  signal: AbortSignal,
): Promise<void> {
  const { address } = connection;
  let wasCutOff = false;
  let waitMs = probeEveryMs.first;
  let probeAt = 0;
  let isProbing = false;
  const isSilent = (): boolean => !signal.aborted && connection.silentMs >= suspectAfterMs;
  const probe = async (): Promise<void> => {
    const isReachable = await tools.probe(address).then(
      () => true,
      () => false, // Being unreachable is what is asked about.
    );
    if (isReachable && wasCutOff && isSilent()) {
      await pause(graceMs, signal);
      if (connection.silentMs > 0) {
        stallTimeout.double(address);
        connection.close(new Error(`the network to ${address} was interrupted`));
      }
    }
    wasCutOff ||= !isReachable;
    probeAt = monotonicMs() + (isReachable ? waitMs : probeAgainAfterMs);
    waitMs = isReachable ? Math.min(2 * waitMs, probeEveryMs.longest) : probeEveryMs.first;
  };
  while (isSilent()) {
    // Nobody waits for the answers here: they may hang on the very same broker, and are seen in a later round.
    void tools.refresh();
    if (!tools.leads(address)) {
      connection.close(new Error(`${address} does not answer and leads no partition any more`));
    } else if (!isProbing && monotonicMs() >= probeAt) {
      isProbing = true;
      void probe().finally(() => (isProbing = false));
    }
    await pause(wasCutOff ? probeAgainAfterMs : lookEveryMs, signal);
  }
}

/** Waits without keeping the process alive; ends early when the signal fires. */
async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  await sleep(durationMs, undefined, { signal, ref: false }).catch(() => {}); // Aborted: the callers look at the signal.
}
