import { describe } from "../../../errors.ts";
import { errorName } from "./kafkajs-inner.ts";

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
  [-1, uncertain],
  [2, { ...plain, kind: "corrupt" }],
  // A topic that was just created is unknown to some brokers for a moment.
  [3, { ...stale, category: "topic-missing" }],
  [5, stale],
  [6, stale],
  // Appended by the leader; the followers did not follow in time.
  [7, uncertain],
  [8, stale],
  [9, stale],
  [10, { ...plain, kind: "too-large" }],
  [13, uncertain],
  [17, { ...plain, category: "topic-missing" }],
  [18, { ...plain, kind: "too-large" }],
  [19, stale],
  [20, uncertain],
  [29, { ...plain, category: "topic-authorization" }],
  [31, { ...plain, category: "cluster-authorization" }],
  [32, { ...plain, kind: "timestamp", category: "clock" }],
  [33, { ...plain, category: "authentication" }],
  [34, { ...plain, category: "authentication" }],
  [35, { ...plain, category: "unsupported" }],
  [43, { ...plain, category: "unsupported" }],
  [45, { ...plain, kind: "gap" }],
  [46, { ...plain, kind: "duplicate" }],
  [47, { ...plain, kind: "fenced" }],
  [53, { ...plain, category: "cluster-authorization" }],
  [54, { ...plain, category: "authentication" }],
  [56, { ...stale, mayBeAppended: true }],
  [58, { ...plain, category: "authentication" }],
  [59, { ...plain, kind: "fenced" }],
  [72, stale],
  [74, stale],
  [75, stale],
  [76, { ...plain, category: "unsupported" }],
  [87, { ...plain, kind: "invalid" }],
  [90, { ...plain, kind: "fenced" }],
]);

/**
 * The fault behind an error code of a broker's answer. A code that is not known is retried, as one after which the
 * records may be there.
 */
export function classifyCode(code: number, detail = ""): ClassifiedError {
  const known = traitsOfCode.get(code) ?? (code > 90 ? uncertain : plain);
  return { ...known, text: detail === "" ? errorName(code) : `${errorName(code)} (${detail})` };
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
