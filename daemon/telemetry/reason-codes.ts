import { errnoOf } from "../errors.ts";

/**
 * Every reason of being degraded, by its code. A code never changes its meaning: `/status`, `wazuh_dfn_health_reason`, the log
 * and Wazuh's events carry it, monitoring relies on it, and docs/runbook.md has a section for each.
 */
export const reasonCodes = [
  "not-ready",
  "delivery-stuck",
  "records-lost",
  "kafka-unreachable",
  "kafka-certificate-refused",
  "kafka-tls-version",
  "kafka-tls-ciphers",
  "kafka-authentication-failed",
  "kafka-access-denied",
  "kafka-unsupported",
  "kafka-throttled",
  "topic-missing",
  "topic-access-denied",
  "partition-unavailable",
  "lookup-waiting",
  "records-refused",
  "record-time-refused",
  "file-sink-disk-full",
  "file-sink-unwritable",
  "log-missing",
  "log-unreadable",
  "log-behind",
  "archive-damaged",
  "socket-copies-differ",
  "checkpoint-disk-full",
  "checkpoint-unwritable",
  "dead-letters-disk-full",
  "dead-letters-unwritable",
  "dead-letters-unreadable",
  "dead-letters-full",
  "dead-letters-open",
  "socket-lines-not-alerts",
  "certificate-expiring",
  "certificate-expired",
  "certificate-unreadable",
  "status-certificate-expiring",
  "status-certificate-expired",
] as const;

export type ReasonCode = (typeof reasonCodes)[number];

/** What the forwarder writes, and may find no room for. */
type Written = "file-sink" | "checkpoint" | "dead-letters";

/** Why something cannot be written: the disk or the quota is full, or anything else. @param reason what was thrown */
export function writeFailure(what: Written, reason: unknown): `${Written}-${"disk-full" | "unwritable"}` {
  const errno = errnoOf(reason);
  return errno === "ENOSPC" || errno === "EDQUOT" ? `${what}-disk-full` : `${what}-unwritable`;
}
