import type { TopicPolicy } from "./topic-reader.ts";

/** What should be changed about the topics, a sentence each. */
export function topicWarnings(manifests: string, policies: ReadonlyMap<string, TopicPolicy>): readonly string[] {
  const warnings: string[] = [];
  const own = policies.get(manifests);
  for (const { topic, isCompacted, trouble } of policies.values()) {
    if (trouble !== undefined)
      warnings.push(`what is set for ${topic} is not known, so neither is whether it is compacted: ${trouble}`);
    if (isCompacted === true)
      warnings.push(
        `${topic} is compacted, which removes all but the newest record of a key: set cleanup.policy=delete`,
      );
  }
  for (const { topic, retentionMs } of policies.values()) {
    if (topic === manifests || retentionMs === undefined || own?.retentionMs === undefined) continue;
    if (own.retentionMs < retentionMs)
      warnings.push(
        `manifests are kept for ${shown(own.retentionMs)}, and records in ${topic} for ${shown(retentionMs)}: keep them as long (retention.ms of ${manifests})`,
      );
  }
  return warnings;
}

function shown(ms: number): string {
  return Number.isFinite(ms) ? `${Math.round(ms / 3_600_000)} h` : "ever";
}
