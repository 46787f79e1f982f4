import type { ReasonCode } from "../../../telemetry/reason-codes.ts";

/** Events of the Kafka sink; one function for each, called often: keep them cheap. */
export interface KafkaTelemetry {
  /** A batch was acknowledged: its records, its bytes on the wire, and milliseconds from `write` to here. */
  acknowledged(records: number, bytes: number, latencyMs: number, uncompressedBytes: number): void;
  /** A broker has answered a request of this kind (Produce, Metadata, ...) after so many milliseconds. */
  answered?(api: string, tookMs: number): void;
  /** Something failed and is tried again. @param error Kafka's name of an error code, or the category of another fault */
  failed?(error: string): void;
  /** A batch is sent again, for this reason. */
  retried(topic: string, reason: string): void;
  /** Records were refused for good. */
  refused(topic: string, records: number): void;
  /** A connection ended or could not be made. */
  disconnected(address: string, reason: string): void;
}

export const noTelemetry: KafkaTelemetry = {
  acknowledged: () => {},
  retried: () => {},
  refused: () => {},
  disconnected: () => {},
};

export interface KafkaTrouble {
  readonly code: ReasonCode;
  readonly subject: string;
  readonly text: string;
  readonly remedy: string;
  readonly since: number;
}

/** A partition of which a look-up waits for a broker. */
export interface KafkaLookup {
  readonly topic: string;
  readonly partition: number;
  /** Address of the broker. */
  readonly broker: string;
  /** In words that go behind "waits for". */
  readonly waitsFor: string;
  /** Since it began to wait for this; whole seconds of a monotonic clock. */
  readonly seconds: number;
}

/** A partition that batches were handed to. */
export interface KafkaPartition {
  readonly topic: string;
  readonly partition: number;
  /** Address of its leader; undefined while it has none, or none is known. */
  readonly leader: string | undefined;
  /** Batches without an outcome. */
  readonly waitingBatches: number;
}

/** The current state of the sink, for `status`. Times are milliseconds since 1970. */
export interface KafkaStatus {
  readonly isConnected: boolean;
  /** Addresses with an open connection. */
  readonly connected: readonly string[];
  /** Batches accepted by `write` that have no outcome yet. */
  readonly waitingBatches: number;
  /** Those that were written to since the start, most waiting batches first, at most 100. */
  readonly partitions?: readonly KafkaPartition[];
  /** How long brokers have held this client back because of quotas since its start, added up over their answers. */
  readonly throttledMs: number;
  readonly lastAcknowledgedAt: number | undefined;
  /** What look-ups wait for, the longest first, at most 20; empty if there are none. */
  readonly lookups?: readonly KafkaLookup[];
  /** What is wrong now; the remedy is a sentence, or empty if it passes by itself. */
  readonly troubles: readonly KafkaTrouble[];
  /** Acknowledged records that Kafka has lost, the newest report of each partition since the start, at most 100. */
  readonly losses?: readonly KafkaTrouble[];
  /** The newest problem, over or not. */
  readonly lastError: { readonly text: string; readonly since: number } | undefined;
}
