import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeManifestTopic } from "../../../../daemon/doctor/links/manifest-topic.ts";
import type { ProbeFailure, TopicProbe } from "../../../../daemon/sinks/kafka/probe.ts";

const week = String(7 * 24 * 3_600_000);

type Sight = Partial<Omit<TopicProbe, "settings">>;

/** A topic that is in order, but for what is given; `settings` as Kafka has them. */
function topic(name: string, settings: Readonly<Record<string, string>> | ProbeFailure, sight: Sight = {}): TopicProbe {
  const isFailure = typeof settings["category"] === "string";
  return {
    topic: name,
    partitions: 1,
    leaderless: 0,
    failure: undefined,
    write: undefined,
    read: undefined,
    replicas: 3,
    fewestInSync: 3,
    behind: 0,
    settings: isFailure ? forbidden : { values: new Map(Object.entries(settings)) },
    ...sight,
  };
}

const forbidden: ProbeFailure = { category: "topic-authorization", text: "TOPIC_AUTHORIZATION_FAILED", remedy: "" };
const keeps = { "cleanup.policy": "delete", "retention.ms": week, "min.insync.replicas": "2" };

/** `state text` and the remedy, of a topic `m` of manifests next to topics of records. */
function said(manifests: TopicProbe, ...records: readonly TopicProbe[]): [string, string | undefined][] {
  return judgeManifestTopic({ brokers: [], topics: [...records, manifests] }, "m").map(({ state, text, remedy }) => [
    `${state} ${text}`,
    remedy,
  ]);
}

test("a topic that takes manifests and keeps them as long as records is in order", () => {
  const inOrder = "ok topic m takes manifests; keeps them as long as records are kept";
  assert.deepEqual(said(topic("m", keeps), topic("t", keeps)), [[inOrder, undefined]]);
  assert.deepEqual(said(topic("m", { ...keeps, "retention.ms": "-1" }), topic("t", keeps)), [[inOrder, undefined]]);
  assert.deepEqual(said(topic("m", keeps), topic("t", forbidden)), [
    ["ok topic m takes manifests; how long records are kept is not known", undefined],
  ]);
});

test("a compacted topic of manifests is a warning with its command; that of records is judged elsewhere", () => {
  const compacted = { ...keeps, "cleanup.policy": "compact,delete" };
  assert.deepEqual(said(topic("m", compacted), topic("t", compacted)), [
    [
      "warning m is compacted, which removes all but the newest record of a key",
      "kafka-configs.sh --bootstrap-server BROKER --alter --topic m --add-config cleanup.policy=delete",
    ],
  ]);
});

test("manifests that are kept shorter than records are a warning, whose command meets the longest of the topics", () => {
  const hour = { ...keeps, "retention.ms": "3600000" };
  const found = said(topic("m", hour), topic("a", { ...keeps, "retention.ms": "7200000" }), topic("b", keeps));
  const remedy = `kafka-configs.sh --bootstrap-server BROKER --alter --topic m --add-config retention.ms=${week}`;
  assert.deepEqual(found, [
    ["warning manifests are kept for 1 h, and records in a for 2 h", remedy],
    ["warning manifests are kept for 1 h, and records in b for 168 h", remedy],
  ]);
  const [[, forEver] = []] = said(topic("m", hour), topic("t", { ...keeps, "retention.ms": "-1" }));
  assert.match(forEver ?? "", /retention\.ms=-1$/);
});

test("a topic that is absent or may not be written to is a warning: manifests wait, but alerts do not", () => {
  const failure: ProbeFailure = { category: "topic-missing", text: "does not exist", remedy: "create it" };
  assert.deepEqual(said(topic("m", keeps, { failure, partitions: 0 }), topic("t", keeps)), [
    [
      "warning topic m: does not exist; until then manifests wait, but alerts do not",
      "kafka-topics.sh --bootstrap-server BROKER --create --topic m  # create it",
    ],
  ]);
  const [[text, remedy] = []] = said(topic("m", keeps, { write: forbidden }));
  assert.match(text ?? "", /^warning topic m may not be written to: .*; until then manifests wait, but alerts do not$/);
  assert.match(remedy ?? "", /--operation Write --topic m$/);
  const [[leaderless] = []] = said(topic("m", keeps, { leaderless: 1 }));
  assert.match(leaderless ?? "", /^warning topic m: 1 of 1 partitions have no leader/);
});

test("a topic that may not be read is a warning that says what goes unnoticed then", () => {
  const found = said(topic("m", keeps, { read: forbidden }));
  assert.equal(found.length, 1);
  assert.match(found[0]?.[0] ?? "", /^warning topic m may not be read: if the state directory is lost or restored/);
  assert.match(found[0]?.[1] ?? "", /--operation Read --topic m$/);
});

test("settings that may not be seen are unknown, which is not a failure; nothing else is either", () => {
  const [[text, remedy] = [], ...others] = said(topic("m", forbidden), topic("t", keeps));
  assert.match(text ?? "", /^unseen topic m: its settings .* are not known: this needs the permission DescribeConfigs/);
  assert.match(remedy ?? "", /--operation DescribeConfigs --topic m$/);
  assert.deepEqual(others, []);
  const [[few] = []] = said(topic("m", { ...keeps, "min.insync.replicas": "4" }));
  assert.match(
    few ?? "",
    /^warning topic m: min\.insync\.replicas is 4, and there are 3 copies: every write is refused/,
  );
});

test("nothing is said of a topic that no broker was asked about", () => {
  assert.deepEqual(judgeManifestTopic({ brokers: [], topics: [] }, "m"), []);
});
