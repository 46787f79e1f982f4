import type { Log } from "../../telemetry/log.ts";
import type { ConditionLog } from "./alarms.ts";
import type { ConnectionPool } from "./cluster.ts";
import type { KafkaOptions } from "./options.ts";
import type { RequestLimit } from "./request-limit.ts";
import type { KafkaTelemetry } from "./telemetry.ts";
import type { MetadataCache } from "./topology.ts";

/** What all senders of a sink share. */
export interface SenderContext {
  readonly options: KafkaOptions;
  readonly cluster: ConnectionPool;
  readonly topology: MetadataCache;
  readonly alarms: ConditionLog;
  readonly telemetry: KafkaTelemetry;
  readonly log: Log;
  readonly limit: RequestLimit;
  /** Fires when the sink is disposed. */
  readonly signal: AbortSignal;
  /** Called whenever something got an outcome or came nearer to one. */
  readonly onProgress: () => void;
}
