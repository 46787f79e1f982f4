import { perSource, type PerSource } from "../../../daemon/contract.ts";
import { emptyStore } from "../../../daemon/dead-letters/usage.ts";
import type { SinkFacts } from "../../../daemon/sink-kinds/registry.ts";
import type { Facts } from "../../../daemon/status/facts.ts";
import type { Counts } from "../../../daemon/telemetry/counters.ts";

export function counts(some: Partial<Counts> = {}): Counts {
  return { read: 0, ignored: 0, paired: 0, inFlight: 0, acknowledged: 0, deadLettered: 0, ...some };
}

/** Counts of all sources; those that are not given have done nothing. */
export function countsOf(some: Partial<PerSource<Counts>> = {}): PerSource<Counts> {
  return { ...perSource(() => counts()), ...some };
}

export const kafkaAtWork = {
  kind: "kafka",
  isConnected: true,
  connected: ["a:9092"],
  waitingBatches: 0,
  throttledMs: 0,
  lastAcknowledgedAt: 1_700_000_000_000,
  troubles: [],
  lastError: undefined,
  latency: { answers: 3, p50Ms: 4, p99Ms: 9, maxMs: 9 },
} as const satisfies SinkFacts;

/** A forwarder with nothing wrong, except for what a test specifies. */
export function aForwarder(but: Partial<Facts> = {}): Facts {
  return {
    version: "1.0.0",
    pid: 42,
    node: "20.0.0",
    uptimeSeconds: 100,
    isReady: true,
    sources: countsOf(),
    queue: { alerts: 0, bytes: 0, limitBytes: 1000 },
    pairingWindow: 0,
    socket: { refused: 0, contradicted: 0, contradictedSecondsAgo: undefined },
    events: { lastSeen: {}, leftOut: { "fail2ban-program-name": 0, "fail2ban-group": 0 } },
    log: {
      state: "following",
      file: "/alerts.json",
      offset: 10,
      size: 10,
      lagBytes: 0,
      lagCompressedFiles: 0,
      lagSeconds: 0,
    },
    checkpoint: { ageSeconds: 0, trouble: undefined },
    sink: kafkaAtWork,
    certificates: [],
    feedback: { sent: 0, dropped: 0, retried: 0, queued: 0 },
    deadLetters: { ...emptyStore, rawGivenUp: 0, nonAlertsGivenUp: 0, trouble: undefined },
    process: { rssBytes: 1, openFiles: 9 },
    ...but,
  };
}
