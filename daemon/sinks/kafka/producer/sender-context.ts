import type { Log } from "../../../telemetry/log.ts";
import type { KafkaConditions } from "../connection/conditions.ts";
import type { ConnectionPool } from "../connection/connection-pool.ts";
import type { KafkaOptions } from "../connection/options.ts";
import type { LookupWaits } from "./lookup-waits.ts";
import type { RequestLimit } from "./request-limit.ts";
import type { KafkaTelemetry } from "../connection/telemetry.ts";
import type { MetadataCache } from "../connection/metadata-cache.ts";

/** What all senders of a sink share. */
export interface SenderContext {
  readonly options: KafkaOptions;
  readonly pool: ConnectionPool;
  readonly metadataCache: MetadataCache;
  readonly conditions: KafkaConditions;
  readonly telemetry: KafkaTelemetry;
  readonly log: Log;
  readonly limit: RequestLimit;
  readonly waits: LookupWaits;
  /** Fires when the sink is disposed. */
  readonly signal: AbortSignal;
  /** Called whenever something got an outcome or came nearer to one. */
  readonly onProgress: () => void;
}

/** What is needed to read topics. */
export type ReadingContext = Pick<SenderContext, "metadataCache" | "pool" | "conditions" | "waits" | "signal">;
