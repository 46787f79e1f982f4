/**
 * The only place that imports kafkajs. What is used of it: the connection (TCP, TLS, SASL, correlation of
 * answers) and the codecs of a few requests. Its pool, producer and retry logic are not: they lose
 * records silently (kafkajs issue 1303), mix topics up and give up. The version is pinned; a unit test pins the
 * shapes.
 */
import type { Socket } from "node:net";
import scram256Module from "kafkajs/src/broker/saslAuthenticator/scram256.js";
import scram512Module from "kafkajs/src/broker/saslAuthenticator/scram512.js";
import connectionModule from "kafkajs/src/network/connection.js";
import apiKeysModule from "kafkajs/src/protocol/requests/apiKeys.js";
import errorModule from "kafkajs/src/protocol/error.js";
import requestsModule from "kafkajs/src/protocol/requests/index.js";

/** What kafkajs asks of an encoded request: its Encoder, of which these two are read. */
export interface InnerPayload {
  readonly buf: Buffer;
  readonly buffer: Buffer;
}

interface InnerRequest {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly apiName: string;
  encode(): Promise<InnerPayload>;
}

/** `decode` reads the bytes of an answer; `parse` throws for error codes inside, and is always replaced here. */
interface InnerResponse<T> {
  decode(payload: Buffer): Promise<T>;
  parse(decoded: T): Promise<T>;
}

export interface InnerProtocol<T = unknown> {
  readonly request: InnerRequest;
  readonly response: InnerResponse<T>;
}

/** Per API key: the versions that a broker speaks. */
export type InnerVersions = Record<string, { readonly minVersion: number; readonly maxVersion: number }>;

interface InnerDefinition {
  readonly versions: readonly string[];
  readonly protocol: (wanted: { version: number }) => (args?: object) => InnerProtocol;
}

export interface InnerLogger {
  namespace(name: string): InnerLogger;
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

export interface InnerSasl {
  readonly mechanism: string;
  readonly username: string;
  readonly password: string;
  /** Instead of the one that kafkajs has for the mechanism. */
  readonly authenticationProvider?: InnerSaslProvider;
}

/** The exchange over one connection: `saslAuthenticate` sends a message and gives the attributes of the answer. */
interface InnerSaslExchange {
  readonly host: string;
  readonly port: number;
  readonly logger: InnerLogger;
  readonly saslAuthenticate: (message: object) => Promise<Readonly<Record<string, string>> | undefined>;
}

export type InnerSaslProvider = (exchange: InnerSaslExchange) => { authenticate(): Promise<void> };

export const scramProviders: Readonly<
  Record<"scram-sha-256" | "scram-sha-512", (sasl: InnerSasl) => InnerSaslProvider>
> = { "scram-sha-256": scram256Module, "scram-sha-512": scram512Module };

interface InnerConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly logger: InnerLogger;
  readonly socketFactory: (wanted: { onConnect: () => void }) => Socket;
  readonly requestTimeout: number;
  readonly enforceRequestTimeout: boolean;
  readonly connectionTimeout: number;
  readonly clientId: string;
  readonly sasl: InnerSasl | null;
}

export interface InnerConnection {
  /** Called with each chunk from the socket, inside its event; replaced by a function that checks the chunk first. */
  processData(chunk: Buffer): void;
  connect(): Promise<unknown>;
  authenticate(): Promise<void>;
  disconnect(): Promise<unknown>;
  setVersions(versions: InnerVersions): void;
  setSupportAuthenticationProtocol(isSupported: boolean): void;
  send<T>(protocol: InnerProtocol<T>): Promise<T>;
  rejectRequests(reason: Error): void;
}

export const InnerConnectionClass: new (options: InnerConnectionOptions) => InnerConnection = connectionModule;

export const apiKeys: Readonly<
  Record<
    "Produce" | "Fetch" | "ListOffsets" | "Metadata" | "ApiVersions" | "InitProducerId" | "SaslAuthenticate",
    number
  >
> = apiKeysModule;

export const {
  requests,
  lookup,
}: {
  readonly requests: Readonly<
    Record<"Fetch" | "ListOffsets" | "Metadata" | "ApiVersions" | "InitProducerId", InnerDefinition>
  >;
  /** The newest version of a request that both sides speak; throws KafkaJSServerDoesNotSupportApiKey. */
  readonly lookup: (
    versions: InnerVersions,
  ) => (apiKey: number, definition: InnerDefinition) => (args?: object) => InnerProtocol;
} = requestsModule;

const {
  errorCodes,
}: {
  readonly errorCodes: readonly { readonly type: string; readonly code: number }[];
} = errorModule;

const errorNames = new Map([
  ...errorCodes.map(({ code, type }) => [code, type] as const),
  // Newer than kafkajs (Apache Kafka 4.1, org.apache.kafka.common.protocol.Errors).
  [89, "THROTTLING_QUOTA_EXCEEDED"] as const,
  [90, "PRODUCER_FENCED"] as const,
]);

/** Kafka's name of an error code, as its documentation and its brokers' logs write it. */
export function errorName(code: number): string {
  return errorNames.get(code) ?? `ERROR_${code}`;
}
