import { describe } from "../../../errors.ts";
import { errorName } from "./kafkajs-inner.ts";

/** Kafka's error codes that mean something to this program, by the names in org.apache.kafka.common.protocol.Errors. */
export const kafkaCodes = {
  UNKNOWN_SERVER_ERROR: -1,
  NONE: 0,
  OFFSET_OUT_OF_RANGE: 1,
  CORRUPT_MESSAGE: 2,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  LEADER_NOT_AVAILABLE: 5,
  NOT_LEADER_OR_FOLLOWER: 6,
  REQUEST_TIMED_OUT: 7,
  BROKER_NOT_AVAILABLE: 8,
  REPLICA_NOT_AVAILABLE: 9,
  MESSAGE_TOO_LARGE: 10,
  NETWORK_EXCEPTION: 13,
  INVALID_TOPIC_EXCEPTION: 17,
  RECORD_LIST_TOO_LARGE: 18,
  NOT_ENOUGH_REPLICAS: 19,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 20,
  TOPIC_AUTHORIZATION_FAILED: 29,
  CLUSTER_AUTHORIZATION_FAILED: 31,
  INVALID_TIMESTAMP: 32,
  UNSUPPORTED_SASL_MECHANISM: 33,
  ILLEGAL_SASL_STATE: 34,
  UNSUPPORTED_VERSION: 35,
  INVALID_REQUEST: 42,
  UNSUPPORTED_FOR_MESSAGE_FORMAT: 43,
  OUT_OF_ORDER_SEQUENCE_NUMBER: 45,
  DUPLICATE_SEQUENCE_NUMBER: 46,
  INVALID_PRODUCER_EPOCH: 47,
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 53,
  SECURITY_DISABLED: 54,
  KAFKA_STORAGE_ERROR: 56,
  SASL_AUTHENTICATION_FAILED: 58,
  UNKNOWN_PRODUCER_ID: 59,
  LISTENER_NOT_FOUND: 72,
  FENCED_LEADER_EPOCH: 74,
  UNKNOWN_LEADER_EPOCH: 75,
  UNSUPPORTED_COMPRESSION_TYPE: 76,
  INVALID_RECORD: 87,
  PRODUCER_FENCED: 90,
} as const;

/** What a broker says of a topic with these stays until somebody does something: no retry helps. */
export const lastingTopicCodes: ReadonlySet<number> = new Set([
  kafkaCodes.UNKNOWN_TOPIC_OR_PARTITION,
  kafkaCodes.INVALID_TOPIC_EXCEPTION,
  kafkaCodes.TOPIC_AUTHORIZATION_FAILED,
]);

/** An error code in a broker's answer, thrown if the answer has no other way to show it. */
export class KafkaError extends Error {
  override readonly name = "KafkaError";
  /** Kafka's number (org.apache.kafka.common.protocol.Errors). */
  readonly code: number;

  constructor(code: number, request: string) {
    super(`${request}: ${errorName(code)}`);
    this.code = code;
  }
}

/**
 * What a fault means for the batch that met it.
 * - retry: send the same bytes again.
 * - duplicate: it is in the log already.
 * - gap: a batch before it is missing; certain that it was not appended.
 * - fenced: the broker does not know this producer any more: a new producer id is needed.
 * - timestamp: the broker takes no records of that time; certain that it was not appended. The same records are sent
 *   again with another timestamp.
 * - too-large, invalid: a record in it cannot be taken.
 * - corrupt: the bytes arrived damaged, or a record cannot be taken (old brokers say both so).
 */
export type ErrorKind = "retry" | "duplicate" | "gap" | "fenced" | "timestamp" | "too-large" | "invalid" | "corrupt";

/** What the administrator may have to do about it; none: it passes by itself. */
export type ErrorCategory =
  | "none"
  | "unreachable"
  | "certificate"
  | "tls-version"
  | "tls-ciphers"
  | "authentication"
  | "clock"
  | "quota"
  | "records-refused"
  | "topic-missing"
  | "topic-authorization"
  | "cluster-authorization"
  | "unsupported";

export interface ClassifiedError {
  readonly kind: ErrorKind;
  readonly category: ErrorCategory;
  /** The records may be in the log although no acknowledgement arrived. */
  readonly mayBeAppended: boolean;
  /** What is known of leaders may be out of date. */
  readonly isStale: boolean;
  /** What happened, in words, without secrets. */
  readonly text: string;
  /** Kafka's name of the error code, if there is one. */
  readonly name?: string;
  /** The detail of a dead letter, if the kind alone would say less. */
  readonly detail?: string;
  /** Nobody named the record as the culprit: it is what is left. */
  readonly isGuess?: boolean;
}

type Traits = Pick<ClassifiedError, "kind" | "category" | "mayBeAppended" | "isStale">;

const plain: Traits = { kind: "retry", category: "none", mayBeAppended: false, isStale: false };
const stale: Traits = { ...plain, isStale: true };
const uncertain: Traits = { ...plain, mayBeAppended: true, isStale: true };

/**
 * Codes that mean something else than "try again, nothing is known to have changed". Sources: Apache Kafka 4.1,
 * org.apache.kafka.common.protocol.Errors and the produce path of ReplicaManager and UnifiedLog.
 */
const traitsOfCode = new Map<number, Traits>([
  // The broker failed in the middle of it.
  [kafkaCodes.UNKNOWN_SERVER_ERROR, uncertain],
  [kafkaCodes.CORRUPT_MESSAGE, { ...plain, kind: "corrupt" }],
  // A topic that was just created is unknown to some brokers for a moment.
  [kafkaCodes.UNKNOWN_TOPIC_OR_PARTITION, { ...stale, category: "topic-missing" }],
  [kafkaCodes.LEADER_NOT_AVAILABLE, stale],
  [kafkaCodes.NOT_LEADER_OR_FOLLOWER, stale],
  // Appended by the leader; the followers did not follow in time.
  [kafkaCodes.REQUEST_TIMED_OUT, uncertain],
  [kafkaCodes.BROKER_NOT_AVAILABLE, stale],
  [kafkaCodes.REPLICA_NOT_AVAILABLE, stale],
  [kafkaCodes.MESSAGE_TOO_LARGE, { ...plain, kind: "too-large" }],
  [kafkaCodes.NETWORK_EXCEPTION, uncertain],
  [kafkaCodes.INVALID_TOPIC_EXCEPTION, { ...plain, category: "topic-missing" }],
  [kafkaCodes.RECORD_LIST_TOO_LARGE, { ...plain, kind: "too-large" }],
  [kafkaCodes.NOT_ENOUGH_REPLICAS, stale],
  [kafkaCodes.NOT_ENOUGH_REPLICAS_AFTER_APPEND, uncertain],
  [kafkaCodes.TOPIC_AUTHORIZATION_FAILED, { ...plain, category: "topic-authorization" }],
  [kafkaCodes.CLUSTER_AUTHORIZATION_FAILED, { ...plain, category: "cluster-authorization" }],
  [kafkaCodes.INVALID_TIMESTAMP, { ...plain, kind: "timestamp", category: "clock" }],
  [kafkaCodes.UNSUPPORTED_SASL_MECHANISM, { ...plain, category: "authentication" }],
  [kafkaCodes.ILLEGAL_SASL_STATE, { ...plain, category: "authentication" }],
  [kafkaCodes.UNSUPPORTED_VERSION, { ...plain, category: "unsupported" }],
  [kafkaCodes.UNSUPPORTED_FOR_MESSAGE_FORMAT, { ...plain, category: "unsupported" }],
  [kafkaCodes.OUT_OF_ORDER_SEQUENCE_NUMBER, { ...plain, kind: "gap" }],
  [kafkaCodes.DUPLICATE_SEQUENCE_NUMBER, { ...plain, kind: "duplicate" }],
  [kafkaCodes.INVALID_PRODUCER_EPOCH, { ...plain, kind: "fenced" }],
  [kafkaCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, { ...plain, category: "cluster-authorization" }],
  [kafkaCodes.SECURITY_DISABLED, { ...plain, category: "authentication" }],
  [kafkaCodes.KAFKA_STORAGE_ERROR, { ...stale, mayBeAppended: true }],
  [kafkaCodes.SASL_AUTHENTICATION_FAILED, { ...plain, category: "authentication" }],
  [kafkaCodes.UNKNOWN_PRODUCER_ID, { ...plain, kind: "fenced" }],
  [kafkaCodes.LISTENER_NOT_FOUND, stale],
  [kafkaCodes.FENCED_LEADER_EPOCH, stale],
  [kafkaCodes.UNKNOWN_LEADER_EPOCH, stale],
  [kafkaCodes.UNSUPPORTED_COMPRESSION_TYPE, { ...plain, category: "unsupported" }],
  [kafkaCodes.INVALID_RECORD, { ...plain, kind: "invalid" }],
  [kafkaCodes.PRODUCER_FENCED, { ...plain, kind: "fenced" }],
]);

/** Of those with a higher code nothing is known. */
const newestKnown = kafkaCodes.PRODUCER_FENCED;

/**
 * The fault behind an error code of a broker's answer. A code that is not known is retried, as one after which the
 * records may be there.
 */
export function classifyCode(code: number, detail = ""): ClassifiedError {
  const known = traitsOfCode.get(code) ?? (code > newestKnown ? uncertain : plain);
  const name = errorName(code);
  return { ...known, name, text: detail === "" ? name : `${name} (${detail})` };
}

/** OpenSSL's and Node's names for what is wrong with a certificate, on either side. */
const certificateCodes =
  /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH|ERR_TLS_|ERR_SSL_|ERR_OSSL_|EPROTO)/;
const certificateWords = /certificate|SSL alert|ssl3_|tlsv1|wrong version number|TLS connection/i;

/** `802C…:error:0A000412:SSL routines:ssl3_read_bytes:sslv3 alert bad certificate:../deps/….c:1601:SSL alert number 42` */
const opensslText = /[0-9A-F]+:error:[0-9A-F]+:SSL routines:[^:]*:([^:]+):[^:]*:\d+:(?:SSL alert number \d+)?\s*/g;
const refusalOfOurs = /alert (?:bad certificate|certificate|unknown ca|unsupported certificate)/;
/** Said by either side, when one offers only what the other no longer takes (RFC 8446, section 6.2; OpenSSL's ssl_err.c). */
const otherVersions = /alert protocol version|unsupported protocol|no protocols available|version too low/;
const otherCiphers =
  /alert handshake failure|alert insufficient security|no shared cipher|no ciphers available|wrong cipher returned|dh key too small/;

/** What was thrown, in words for an administrator. */
function wordsFor(reason: unknown): string {
  const text = describe(reason).replaceAll(opensslText, "$1");
  if (refusalOfOurs.test(text)) return `the broker does not accept our certificate, or wants one: ${text}`;
  if (otherVersions.test(text))
    return `the broker offers only versions of TLS that are older than min_version: ${text}`;
  if (otherCiphers.test(text)) return `the broker and sink.kafka.tls.ciphers have no cipher in common: ${text}`;
  return text;
}

interface Loose {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly cause?: unknown;
}

/**
 * The fault behind anything that was thrown while a request was on its way, found by walking `cause`: kafkajs calls an
 * outage "not retriable" once its own retries have run out, with the true error inside. No thrown error is a reason to
 * refuse a record.
 */
export function classifyError(reason: unknown): ClassifiedError {
  const text = wordsFor(reason);
  for (let at: unknown = reason, depth = 0; typeof at === "object" && at !== null && depth < 8; depth++) {
    const { name, code, cause } = at as Loose;
    // A server's error code outside a produce answer (connecting, metadata, producer id): nothing was appended.
    if (name === "KafkaError" || name === "KafkaJSProtocolError") {
      if (typeof code === "number") return { ...classifyCode(code), kind: "retry", mayBeAppended: false, text };
    }
    // Wrong password, or a mechanism that the broker does not offer.
    if (name === "KafkaJSSASLAuthenticationError") return { ...plain, category: "authentication", text };
    if (name === "KafkaJSServerDoesNotSupportApiKey") return { ...plain, category: "unsupported", text };
    if (typeof code === "string" && certificateCodes.test(code))
      return { ...uncertain, category: tlsCategory(text), text };
    at = cause;
  }
  if (certificateWords.test(text)) return { ...uncertain, category: tlsCategory(text), text };
  return { ...uncertain, category: "unreachable", text };
}

function tlsCategory(text: string): ErrorCategory {
  if (refusalOfOurs.test(text)) return "certificate";
  if (otherVersions.test(text)) return "tls-version";
  return otherCiphers.test(text) ? "tls-ciphers" : "certificate";
}
