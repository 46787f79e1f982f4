import { sinkDefinition } from "../sink-kinds/registry.ts";
import type { CertificateExpiry } from "../status/certificates.ts";
import type { Facts } from "../status/facts.ts";
import type { SystemMetrics, WatchedPaths } from "../status/system-metrics.ts";
import { perSource } from "../contract.ts";
import { deadLetterDirectory } from "../dead-letters/store.ts";
import type { Forwarder } from "./forwarder.ts";

interface SnapshotContext {
  readonly version: string;
  readonly isReady: boolean;
  readonly surroundings: SystemMetrics;
  /** Of what the status service uses on a port. */
  readonly statusCertificates: readonly CertificateExpiry[];
}

/** The forwarder as it is at this moment; nothing here waits, so no counter moves in between. */
export function factsOf(forwarder: Forwarder, context: SnapshotContext): Facts {
  const { version, isReady, surroundings, statusCertificates } = context;
  const { counters } = forwarder.setup;
  const { core, tail, pairing, deadLetters, feedback } = forwarder;
  return {
    version,
    pid: process.pid,
    node: process.versions.node,
    uptimeSeconds: Math.round(process.uptime()),
    isReady,
    sources: perSource((name) => counters[name].snapshot()),
    queue: {
      alerts: core.shipper.open,
      bytes: core.budget.usedBytes,
      limitBytes: core.budget.limitBytes,
    },
    pairingWindow: pairing?.size,
    socket: forwarder.setup.config.sources.socket === undefined ? undefined : forwarder.setup.socketWatch.report(),
    events: forwarder.setup.eventWatch.report(),
    log: tail?.status(),
    checkpoint: tail?.checkpoint(),
    manifests: forwarder.manifests?.status(forwarder.core.account?.undecided),
    sink: forwarder.sinkState(),
    certificates: [...surroundings.certificates, ...statusCertificates],
    feedback: feedback.snapshot(),
    deadLetters: {
      ...surroundings.deadLetters,
      rawGivenUp: deadLetters.rawGivenUp,
      nonAlertsGivenUp: deadLetters.nonAlertsGivenUp,
      trouble: deadLetters.trouble ?? surroundings.deadLetterTrouble,
      troubleCode:
        deadLetters.troubleCode ??
        (surroundings.deadLetterTrouble === undefined ? undefined : "dead-letters-unreadable"),
    },
    process: { rssBytes: process.memoryUsage.rss(), openFiles: surroundings.openFiles },
  };
}

/** What has to be looked at outside of the process. */
export function watchedBy({ setup: { config } }: Forwarder): WatchedPaths {
  return {
    deadLetterDirectory: deadLetterDirectory(config.stateDir),
    tls: sinkDefinition(config.sink).tls(config.sink),
  };
}
