/**
 * What the page and `wazuh-dfn top` show of `/status`: plain types without anything of the forwarder, because the page is
 * another program, which may be open while the forwarder is replaced by a newer one. What only some versions report is
 * optional.
 */
interface CountsView {
  readonly read: number;
  readonly ignored: number;
  readonly paired: number;
  readonly inFlight: number;
  readonly acknowledged: number;
  readonly deadLettered: number;
}

interface LogView {
  readonly state: string;
  readonly file: string;
  readonly offset: number;
  readonly size?: number | undefined;
  readonly lagBytes?: number | undefined;
  readonly lagCompressedFiles: number;
  readonly lagSeconds?: number | undefined;
  readonly damagedArchives?: readonly { readonly file: string; readonly offset: number }[] | undefined;
}

export interface ManifestsView {
  readonly topic: string;
  readonly sequence: number;
  readonly waiting: number;
}

/** The members that any kind of sink may have. */
export interface SinkView {
  readonly kind: string;
  /** Of the file sink; absent while it can be written. */
  readonly trouble?: string | undefined;
  readonly isConnected?: boolean | undefined;
  readonly connected?: readonly string[] | undefined;
  readonly waitingBatches?: number | undefined;
  readonly partitions?:
    | readonly {
        readonly topic: string;
        readonly partition: number;
        readonly leader?: string | undefined;
        readonly waitingBatches: number;
      }[]
    | undefined;
  /** Milliseconds since 1970. */
  readonly lastAcknowledgedAt?: number | undefined;
  readonly lookups?:
    | readonly {
        readonly topic: string;
        readonly partition: number;
        readonly broker: string;
        readonly waitsFor: string;
        readonly seconds: number;
      }[]
    | undefined;
  readonly lastError?: { readonly text: string; readonly since: number } | undefined;
  readonly latency?: { readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number } | undefined;
}

/** Dead letters with the same cause. */
export interface CauseView {
  readonly source: string;
  readonly reason: string;
  readonly handler?: string | undefined;
  readonly entries: number;
}

interface OpenLettersView {
  readonly entries: number;
  readonly causes: readonly CauseView[];
}

/** Something that is wrong. */
export interface ReasonView {
  /** The same in metrics, log and run book; absent from older versions. */
  readonly code?: string | undefined;
  readonly subject: string;
  readonly text: string;
  /** Empty if the text says it, or if it passes by itself. */
  readonly remedy: string;
  /** ISO 8601. */
  readonly since: string;
}

/** The body of `/status`, as far as it is shown. */
export interface StatusView {
  readonly version: string;
  readonly pid: number;
  readonly uptimeSeconds: number;
  readonly isReady: boolean;
  readonly sources: Readonly<Record<string, CountsView>>;
  readonly queue: { readonly alerts: number; readonly bytes: number; readonly limitBytes: number };
  readonly pairingWindow?: number | undefined;
  readonly socket?: { readonly refused: number; readonly contradicted: number } | undefined;
  readonly events: {
    readonly leftOut: Readonly<Record<string, number>>;
    readonly records?: Readonly<Record<string, number>> | undefined;
  };
  readonly log?: LogView | undefined;
  readonly checkpoint?: { readonly ageSeconds?: number | undefined; readonly trouble?: string | undefined } | undefined;
  /** Absent unless manifests are published. */
  readonly manifests?: ManifestsView | undefined;
  readonly sink: SinkView;
  readonly certificates: readonly {
    readonly file: string;
    readonly expiresAt?: string | undefined;
    readonly daysLeft?: number | undefined;
  }[];
  readonly feedback: { readonly sent: number; readonly dropped: number; readonly queued: number };
  readonly deadLetters: {
    readonly entries: number;
    readonly bytes: number;
    readonly acknowledged?: number | undefined;
    readonly open?: OpenLettersView | undefined;
    readonly openNonAlerts?: OpenLettersView | undefined;
  };
  readonly process: { readonly rssBytes: number; readonly openFiles?: number | undefined };
  readonly health: { readonly state: "ok" | "degraded"; readonly reasons: readonly ReasonView[] };
}
