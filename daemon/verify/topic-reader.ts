import type { RecordReading, TopicExtent, UnreadRecords } from "../records/record-reading.ts";

/** What is settled for a topic, as far as it matters here; a member is undefined when the broker does not say. */
export interface TopicPolicy {
  readonly topic: string;
  readonly isCompacted: boolean | undefined;
  /** Milliseconds; Infinity for ever. */
  readonly retentionMs: number | undefined;
  /** Whether records have the broker's time. */
  readonly hasBrokerTime: boolean | undefined;
  /** Why it is not known. */
  readonly trouble: string | undefined;
}

/** What the settings of a topic mean here. @param settings by Kafka's names; undefined: there are none, and nothing goes */
export function policyOf(topic: string, settings: ReadonlyMap<string, string> | undefined): TopicPolicy {
  if (settings === undefined)
    return { topic, isCompacted: false, retentionMs: Infinity, hasBrokerTime: false, trouble: undefined };
  const retention = Number(settings.get("retention.ms") ?? Number.NaN);
  const timestamps = settings.get("message.timestamp.type");
  return {
    topic,
    isCompacted: settings.get("cleanup.policy")?.includes("compact"),
    retentionMs: Number.isNaN(retention) ? undefined : retention < 0 ? Infinity : retention,
    hasBrokerTime: timestamps === undefined ? undefined : timestamps === "LogAppendTime",
    trouble: undefined,
  };
}

/** What is known when the settings of a topic are not, and why. */
export function unknownPolicy(topic: string, trouble: string): TopicPolicy {
  return { topic, isCompacted: undefined, retentionMs: undefined, hasBrokerTime: undefined, trouble };
}

/** The topics, as they are read. */
export interface TopicReader {
  /** Where topics begin and end now. Rejects only with the signal's reason. */
  extents(topics: readonly string[], signal: AbortSignal): Promise<readonly TopicExtent[]>;
  /** @returns why some records were not seen; none if all were */
  read(reading: RecordReading): Promise<readonly UnreadRecords[]>;
  /** Never rejects. */
  policy(topic: string): Promise<TopicPolicy>;
}
