import assert from "node:assert/strict";
import { test } from "node:test";
import { Alert } from "../../../daemon/alert/alert.ts";
import { passthroughHandler, type PassthroughSettings } from "../../../daemon/handlers/passthrough.ts";

function isChosen(settings: Omit<PassthroughSettings, "topic">, alert: unknown): boolean {
  const handler = passthroughHandler({ topic: "all", ...settings });
  return handler.record(Alert.parse(Buffer.from(JSON.stringify(alert)))) !== undefined;
}

test("without conditions every alert passes, unchanged to the byte", () => {
  const bytes = Buffer.from(' {"id" : "1","x":"\xff","n":1.0,"n":90071992547409931}\r', "latin1");
  const record = passthroughHandler({ topic: "all" }).record(Alert.parse(bytes));
  assert.deepEqual(record, { topic: "all", value: bytes });
});

test("level is a minimum; an alert without a level does not reach it", () => {
  for (const [level, isSent] of [
    [6, false],
    [7, true],
    [16, true],
    [6.9, false],
    ["9", false],
    [null, false],
  ]) {
    assert.equal(isChosen({ level: 7 }, { rule: { level } }), isSent, String(level));
  }
  assert.equal(isChosen({ level: 7 }, {}), false);
  assert.equal(isChosen({ level: 0 }, {}), true);
});

test("groups are compared exactly, and any of them is enough", () => {
  const groups = ["sshd", "web"];
  assert.equal(isChosen({ groups }, { rule: { groups: ["a", "web"] } }), true);
  assert.equal(isChosen({ groups }, { rule: { groups: ["a", "Web", "web2"] } }), false);
  assert.equal(isChosen({ groups }, { rule: { groups: "web" } }), false);
  assert.equal(isChosen({ groups }, {}), false);
  assert.equal(isChosen({ groups: [] }, {}), true);
});

test("rule ids are compared as numbers, and any of them is enough", () => {
  const ruleIds = ["5710", "0031"];
  assert.equal(isChosen({ ruleIds }, { rule: { id: "5710" } }), true);
  assert.equal(isChosen({ ruleIds }, { rule: { id: "31" } }), true);
  assert.equal(isChosen({ ruleIds }, { rule: { id: "57100" } }), false);
  assert.equal(isChosen({ ruleIds }, {}), false);
});

test("a location pattern skips alerts without a location", () => {
  assert.equal(isChosen({ location: "!^dfn$" }, { location: "syslog" }), true);
  assert.equal(isChosen({ location: "!^dfn$" }, { location: "dfn" }), false);
  assert.equal(isChosen({ location: "!^dfn$" }, {}), false);
  assert.equal(isChosen({ location: "log" }, { location: ["log"] }), false);
  assert.equal(isChosen({ location: "" }, { location: "" }), true);
});

test("all conditions must be met", () => {
  const settings = { level: 7, groups: ["web"], ruleIds: ["31"], location: "log" };
  const rule = { level: 7, groups: ["web"], id: "31" };
  assert.equal(isChosen(settings, { rule, location: "log" }), true);
  assert.equal(isChosen(settings, { rule: { ...rule, level: 6 }, location: "log" }), false);
  assert.equal(isChosen(settings, { rule: { ...rule, groups: [] }, location: "log" }), false);
  assert.equal(isChosen(settings, { rule: { ...rule, id: "32" }, location: "log" }), false);
  assert.equal(isChosen(settings, { rule, location: "x" }), false);
});
