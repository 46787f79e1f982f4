import { formatDuration, formatSize } from "../../config/values/units.ts";
import type { KafkaProbe, ProbeFailure, TopicProbe } from "../../sinks/kafka/probe.ts";
import type { TopicSettings } from "../../sinks/kafka/topic-settings.ts";
import { failed, type CheckResult, ok, unknown, warning } from "../result.ts";

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
/** Overhead of a batch around its records, generously. */
const framingBytes = 1000;
/** A partition that keeps less than this can lose a bad hour's alerts before anybody reads them. */
const littleBytes = 1024 ** 3;
/** Synchronised clocks differ by less. */
const clockRoomMs = 5 * minuteMs;

/** Those of our settings that a topic has to allow for. */
export interface Wanted {
  /** Maximum bytes of a batch before compression, `sink.kafka.batch_bytes`. */
  readonly batchBytes: number;
}

/** Whether a topic keeps what it acknowledges, and accepts what is sent: the first promise depends on that. */
export function judgeTopicSettings({ topics, brokers }: KafkaProbe, wanted: Wanted): CheckResult[] {
  const server = `--bootstrap-server ${brokers[0]?.address ?? "BROKER"}`;
  return topics.flatMap((sight) => (sight.failure === undefined ? judgeOne(sight, wanted, server) : []));
}

function judgeOne(sight: TopicProbe, wanted: Wanted, server: string): CheckResult[] {
  const { topic, settings } = sight;
  const found = judgeCopies(sight, server);
  if (!("values" in settings)) return [...found, judgeUnknown(topic, settings, server)];
  const values = settings.values;
  const alter = (change: string): string => alterCommand(topic, server, change);
  found.push(
    ...judgeInSync(sight, values, server),
    ...judgeKeeping(topic, values, alter),
    ...judgeLargest(topic, values, wanted, alter),
    ...judgeTimes(topic, values, server),
  );
  if (found.length > 0) return found;
  const copies = sight.replicas === undefined ? "" : `${sight.replicas} copies of each record, `;
  const inSync = values.get("min.insync.replicas") ?? "?";
  return [ok(`topic ${topic}: ${copies}${inSync} in sync before a write counts, kept ${keptFor(values)}`)];
}

/** That a topic's settings are not known, and the command that ends it. */
export function judgeUnknown(topic: string, { category, text }: ProbeFailure, server: string): CheckResult {
  const isForbidden = category === "topic-authorization";
  const why = isForbidden ? "this needs the permission DescribeConfigs on the topic" : text;
  const grant = `kafka-acls.sh ${server} --add --allow-principal User:NAME --operation DescribeConfigs --topic ${topic}`;
  return unknown(
    `topic ${topic}: its settings (retention, cleanup.policy, min.insync.replicas and others) are not known: ${why}`,
    isForbidden ? grant : `${describe(topic, server)}  # on a broker`,
  );
}

function describe(topic: string, server: string): string {
  return `kafka-configs.sh ${server} --describe --all --topic ${topic}`;
}

/** The command that gives a topic a setting. @param change `name=value` */
export function alterCommand(topic: string, server: string, change: string): string {
  return `kafka-configs.sh ${server} --alter --topic ${topic} --add-config ${change}`;
}

/** What metadata shows, which needs no permission on the topic's settings. */
export function judgeCopies({ topic, replicas, behind }: TopicProbe, server: string): CheckResult[] {
  const found: CheckResult[] = [];
  if (replicas === 1) {
    const text = `topic ${topic}: replication factor 1: what its broker loses is lost, although it was acknowledged`;
    found.push(warning(text, `kafka-reassign-partitions.sh ${server}  # with three replicas for each partition`));
  }
  if (behind > 0) {
    const text = `topic ${topic}: ${behind} partitions have a copy that is not in sync`;
    found.push(warning(text, `kafka-topics.sh ${server} --describe --under-replicated-partitions --topic ${topic}`));
  }
  return found;
}

type Alter = (change: string) => string;

/** Whether enough copies are in sync for what the topic requires. */
export function judgeInSync(
  { topic, replicas, fewestInSync }: TopicProbe,
  values: TopicSettings,
  server: string,
): CheckResult[] {
  const alter = (change: string): string => alterCommand(topic, server, change);
  const minInSync = numberOf(values, "min.insync.replicas");
  if (minInSync === undefined || replicas === undefined) return [];
  if (minInSync > replicas) {
    const text = `topic ${topic}: min.insync.replicas is ${minInSync}, and there are ${replicas} copies: every write is refused`;
    return [failed(text, alter(`min.insync.replicas=${Math.max(1, replicas - 1)}`))];
  }
  const found: CheckResult[] = [];
  if (fewestInSync !== undefined && fewestInSync < minInSync) {
    const text = `topic ${topic}: a partition has ${fewestInSync} copies in sync and min.insync.replicas is ${minInSync}: its records wait`;
    found.push(failed(text, `kafka-topics.sh ${server} --describe --under-min-isr-partitions --topic ${topic}`));
  }
  if (minInSync === 1 && replicas > 1) {
    const text = `topic ${topic}: min.insync.replicas is 1: a record counts as written with one copy while the others are away, and is lost with that broker`;
    found.push(warning(text, alter(`min.insync.replicas=2`)));
  }
  if (minInSync === replicas && replicas > 1) {
    const text = `topic ${topic}: min.insync.replicas is ${minInSync} with ${replicas} copies: records wait whenever one broker is away`;
    found.push(warning(text, alter(`min.insync.replicas=${replicas - 1}  # or one copy more`)));
  }
  return found;
}

function judgeKeeping(topic: string, values: TopicSettings, alter: Alter): CheckResult[] {
  const found: CheckResult[] = [];
  const policies = (values.get("cleanup.policy") ?? "").split(",").map((one) => one.trim());
  if (policies.includes("compact")) {
    const text = `topic ${topic}: cleanup.policy is ${policies.join(",")}: the key is the agent, so an agent's older alerts are deleted`;
    found.push(failed(text, alter("cleanup.policy=delete")));
  }
  if (!policies.includes("delete")) return found;
  const ms = numberOf(values, "retention.ms");
  if (ms !== undefined && ms >= 0 && ms < dayMs) {
    const text = `topic ${topic}: retention.ms is ${ms} (${formatDuration(ms)}): an alert that is not read by then is gone`;
    found.push(warning(text, alter("retention.ms=604800000")));
  }
  const bytes = numberOf(values, "retention.bytes");
  if (bytes !== undefined && bytes >= 0 && bytes < littleBytes) {
    const text = `topic ${topic}: retention.bytes is ${bytes} for each partition: a burst of alerts deletes those before it`;
    found.push(warning(text, alter("retention.bytes=-1")));
  }
  return found;
}

function judgeLargest(topic: string, values: TopicSettings, { batchBytes }: Wanted, alter: Alter): CheckResult[] {
  const largest = numberOf(values, "max.message.bytes");
  if (largest === undefined || largest >= batchBytes + framingBytes) return [];
  const text = `topic ${topic}: max.message.bytes is ${largest}, below sink.kafka.batch_bytes (${formatSize(batchBytes)}): an alert between the two becomes a dead letter unless compression makes it fit, and larger batches are sent in parts`;
  return [warning(text, `${alter("max.message.bytes=1048588")}  # or lower sink.kafka.batch_bytes`)];
}

/** Whether records are taken although clocks differ. */
export function judgeTimes(topic: string, values: TopicSettings, server: string): CheckResult[] {
  const alter = (change: string): string => alterCommand(topic, server, change);
  const found: CheckResult[] = [];
  // With the broker's own timestamps nothing is refused.
  if (values.get("message.timestamp.type") === "LogAppendTime") return found;
  for (const name of ["message.timestamp.after.max.ms", "message.timestamp.difference.max.ms"]) {
    const ms = numberOf(values, name);
    if (ms === undefined || ms >= clockRoomMs) continue;
    const text = `topic ${topic}: ${name} is ${ms}: if this machine's clock differs by more, every write is refused`;
    found.push(warning(text, alter(`${name}=3600000`)));
  }
  const before = numberOf(values, "message.timestamp.before.max.ms");
  if (before !== undefined && before < clockRoomMs) {
    const text = `topic ${topic}: message.timestamp.before.max.ms is ${before}: what waited longer is refused at first, and sent again with a new timestamp`;
    found.push(warning(text, alter("message.timestamp.before.max.ms=9223372036854775807")));
  }
  return found;
}

function keptFor(values: TopicSettings): string {
  const ms = numberOf(values, "retention.ms");
  return ms === undefined ? "for an unknown time" : ms < 0 ? "for ever" : `for ${formatDuration(ms)}`;
}

/** Undefined if Kafka does not have the setting, or the value is not a number. Rounded beyond 2^53. */
function numberOf(values: TopicSettings, name: string): number | undefined {
  const text = values.get(name);
  return text !== undefined && /^-?\d{1,20}$/.test(text) ? Number(text) : undefined;
}
