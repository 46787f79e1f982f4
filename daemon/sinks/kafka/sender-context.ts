import type { Log } from "../../telemetry/log.ts";
import type { Alarms } from "./alarms.ts";
import type { Cluster } from "./cluster.ts";
import type { KafkaOptions } from "./options.ts";
import type { LookupWaits } from "./lookup-waits.ts";
import type { RequestLimit } from "./request-limit.ts";
import type { KafkaTelemetry } from "./telemetry.ts";
import type { Topology } from "./topology.ts";

/** What all senders of a sink share. */
export interface SenderContext {
  readonly options: KafkaOptions;
  readonly cluster: Cluster;
  readonly topology: Topology;
  readonly alarms: Alarms;
  readonly telemetry: KafkaTelemetry;
  readonly log: Log;
  readonly limit: RequestLimit;
  readonly waits: LookupWaits;
  /** Fires when the sink is disposed. */
  readonly signal: AbortSignal;
  /** Called whenever something got an outcome or came nearer to one. */
  readonly onProgress: () => void;
}
