import type { TopicPolicy } from "./topic-reader.ts";

/** What should be changed about a topic. */
export interface TopicWarning {
  readonly topic: string;
  /** What is so now; a sentence without a full stop. */
  readonly text: string;
  /** The setting that it should have, `name=value`; undefined if its settings are not known. */
  readonly change: string | undefined;
}

/**
 * What should be changed about the topics, so that manifests and records can be compared for as long as records are kept.
 * @param manifests the topic of manifests
 * @param policies of the topics of manifests and of records, as far as there are any
 */
export function topicWarnings(manifests: string, policies: readonly TopicPolicy[]): readonly TopicWarning[] {
  const warnings: TopicWarning[] = [];
  for (const { topic, isCompacted, trouble } of policies) {
    if (trouble !== undefined) {
      const text = `what is set for ${topic} is not known, so neither is whether it is compacted: ${trouble}`;
      warnings.push({ topic, text, change: undefined });
    }
    if (isCompacted === true) {
      const text = `${topic} is compacted, which removes all but the newest record of a key`;
      warnings.push({ topic, text, change: "cleanup.policy=delete" });
    }
  }
  const own = policies.find(({ topic }) => topic === manifests)?.retentionMs;
  const records = policies.flatMap(({ topic, retentionMs }) =>
    topic === manifests || retentionMs === undefined ? [] : [{ topic, retentionMs }],
  );
  const longest = Math.max(...records.map(({ retentionMs }) => retentionMs));
  for (const { topic, retentionMs } of records) {
    if (own === undefined || own >= retentionMs) continue;
    const text = `manifests are kept for ${shown(own)}, and records in ${topic} for ${shown(retentionMs)}`;
    const change = `retention.ms=${Number.isFinite(longest) ? longest : -1}`;
    warnings.push({ topic: manifests, text, change });
  }
  return warnings;
}

/** A warning as a sentence. */
export function topicWarningText({ topic, text, change }: TopicWarning): string {
  return change === undefined ? text : `${text}: set ${change} for ${topic}`;
}

function shown(ms: number): string {
  return Number.isFinite(ms) ? `${Math.round(ms / 3_600_000)} h` : "ever";
}
