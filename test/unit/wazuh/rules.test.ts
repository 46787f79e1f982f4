import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { acknowledgedMessage, errorMessage, statusMessage } from "../../../daemon/wazuh/queue-message.ts";
import { repositoryRoot } from "../../../scripts/repository.ts";
import { Ruleset, type DecodedEvent } from "../../rig/wazuh/ruleset.ts";

const rules = readFileSync(join(repositoryRoot, "ossec-snippets/dfn_rules.xml"), "utf8");

/** After analysisd's queue: location and text at the first colon that is not escaped, `[id] ` removed. */
function received(datagram: string): DecodedEvent {
  const [, location = "", text = ""] = /^.:((?:[^|:]|\|.)*):(.*)$/s.exec(datagram) ?? [];
  return decoded(location.replaceAll(/\|(.)/gs, "$1").replace(/^\[\d+\] /, ""), text);
}

function decoded(location: string, text: string): DecodedEvent {
  return { location, text, fields: text.startsWith("{") ? flattened(JSON.parse(text)) : undefined };
}

function flattened(value: object, prefix = ""): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [key, entry] of Object.entries(value)) {
    if (typeof entry === "object" && entry !== null) Object.assign(fields, flattened(entry, `${prefix}${key}.`));
    else fields[`${prefix}${key}`] = String(entry);
  }
  return fields;
}

function judge(event: DecodedEvent): string | undefined {
  return new Ruleset(rules).judge(event)?.id;
}

const degraded = { status: "degraded", code: "log-missing", subject: "log", text: "no alerts.json" } as const;
const acknowledged = {
  alertId: "1.1",
  agentId: "085",
  agentName: "host-37",
  agentIp: "10.0.194.239",
  eventFormat: "windows-xml",
  eventId: "4625",
  winTimestamp: null,
};

test("each event of the forwarder raises its rule", () => {
  assert.equal(judge(received(acknowledgedMessage(acknowledged))), "111701");
  assert.equal(judge(received(errorMessage({ code: 503, description: "x" }))), "111702");
  assert.equal(judge(received(errorMessage({ code: 503, description: "x", status: "dead-letter" }))), "111703");
  assert.equal(judge(received(statusMessage(degraded))), "111704");
  assert.equal(judge(received(statusMessage({ ...degraded, subject: "certificate /c" }))), "111705");
  assert.equal(judge(received(statusMessage({ ...degraded, status: "recovered" }))), "111706");
  assert.equal(judge(decoded("wazuh-dfn", "ossec: output: 'wazuh-dfn': failed")), "111708");
  assert.equal(judge(decoded("wazuh-dfn", "ossec: output: 'wazuh-dfn': active")), "111707");
});

test("an acknowledgement is recognised with the agent's number before its location too", () => {
  const event = received(acknowledgedMessage(acknowledged));
  assert.equal(judge({ ...event, location: `[085] ${event.location}` }), "111701");
});

test("what another program says in our words raises none of our rules and is hidden by none", () => {
  const text = JSON.stringify({ integration: "dfn", error: 503, dfn: { ...degraded, event_format: "x" } });
  for (const location of [
    "/var/log/app.json",
    "/var/log/dfn",
    "dfn.log",
    "(host-37) 10.0.194.239->/var/log/app.json",
    "(host-37) 10.0.194.239->/var/log/dfn",
    "(host-37) 10.0.194.239->/var/log/x->dfn",
    "(host-37) 10.0.194.239->/var/log/(y) x->dfn",
    "/var/log/->dfn",
  ]) {
    assert.equal(judge(decoded(location, text)), undefined, location);
  }
});

test("an agent that uses our location raises no alert", () => {
  const text = JSON.stringify({ integration: "dfn", error: 503, dfn: { ...degraded } });
  assert.equal(judge(decoded("(host-37) 10.0.194.239->dfn", text)), undefined);
});

test("a command's output on an agent, or a log that looks like it, says nothing about our unit", () => {
  for (const location of ["(host-37) any->wazuh-dfn", "/var/log/syslog", "(host-37) any->/var/log/wazuh-dfn"]) {
    assert.equal(judge(decoded(location, "ossec: output: 'wazuh-dfn': failed")), "530");
  }
});

test("a flood of forged events hides no genuine one", () => {
  const ruleset = new Ruleset(rules);
  const forged = received(statusMessage({ ...degraded, text: "forged" }));
  for (let second = 0; second < 1000; second++) ruleset.judge(forged, second);
  for (const [event, id] of [
    [statusMessage(degraded), "111704"],
    [errorMessage({ code: 503, description: "x", status: "dead-letter" }), "111703"],
    [errorMessage({ code: 503, description: "x" }), "111702"],
  ] as const) {
    for (let second = 0; second < 100; second++) ruleset.judge(received(event), second);
    assert.equal(ruleset.judge(received(event), 100)?.id, id);
  }
});
