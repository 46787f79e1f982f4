import type { KafkaProbe, TopicProbe } from "../../sinks/kafka/probe.ts";
import { policyOf, type TopicPolicy, unknownPolicy } from "../../verify/topic-reader.ts";
import { topicWarnings } from "../../verify/warnings.ts";
import { type CheckResult, ok, warning } from "../result.ts";
import { judgePermission, judgeTopics } from "./kafka.ts";
import { alterCommand, judgeCopies, judgeInSync, judgeTimes, judgeUnknown } from "./topic-settings.ts";

/**
 * Whether manifests get into their topic, and are there for as long as the records that they announce. Nothing fails here:
 * alerts get through whatever is wrong with it.
 * @param probe of the topics of records, and of that of manifests
 */
export function judgeManifestTopic(probe: KafkaProbe, manifests: string): CheckResult[] {
  const sight = probe.topics.find(({ topic }) => topic === manifests);
  if (sight === undefined) return []; // No broker answers, which is a link of its own.
  return judge(probe, sight).map((result) => (result.state === "failed" ? { ...result, state: "warning" } : result));
}

function judge(probe: KafkaProbe, sight: TopicProbe): CheckResult[] {
  const server = `--bootstrap-server ${probe.brokers[0]?.address ?? "BROKER"}`;
  const alone = { brokers: probe.brokers, topics: [sight] };
  const found = [...judgeTopics(alone), ...judgePermission(alone, "write")].flatMap(({ state, text, remedy = "" }) =>
    state === "ok" ? [] : [warning(`${text}; until then manifests wait, but alerts do not`, remedy)],
  );
  if (sight.failure !== undefined) return found;
  for (const { state, remedy = "" } of judgePermission(alone, "read")) {
    if (state === "ok") continue;
    const text = `topic ${sight.topic} may not be read: if the state directory is lost or restored from a copy, the forwarder does not notice, and verify reports a fork or a new stream`;
    found.push(warning(text, remedy));
  }
  const policies = policiesOf(probe);
  found.push(...judgeCopies(sight, server), ...judgeSettings(sight, server));
  found.push(...judgeKeeping(sight.topic, policies, server));
  if (found.length > 0) return found;
  const isCompared = policies.every(({ retentionMs }) => retentionMs !== undefined);
  const kept = isCompared ? "keeps them as long as records are kept" : "how long records are kept is not known";
  return [ok(`topic ${sight.topic} takes manifests; ${kept}`)];
}

function judgeSettings(sight: TopicProbe, server: string): CheckResult[] {
  const { topic, settings } = sight;
  if (!("values" in settings)) return [judgeUnknown(topic, settings, server)];
  return [...judgeInSync(sight, settings.values, server), ...judgeTimes(topic, settings.values, server)];
}

/** Of the topics that are there. */
function policiesOf({ topics }: KafkaProbe): readonly TopicPolicy[] {
  return topics
    .filter(({ failure }) => failure === undefined)
    .map(({ topic, settings }) =>
      "values" in settings ? policyOf(topic, settings.values) : unknownPolicy(topic, settings.text),
    );
}

/** What `verify` warns of, but for what the links of the topics of records say already. */
function judgeKeeping(manifests: string, policies: readonly TopicPolicy[], server: string): CheckResult[] {
  return topicWarnings(manifests, policies).flatMap(({ topic, text, change }) =>
    topic === manifests && change !== undefined ? [warning(text, alterCommand(topic, server, change))] : [],
  );
}
