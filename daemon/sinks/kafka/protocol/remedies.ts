import type { ReasonCode } from "../../../telemetry/reason-codes.ts";
import type { ErrorCategory } from "./errors.ts";

/** The reason of being degraded that an error is while it lasts. */
export const reasonOfCategory: Readonly<Record<ErrorCategory, ReasonCode>> = {
  none: "partition-unavailable",
  unreachable: "kafka-unreachable",
  certificate: "kafka-certificate-refused",
  "tls-version": "kafka-tls-version",
  "tls-ciphers": "kafka-tls-ciphers",
  authentication: "kafka-authentication-failed",
  clock: "record-time-refused",
  quota: "kafka-throttled",
  "records-refused": "records-refused",
  "topic-missing": "topic-missing",
  "topic-authorization": "topic-access-denied",
  "cluster-authorization": "kafka-access-denied",
  unsupported: "kafka-unsupported",
};

/** What to do about an error, in one sentence; empty if it passes by itself. */
export const remedies: Readonly<Record<ErrorCategory, string>> = {
  none: "",
  unreachable: "check that the brokers of sink.kafka.brokers are running and can be reached from here",
  certificate:
    "check sink.kafka.tls (ca for the brokers' certificates, cert and key for ours, server_name) with `wazuh-dfn check`, and whether this port speaks TLS at all",
  "tls-version":
    "have TLSv1.2 or TLSv1.3 enabled on the brokers (ssl.enabled.protocols=TLSv1.2,TLSv1.3); `openssl s_client -connect HOST:PORT -tls1_2 </dev/null` shows what they offer, and sink.kafka.tls.min_version must not be higher",
  "tls-ciphers":
    "have ciphers with forward secrecy enabled on the brokers (ssl.cipher.suites with TLS_ECDHE_...), or add one that they offer to sink.kafka.tls.ciphers; if a client certificate is required, set sink.kafka.tls.cert and key",
  authentication: "check sink.kafka.sasl: mechanism, user name and password",
  clock:
    "compare this machine's clock with the brokers' (timedatectl, chronyc tracking) and set the one that is wrong; if both are right, raise message.timestamp.after.max.ms and message.timestamp.before.max.ms of the topic",
  quota: "if this is too slow, raise this client's quota (consumer_byte_rate, producer_byte_rate)",
  "records-refused":
    "find out in the broker's log what the topic refuses; a topic with cleanup.policy=compact, for instance, refuses records without a key",
  "topic-missing": "create the topic, or correct its name in the configuration",
  "topic-authorization": "grant this client's principal the operations Write and Describe on the topic",
  "cluster-authorization": "grant this client's principal the operation IdempotentWrite on the cluster",
  unsupported: "Kafka 2.1 or newer is needed; zstd also needs a topic that accepts it",
};

/** Somebody has to fix these. The others pass, and nothing is lost meanwhile. */
export const needsAction: ReadonlySet<ErrorCategory> = new Set([
  "certificate",
  "tls-version",
  "tls-ciphers",
  "authentication",
  "clock",
  "records-refused",
  "topic-missing",
  "topic-authorization",
  "cluster-authorization",
  "unsupported",
]);
