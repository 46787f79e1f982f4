import assert from "node:assert/strict";
import { test } from "node:test";
import { Alert } from "../../../daemon/alert/alert.ts";
import { NotJson } from "../../../daemon/alert/json.ts";

const parse = (text: string): Alert => Alert.parse(Buffer.from(text));

test("the fields of an alert are found", () => {
  const alert = parse(
    '{"timestamp":"2026-11-01T00:00:00.189+0100","rule":{"level":10,"id":"60122","groups":["windows","x"]},' +
      '"agent":{"id":"301","name":"srv","ip":"10.51.205.132"},"manager":{"name":"m1"},"id":"17.1",' +
      '"cluster":{"name":"wazuh","node":"node01"},"location":"EventChannel"}',
  );
  assert.equal(alert.id, "17.1");
  assert.equal(alert.nodeOr(undefined), "node01");
  assert.equal(alert.managerName, "m1");
  assert.equal(alert.agentId, "301");
  assert.equal(alert.agentName, "srv");
  assert.equal(alert.agentIp, "10.51.205.132");
  assert.equal(alert.timestamp, "2026-11-01T00:00:00.189+0100");
  assert.equal(alert.ruleId, "60122");
  assert.equal(alert.ruleLevel, 10);
  assert.deepEqual([...alert.groups()], ["windows", "x"]);
  assert.equal(alert.location, "EventChannel");
});

test("without a cluster the manager names the node, without either it is empty", () => {
  assert.equal(parse('{"manager":{"name":"m1"},"cluster":{"name":"wazuh"}}').nodeOr(undefined), "m1");
  assert.equal(parse('{"manager":{"name":"m1"},"cluster":{"node":""}}').nodeOr(undefined), "m1");
  assert.equal(parse("{}").nodeOr(undefined), "");
});

test("the name of a hidden node comes before the manager's, and after the one that the alert gives", () => {
  assert.equal(parse('{"manager":{"name":"m1"}}').nodeOr("worker-2"), "worker-2");
  assert.equal(parse('{"manager":{"name":"m1"},"cluster":{"node":"worker-1"}}').nodeOr("worker-2"), "worker-1");
});

test("an id may be a number of any size; empty, missing and other types are none", () => {
  assert.equal(parse('{"id":17000000000000000000.10}').id, "17000000000000000000.10");
  for (const text of ["{}", '{"id":""}', '{"id":null}', '{"id":["1"]}', '{"id":true}', '{"data":{"id":"1"}}']) {
    assert.equal(parse(text).id, undefined, text);
  }
});

test("fields of unexpected types are left out and never cause an error", () => {
  const alert = parse('{"rule":"x","agent":[],"manager":null,"cluster":5,"timestamp":{},"location":[]}');
  assert.deepEqual(
    [
      alert.agentId,
      alert.nodeOr(undefined),
      alert.timestamp,
      alert.location,
      alert.ruleId,
      alert.ruleLevel,
      [...alert.groups()],
    ],
    [undefined, "", undefined, undefined, undefined, undefined, []],
  );
  assert.deepEqual([...parse('{"rule":{"groups":["a",1,null,"b"],"level":"7"}}').groups()], ["a", "b"]);
});

test("the forwarder's own alerts are recognised by where they came from, whatever a log says", () => {
  const own = '"data":{"integration":"dfn","dfn":{"status":"degraded"}}';
  assert.equal(parse(`{"agent":{"id":"000"},${own},"location":"dfn"}`).isOwn, true);
  for (const foreign of [
    `{"agent":{"id":"085"},${own},"location":"/var/log/app.json"}`,
    `{"agent":{"id":"000"},${own},"location":"/var/log/dfn"}`,
    `{"agent":{"id":"085"},${own},"location":"dfn"}`,
    `{${own},"location":"dfn"}`,
    `{"agent":{"id":"000"},"rule":{"groups":["local","dfn"]},"location":"EventChannel"}`,
    `{"agent":{"id":"000"},"data":{"integration":["dfn"]},"location":"dfn"}`,
    `{"agent":{"id":"000"},"data":{"integration":"virustotal"},"full_log":"\\"dfn\\"","location":"dfn"}`,
  ]) {
    assert.equal(parse(foreign).isOwn, false, foreign);
  }
});

test("a path ends at a level that the alert does not have", () => {
  const alert = parse('{"data":{"win":{"system":{"eventID":"1"}}}}');
  assert.equal(alert.member("data", "win", "system", "eventID")?.text, "1");
  assert.equal(alert.member("data", "win", "system", "eventID", "x"), undefined);
  assert.equal(alert.member("data", "windows", "system"), undefined);
});

test("anything other than one object is refused", () => {
  for (const text of ["", " ", "null", "[]", '"a"', "{}{}", '{"a":1', "{'a':1}"]) {
    assert.throws(() => parse(text), NotJson, text);
  }
  assert.equal(parse(' \t{"id":"1"}\r').id, "1");
});
