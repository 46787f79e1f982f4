import type { PerSource } from "../contract.ts";
import type { DeadLetterCount } from "../dead-letters/usage.ts";
import type { SinkFacts } from "../sink-kinds/registry.ts";
import type { TailStatus } from "../sources/tail/status.ts";
import type { CheckpointStatus } from "../sources/tail/position/checkpoint-store.ts";
import type { Counts } from "../telemetry/counters.ts";
import type { EventReport } from "../delivery/event-watch.ts";
import type { ReasonCode } from "../telemetry/reason-codes.ts";
import type { SocketReport } from "../telemetry/socket-watch.ts";
import type { FeedbackSnapshot } from "../wazuh/feedback.ts";
import type { ManifestStatus } from "../proof/status.ts";
import type { CertificateExpiry } from "./certificates.ts";

/** The forwarder at one moment: everything was read in one turn of the event loop, so the figures are consistent. */
export interface Facts {
  readonly version: string;
  readonly pid: number;
  /** Version of Node. */
  readonly node: string;
  readonly uptimeSeconds: number;
  /** Whether it accepts alerts: false while it starts, stops, or applies changed settings. */
  readonly isReady: boolean;
  /** Since the process started; for each: read = ignored + paired + inFlight + acknowledged + deadLettered. */
  readonly sources: PerSource<Counts>;
  /** Between read and outcome. */
  readonly queue: {
    /** Alerts that this forwarder works on; one that waits to be read again after a reload does not count. */
    readonly alerts: number;
    readonly bytes: number;
    readonly limitBytes: number;
  };
  /** Alerts in the pairing window; absent if there is only one source, so that no two copies can meet. */
  readonly pairingWindow: number | undefined;
  /** What arrived on the socket and should not have, since the process started; absent if the socket is off. */
  readonly socket: SocketReport | undefined;
  /** Since the process started. */
  readonly events: EventReport;
  /** Absent if the tail is off, and before it runs. */
  readonly log: TailStatus | undefined;
  readonly checkpoint: CheckpointStatus | undefined;
  /** Absent unless manifests are published. */
  readonly manifests?: ManifestStatus | undefined;
  readonly sink: SinkFacts;
  readonly certificates: readonly CertificateExpiry[];
  readonly feedback: FeedbackSnapshot;
  readonly deadLetters: DeadLetterCount & {
    /** Entries whose raw bytes were removed to make room since the settings were read. */
    readonly rawGivenUp: number;
    /** Entries that were not alerts and were removed to make room since the settings were read. */
    readonly nonAlertsGivenUp: number;
    /** Why entries cannot be stored or counted; absent while they can. */
    readonly trouble: string | undefined;
    readonly troubleCode?: ReasonCode | undefined;
  };
  readonly process: {
    readonly rssBytes: number;
    /** Absent if the system does not report it. */
    readonly openFiles: number | undefined;
  };
}

/** Something that is wrong. */
export interface Reason {
  /** What kind of fault it is; docs/runbook.md has a section for each. */
  readonly code: ReasonCode;
  /** What it is about: a part of the forwarder, or a topic. */
  readonly subject: string;
  readonly text: string;
  /** What to do; empty if the text says it, or if it passes by itself. */
  readonly remedy: string;
  /** ISO 8601: when it was first seen. */
  readonly since: string;
}

export interface Health {
  readonly state: "ok" | "degraded";
  readonly reasons: readonly Reason[];
}

/** The body of `/status`. */
export interface StatusSnapshot extends Facts {
  readonly health: Health;
}
