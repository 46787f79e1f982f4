import type { Compression } from "../protocol/compression.ts";
import type { TlsClientSettings } from "../tls/tls.ts";

export interface SaslCredentials {
  readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
  readonly username: string;
  /** Asked for each connection, so that a replaced password is used by the next one. Does not throw. */
  readonly password: () => string;
}

/** Settings of the Kafka sink; the defaults are the configuration's. */
export interface KafkaOptions {
  /** Where to begin, as `host:port` or `[v6]:port`; at least one. The others are learned from Kafka. */
  readonly brokers: readonly string[];
  /** The name that the brokers' logs and quotas know this client by. */
  readonly clientId: string;
  /** Undefined: no encryption. */
  readonly tls: TlsClientSettings | undefined;
  readonly sasl: SaslCredentials | undefined;
  readonly compression: Compression;
  /** A broker that has not answered a request for this long counts as dead; at least 1000. */
  readonly requestTimeoutMs: number;
  /** Batches of one partition in flight at once, 1 to 5: the broker remembers the last five of a producer. */
  readonly maxInFlight: number;
  /** After this long without an answer a broker may have forgotten the producer: an hour, except in tests. */
  readonly forgottenAfterMs?: number;
}
