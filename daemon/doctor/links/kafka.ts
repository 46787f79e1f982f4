import type { Problem } from "../../config/values/problem.ts";
import { splitBrokerAddress } from "../../sinks/kafka/connection/broker-address.ts";
import { plaintextWarning } from "../../sinks/kafka/connection/plaintext.ts";
import type { BrokerProbe, KafkaProbe, TopicProbe } from "../../sinks/kafka/probe.ts";
import { certificateDeadline, daysUntil } from "../../sinks/kafka/tls/deadline.ts";
import type { CertificateExpiry } from "../../status/certificates.ts";
import { failed, type CheckResult, ok, warning } from "../result.ts";

const plaintextRemedy = "wazuh-dfn check && systemctl reload wazuh-dfn  # after sink.kafka.tls was set";

/** A remedy that is a sentence becomes a comment, because it is shown in place of a command. */
function asCommand(remedy: string, command: string): string {
  return remedy === "" ? command : `${command}  # ${remedy}`;
}

/** Whether every broker can be reached and accepts us. One that is down does no harm while another leads in its place. */
export function judgeBrokers({ brokers }: KafkaProbe, nowMs: number): CheckResult[] {
  const isAnyReached = brokers.some(({ failure }) => failure === undefined);
  const results = brokers.flatMap((broker) => judgeBroker(broker, isAnyReached, nowMs));
  if (results.length > 0) return results;
  return [ok(`connected to ${brokers.map(({ address }) => address).join(", ")}`)];
}

/**
 * Whether alerts leave this machine without TLS to brokers that Kafka names besides those of the settings; those of the
 * settings are judged with the settings.
 * @param isTls whether TLS is on
 */
export function judgePlaintext({ brokers }: KafkaProbe, isTls: boolean): CheckResult[] {
  const named = brokers.filter(({ isSeed }) => !isSeed).map(({ address }) => address);
  const text = isTls ? undefined : plaintextWarning(named);
  return text === undefined ? [] : [warning(text, plaintextRemedy)];
}

function judgeBroker(
  { address, isSeed, failure, certificateEndsMs }: BrokerProbe,
  isAny: boolean,
  nowMs: number,
): CheckResult[] {
  if (failure === undefined) {
    if (certificateEndsMs === undefined) return [];
    const days = daysUntil(certificateEndsMs, nowMs);
    const text = `the broker's certificate at ${address} expires in ${days} days`;
    return days >= certificateDeadline.warningDays
      ? []
      : [warning(text, "# inform those who run Kafka: connections fail from then on")];
  }
  const parts = splitBrokerAddress(address);
  // The name comes from Kafka: what is not a name or an address does not go into a command.
  const isPlain = parts !== undefined && /^[\w.:[\]-]+$/.test(address);
  const named = isSeed ? "" : ", which Kafka named,";
  // A broker named by Kafka that cannot be reached leads partitions: their records wait.
  const state = isAny && failure.category === "unreachable" && isSeed ? warning : failed;
  const command = ["certificate", "tls-version", "tls-ciphers"].includes(failure.category)
    ? `openssl s_client -connect ${address} -servername ${parts?.host ?? ""} </dev/null`
    : failure.category === "name"
      ? failure.remedy
      : `timeout 5 bash -c '</dev/tcp/${parts?.host ?? ""}/${parts?.port ?? ""}'`;
  return [
    state(
      `${address}${named}: ${failure.text}`,
      isPlain && failure.category === "name"
        ? command
        : asCommand(failure.remedy, isPlain ? command : "wazuh-dfn status"),
    ),
  ];
}

/** Whether the topics exist. */
export function judgeTopics({ topics, brokers }: KafkaProbe): CheckResult[] {
  const [broker] = brokers;
  const server = `--bootstrap-server ${broker?.address ?? "BROKER"}`;
  return topics.map(({ topic, failure, partitions, leaderless }) => {
    if (failure !== undefined) {
      const command =
        failure.category === "topic-missing"
          ? `kafka-topics.sh ${server} --create --topic ${topic}`
          : `kafka-topics.sh ${server} --describe --topic ${topic}`;
      return failed(`topic ${topic}: ${failure.text}`, asCommand(failure.remedy, command));
    }
    if (leaderless > 0) {
      const text = `topic ${topic}: ${leaderless} of ${partitions} partitions have no leader; their records wait`;
      return warning(text, `kafka-topics.sh ${server} --describe --topic ${topic}`);
    }
    return ok(`topic ${topic} has ${partitions} partitions`);
  });
}

/** Whether records may be written, and read back for the look-up after a crash. */
export function judgePermission(probe: KafkaProbe, which: "write" | "read"): CheckResult[] {
  const [broker] = probe.brokers;
  return probe.topics.flatMap((sight) => {
    if (sight.failure !== undefined) return [];
    return [judgeOne(sight, which, `--bootstrap-server ${broker?.address ?? "BROKER"}`)];
  });
}

function judgeOne({ topic, write, read }: TopicProbe, which: "write" | "read", server: string): CheckResult {
  const failure = which === "write" ? write : read;
  if (failure === undefined)
    return ok(`records may be ${which === "write" ? "written to" : "read back from"} ${topic}`);
  const isForbidden = failure.category === "topic-authorization";
  const operation = which === "write" ? "Write" : "Read";
  const grant = `kafka-acls.sh ${server} --add --allow-principal User:NAME --operation ${operation} --topic ${topic}`;
  const remedy = isForbidden ? grant : asCommand(failure.remedy, "wazuh-dfn status");
  if (which === "write") return failed(`topic ${topic} may not be written to: ${failure.text}`, remedy);
  const text = `topic ${topic} may not be read: ${failure.text}; after a crash, records that were in flight are sent again`;
  return warning(text, remedy);
}

/**
 * Whether our own files are valid, and for how long.
 * @param problems what `inspectTls` finds in them
 */
export function judgeCertificates(problems: readonly Problem[], files: readonly CertificateExpiry[]): CheckResult[] {
  const results = problems.map(({ severity, setting, message }) => {
    const remedy =
      setting === "sink.kafka.tls" ? plaintextRemedy : "wazuh-dfn check  # a replaced file is loaded without a restart";
    return (severity === "error" ? failed : warning)(message, remedy);
  });
  if (results.length > 0) return results;
  const good = files.filter(({ daysLeft }) => daysLeft !== undefined);
  return good.map(({ file, daysLeft }) => ok(`${file} is valid for ${daysLeft ?? 0} days`));
}
