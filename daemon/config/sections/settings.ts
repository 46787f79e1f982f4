import type { HandlersSettings } from "../../handlers/registry.ts";
import type { QueueAddress } from "../../wazuh/queue-address.ts";

/**
 * The settings as the rest of the forwarder sees them: complete (every default filled in), checked, and without
 * secrets: those are read from where `SecretPlace` says by `secrets.ts`. `config sample` describes each for users.
 * Durations are in milliseconds, sizes in bytes. Relative paths are below the working directory.
 */
export interface Config {
  readonly dfn: DfnSettings;
  readonly wazuh: WazuhSettings;
  readonly sources: SourcesSettings;
  readonly sink: SinkSettings;
  /** At least one is on. */
  readonly handlers: HandlersSettings;
  /** Directory of the checkpoint, the lock and the dead letters. */
  readonly stateDir: string;
  readonly status: StatusSettings;
  readonly log: LogSettings;
  readonly limits: { readonly memoryBytes: number };
}

export interface DfnSettings {
  /** Also the topic; a valid topic name. */
  readonly customerId: string;
  /** Networks as address/length, the bits behind the length zero; empty where none is configured. */
  readonly ownNetworks: readonly string[];
}

export interface WazuhSettings {
  /** The manager's home directory. */
  readonly home: string;
  /** Where events for Wazuh go; `queue/sockets/queue` below `home` unless another one is set. */
  readonly queue: QueueAddress;
  /** What is told to Wazuh's queue: acknowledgements and errors, errors alone, nothing. */
  readonly feedback: "on" | "errors" | "off";
}

/** Undefined: switched off. At least one is on. */
export interface SourcesSettings {
  readonly socket: SocketSettings | undefined;
  readonly tail: TailSettings | undefined;
}

export interface SocketSettings {
  readonly path: string;
  /** Permission bits of the socket file. */
  readonly mode: number;
  /** Name or number of the group that the socket file is given. */
  readonly group: string;
  /** Names or numbers of the users who may send alerts, besides the forwarder's own. */
  readonly allow: readonly string[];
  readonly maxLineBytes: number;
  readonly maxConnections: number;
}

export interface TailSettings {
  readonly path: string;
  /** How long the tail's copy of an alert waits for the socket's. */
  readonly waitMs: number;
  /** Where reading begins when there is no checkpoint. */
  readonly start: "end" | "beginning" | Date;
  readonly pollMs: number;
  readonly maxLineBytes: number;
}

export type SinkSettings =
  { readonly kind: "kafka"; readonly kafka: KafkaSettings } | { readonly kind: "file"; readonly path: string };

export interface KafkaSettings {
  /** `host:port`, an IPv6 address in brackets; at least one. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** Undefined: no TLS. */
  readonly tls: TlsSettings | undefined;
  readonly sasl: SaslSettings | undefined;
  readonly compression: CompressionName;
  /** How long a record waits for others of its partition. */
  readonly lingerMs: number;
  /** Most bytes of records in a batch, before compression. */
  readonly batchBytes: number;
  readonly batchRecords: number;
  /** Most batches under way per partition. */
  readonly maxInFlight: number;
  readonly requestTimeoutMs: number;
}

export type CompressionName = "gzip" | "none" | "zstd";

/** Files in PEM, but for `pkcs12`. */
export interface TlsSettings {
  /** Trusted beside the system's CA store, or alone (`caOnly`). */
  readonly ca: readonly string[];
  readonly caOnly: boolean;
  /** With `key`: the client's certificate. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** Instead of both: one file with certificate, chain and key. */
  readonly pkcs12: string | undefined;
  /** Holds the pass phrase of `key` or `pkcs12`. */
  readonly passphraseFile: string | undefined;
  /** The name that the broker's certificate must hold, where it is not the host name. */
  readonly serverName: string | undefined;
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  /** A cipher list as OpenSSL reads it. */
  readonly ciphers: string;
}

export interface SaslSettings {
  readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
  readonly username: string;
  readonly password: SecretPlace;
}

/** Where a secret is read from; settings themselves never hold one. */
export type SecretPlace =
  { readonly kind: "file"; readonly path: string } | { readonly kind: "environment"; readonly variable: string };

export interface StatusSettings {
  readonly listen: StatusAddress;
  /** What `Host` may be beside the address itself and `localhost`; lower case, IPv6 without brackets. TCP only. */
  readonly hosts: readonly string[];
}

export type StatusAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: "127.0.0.1" | "::1"; readonly port: number };

export interface LogSettings {
  readonly level: "debug" | "info" | "warn" | "error";
  /** Time between two statistics in the log; 0 for none but the last. */
  readonly statisticsMs: number;
}
