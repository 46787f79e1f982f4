import { perSource } from "../../../daemon/contract.ts";
import { emptyStore } from "../../../daemon/dead-letters/usage.ts";
import type { StatusSnapshot } from "../../../daemon/status/facts.ts";
import { SourceCounters } from "../../../daemon/telemetry/counters.ts";

interface Asked {
  readonly alerts?: number;
  readonly acknowledged?: number;
  readonly troubles?: number;
  readonly isReady?: boolean;
}

/** A forwarder that ships to Kafka, with these figures. */
export function factsWith({ alerts = 0, acknowledged = 0, troubles = 0, isReady = true }: Asked): StatusSnapshot {
  const none = new SourceCounters().snapshot();
  const trouble = {
    code: "kafka-unreachable" as const,
    subject: "kafka",
    text: "no broker answers",
    remedy: "",
    since: 0,
  };
  return {
    version: "1.0.0",
    pid: 1,
    node: "20.0.0",
    uptimeSeconds: 0,
    isReady,
    sources: { ...perSource(() => none), tail: { ...none, read: acknowledged + alerts, acknowledged } },
    queue: { alerts, bytes: 0, limitBytes: 1 },
    pairingWindow: 0,
    socket: undefined,
    events: { lastSeen: {}, leftOut: { "fail2ban-program-name": 0, "fail2ban-group": 0 } },
    log: undefined,
    checkpoint: undefined,
    sink: {
      kind: "kafka",
      isConnected: troubles === 0,
      connected: [],
      waitingBatches: 0,
      throttledMs: 0,
      lastAcknowledgedAt: undefined,
      troubles: Array.from({ length: troubles }, () => trouble),
      lastError: undefined,
      latency: undefined,
    },
    certificates: [],
    feedback: { sent: 0, dropped: 0, retried: 0, queued: 0 },
    deadLetters: { ...emptyStore, rawGivenUp: 0, nonAlertsGivenUp: 0, trouble: undefined },
    process: { rssBytes: 0, openFiles: undefined },
    health: { state: "ok", reasons: [] },
  };
}
