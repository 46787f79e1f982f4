import type { LatencyMeter } from "../telemetry/latency.ts";
import type { Log } from "../telemetry/log.ts";
import type { RateMeter } from "../telemetry/rates.ts";
import type { ForwarderCounters } from "./counters.ts";
import type { Forwarder } from "./forwarder.ts";

/** One line of figures in the log: every so often, and at the end. */
export function logStatistics(
  what: string,
  parts: { forwarder: Forwarder; counters: ForwarderCounters; latency: LatencyMeter; rates: RateMeter; log: Log },
): void {
  const { forwarder, counters, latency, rates, log } = parts;
  const { socket, tail } = counters;
  log.info(
    {
      code: "statistics",
      ...rates.since([socket, tail], performance.now()),
      sources: { socket: socket.snapshot(), tail: tail.snapshot() },
      queueBytes: forwarder.core.budget.usedBytes,
      rssBytes: process.memoryUsage.rss(),
      log: forwarder.tail?.status(),
      sinkLatency: latency.summary(),
    },
    what,
  );
}
