import assert from "node:assert/strict";
import { test } from "node:test";
import type { StatusSnapshot } from "../../../daemon/status/facts.ts";
import { parseStatus } from "../../../daemon/commands/status-answer.ts";
import { statusSummary } from "../../../daemon/commands/status-text.ts";
import { lasting } from "../../../daemon/telemetry/lasting.ts";
import { aForwarder, counts, countsOf, kafkaAtWork } from "./a-forwarder.ts";
import type { TailState } from "../../../daemon/sources/tail/status.ts";

test("health comes first, each reason with its remedy and how long it has lasted", () => {
  const since = "2026-11-21T10:00:00.000Z";
  const reasons = [
    { code: "kafka-unreachable" as const, subject: "Kafka", text: "refused \u001b[31m", remedy: "start it", since },
  ];
  const text = statusSummary({ ...aForwarder(), health: { state: "degraded", reasons } }, Date.parse(since) + 65_000);
  assert.deepEqual(text.split("\n").slice(0, 4), [
    "degraded: wazuh-dfn 1.0.0, process 42, up 1 min 40 s",
    "  Kafka [kafka-unreachable], for 1 min 5 s: refused \\u001b[31m",
    "    start it",
    "",
  ]);
});

test("each source has a row, and the log, the sink and the dead letters have a line each", () => {
  const health = { state: "ok", reasons: [] } as const;
  const sources = countsOf({ socket: counts({ read: 5, paired: 5 }), tail: counts({ read: 9, acknowledged: 9 }) });
  const deadLetters = { ...aForwarder().deadLetters, entries: 3, bytes: 2500 };
  const text = statusSummary(
    { ...aForwarder({ sources, deadLetters }), health },
    kafkaAtWork.lastAcknowledgedAt + 2000,
  );
  assert.match(text, /^SOURCE +READ +IGNORED +PAIRED +IN FLIGHT +ACKNOWLEDGED +DEAD LETTERS$/m);
  assert.match(text, /^socket +5 +0 +5 +0 +0 +0$/m);
  assert.match(text, /^tail +9 +0 +0 +0 +9 +0$/m);
  assert.match(text, /^position +\/alerts\.json, byte 10$/m);
  assert.match(text, /^Kafka +connected to a:9092$/m);
  assert.match(text, /^acknowledged +last 2 s ago; half of them within 4 ms/m);
  assert.match(text, /^dead letters +3 in the store, 2\.5 KB$/m);
});

test("alerts that were left out have a line for each reason, and none if there are none", () => {
  const health = { state: "ok", reasons: [] } as const;
  const leftOut = { "fail2ban-program-name": 3, "fail2ban-group": 0 };
  const text = statusSummary({ ...aForwarder({ events: { lastSeen: {}, leftOut } }), health }, 0);
  assert.match(text, /^left out +3 alerts \(fail2ban-program-name\), see wazuh-dfn doctor$/m);
  assert.doesNotMatch(text, /fail2ban-group/);
  assert.doesNotMatch(statusSummary({ ...aForwarder(), health }, 0), /left out/);
});

test("a look-up that waits for a broker has a line that names partition, broker and time", () => {
  const lookups = [{ topic: "t", partition: 2, broker: "a:9092", waitsFor: "a connection", seconds: 3 }];
  const shown = { ...aForwarder({ sink: { ...kafkaAtWork, lookups } }), health: { state: "ok", reasons: [] } } as const;
  const text = statusSummary(parseStatus(JSON.stringify(shown)), 0);
  assert.match(text, /^looking up +t\/2, has waited 3 s for a connection, broker a:9092$/m);
});

test("times are shown in their two largest units", () => {
  const shown = [-1, 0, 59, 60, 3600, 3661, 90_000, 86_400].map(lasting);
  assert.deepEqual(shown, ["0 s", "0 s", "59 s", "1 min", "1 h", "1 h 1 min", "1 d 1 h", "1 d"]);
});

function line(some: Partial<StatusSnapshot["deadLetters"]>): string | undefined {
  const deadLetters = { ...aForwarder().deadLetters, ...some };
  const text = statusSummary({ ...aForwarder({ deadLetters }), health: { state: "ok", reasons: [] } }, 0);
  return /^dead letters +(.*)$/m.exec(text)?.[1];
}

test("for dead letters it says how many are acknowledged, and how much is on the disk if there are none", () => {
  assert.equal(line({ entries: 3, acknowledged: 2, bytes: 2500 }), "3 in the store (2 acknowledged), 2.5 KB");
  assert.equal(line({ entries: 0, bytes: 44_700 }), "none in the store; removed ones still take 44.7 KB on disk");
  assert.equal(line({}), "none");
});

function behind(state: TailState): string | undefined {
  const log = { ...aForwarder().log!, state, lagSeconds: 10 };
  const text = statusSummary({ ...aForwarder({ log }), health: { state: "ok", reasons: [] } }, 0);
  return /^behind +(.*)$/m.exec(text)?.[1];
}

test("while the log cannot be read, no figure is given for how far it is behind", () => {
  assert.equal(behind("waiting: /alerts.json is not there."), "unknown while the log cannot be read");
  assert.equal(behind("catching-up"), "0 B, 10 s");
});

test("a lag that is not known yet is reported as such, and a damaged archive is named", () => {
  const damagedArchives = [{ file: "/a.gz", offset: 5 }];
  const log = {
    ...aForwarder().log!,
    state: "catching-up" as const,
    lagBytes: undefined,
    lagSeconds: undefined,
    damagedArchives,
  };
  const text = statusSummary({ ...aForwarder({ log }), health: { state: "ok", reasons: [] } }, 0);
  assert.match(text, /^behind +not yet known$/m);
  assert.match(text, /^damaged +\/a\.gz, read to byte 5$/m);
});
