import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeTopicSettings } from "../../../../daemon/doctor/links/topic-settings.ts";
import type { TopicProbe } from "../../../../daemon/sinks/kafka/probe.ts";

const sight = { topic: "t", partitions: 3, leaderless: 0, failure: undefined, write: undefined, read: undefined };

function said(least: number, copies: Pick<TopicProbe, "replicas" | "fewestInSync" | "behind">): string {
  const settings = { values: new Map([["min.insync.replicas", String(least)]]) };
  const probe = { brokers: [], topics: [{ ...sight, ...copies, settings }] };
  return judgeTopicSettings(probe, { batchBytes: 900_000 })
    .map(({ state, text }) => `${state} ${text}`)
    .join("\n");
}

test("the number of copies in sync is compared with what the topic requires", () => {
  const three = { replicas: 3, fewestInSync: 3, behind: 0 };
  assert.match(said(2, three), /^ok topic t: 3 copies of each record, 2 in sync/);
  assert.match(said(1, three), /^warning .*min\.insync\.replicas is 1: a record counts as written with one copy/);
  assert.match(said(3, three), /^warning .*is 3 with 3 copies: records wait whenever one broker is away/);
  assert.match(said(4, three), /^failed .*every write is refused/);
  assert.match(
    said(2, { ...three, fewestInSync: 1, behind: 1 }),
    /^warning .*not in sync\nfailed .*has 1 copies in sync/,
  );
});
