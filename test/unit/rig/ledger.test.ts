import assert from "node:assert/strict";
import { test } from "node:test";
import { AlertMaker, type WrittenAlert } from "../../rig/wazuh/alerts.ts";
import { Ledger } from "../../rig/wazuh/ledger.ts";
import type { ReadRecord } from "../../rig/read-topic.ts";

/** The referee that the end-to-end tests trust must see every way in which the promise can be broken. */
function writtenAlerts(count: number, isRelevant = true): { ledger: Ledger; alerts: WrittenAlert[] } {
  const maker = new AlertMaker({ startMs: 0 });
  const ledger = new Ledger();
  const alerts = Array.from({ length: count }, () => maker.make(isRelevant));
  for (const alert of alerts) ledger.add(alert);
  return { ledger, alerts };
}

function recordOf(alert: WrittenAlert, offset = 0): ReadRecord {
  return {
    partition: 0,
    offset,
    timestamp: 0,
    key: Buffer.from(alert.key),
    headers: [["wazuh-alert-id", Buffer.from(alert.id)]],
    value: Buffer.from(JSON.stringify(alert.value ?? { timestamp: alert.timestamp })),
  };
}

const nothingWrong = { missing: [], invented: [], altered: [], twice: 0, outOfOrder: [] };

test("the referee finds nothing if each relevant alert is there once", () => {
  const { ledger, alerts } = writtenAlerts(50);
  const judgement = ledger.judge(alerts.map((alert) => recordOf(alert)));
  assert.deepEqual(judgement, { expected: 50, ...nothingWrong });
});

test("the referee names what is missing", () => {
  const { ledger, alerts } = writtenAlerts(3);
  const judgement = ledger.judge(alerts.slice(1).map((alert) => recordOf(alert)));
  assert.deepEqual(judgement.missing, [alerts[0]?.timestamp]);
});

test("the referee counts what is there twice", () => {
  const { ledger, alerts } = writtenAlerts(2);
  const judgement = ledger.judge([...alerts, ...alerts].map((alert) => recordOf(alert)));
  assert.deepEqual(judgement, { expected: 2, ...nothingWrong, twice: 2 });
});

test("the referee reports a record of an irrelevant alert, or of no alert, as made up", () => {
  const { ledger, alerts } = writtenAlerts(1, false);
  const records = alerts.map((alert) => recordOf(alert));
  const noJson = records.map((record) => ({ ...record, value: Buffer.from("{") }));
  assert.equal(ledger.judge([...records, ...noJson]).invented.length, 2);
});

test("the referee sees another value, another key and another id", () => {
  const { ledger, alerts } = writtenAlerts(3);
  const [first, second, third] = alerts.map((alert) => recordOf(alert));
  assert.ok(first?.value && second && third);
  const value = Buffer.from(first.value.toString().replace("windows-xml", "windows").replace("syslog", "log"));
  const records = [
    { ...first, value },
    { ...second, key: Buffer.from("another") },
    { ...third, headers: [["wazuh-alert-id", Buffer.from("1.1")] as const] },
  ];
  assert.deepEqual(
    ledger.judge(records).altered,
    alerts.map(({ timestamp }) => timestamp),
  );
});

test("the referee sees when two alerts of one agent are in the wrong order", () => {
  const { ledger, alerts } = writtenAlerts(200);
  const judgement = ledger.judge(alerts.toReversed().map((alert) => recordOf(alert)));
  const agents = new Set(alerts.map(({ key }) => key));
  assert.deepEqual(new Set(judgement.outOfOrder), agents);
});
