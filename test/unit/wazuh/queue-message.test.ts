import assert from "node:assert/strict";
import { test } from "node:test";
import { acknowledgedMessage, errorMessage, type AcknowledgedEvent } from "../../../daemon/wazuh/queue-message.ts";

const event: AcknowledgedEvent = {
  alertId: "1690000000.123",
  agentId: "001",
  agentName: "dc1",
  agentIp: "10.0.0.5",
  eventFormat: "windows-xml",
  eventId: "4625",
  winTimestamp: "2026-01-01T00:00:00.0000000Z",
  timestamp: "2026-01-01T00:00:01.000+0000",
};

/** Splits as analysisd does: at the first colon that is not escaped. */
function split(message: string): { queue: string; location: string; body: unknown } {
  const [, queue = "", location = "", body = ""] = /^(.):((?:[^|:]|\|.)*):(.*)$/s.exec(message) ?? [];
  return { queue, location: location.replace(/\|(.)/gs, "$1"), body: JSON.parse(body) };
}

test("an acknowledged alert is an event of its agent", () => {
  assert.equal(
    acknowledgedMessage(event),
    '1:[001] (dc1) 10.0.0.5->dfn:{"integration":"dfn","alert_id":"1690000000.123","agent_name":"dc1","dfn":' +
      '{"event_format":"windows-xml","event_id":"4625","win_timestamp":"2026-01-01T00:00:00.0000000Z",' +
      '"wz_timestamp":"2026-01-01T00:00:01.000+0000"}}',
  );
});

test("event id and time of Windows are null if there are none", () => {
  const message = acknowledgedMessage({ ...event, eventFormat: "syslog5424-json", eventId: null, winTimestamp: null });
  assert.deepEqual(split(message).body, {
    integration: "dfn",
    alert_id: "1690000000.123",
    agent_name: "dc1",
    dfn: {
      event_format: "syslog5424-json",
      event_id: null,
      win_timestamp: null,
      wz_timestamp: "2026-01-01T00:00:01.000+0000",
    },
  });
});

test("colons and bars of the agent's part are escaped, and only there", () => {
  const message = acknowledgedMessage({ ...event, agentName: "a|b:c", agentIp: "2001:db8::1" });
  assert.match(message, /^1:\[001\] \(a\|\|b\|:c\) 2001\|:db8\|:\|:1->dfn:\{/);
  assert.equal(split(message).location, "[001] (a|b:c) 2001:db8::1->dfn");
});

test('an agent without an address gets "any"', () => {
  assert.equal(split(acknowledgedMessage({ ...event, agentIp: undefined })).location, "[001] (dc1) any->dfn");
});

test("an alert of the manager, of no agent, or of an invalid agent: an event of the manager", () => {
  for (const odd of [
    { agentId: "000" },
    { agentId: undefined },
    { agentId: "1] (x" },
    { agentId: "" },
    { agentName: undefined },
    { agentName: "" },
    { agentName: "a\u0000b" },
    { agentName: "a\nb" },
    { agentName: "x".repeat(10_000) },
    { agentIp: "x".repeat(10_000) },
  ]) {
    const message = acknowledgedMessage({ ...event, ...odd });
    assert.ok(message.startsWith('1:dfn:{"integration":"dfn",'), JSON.stringify(odd).slice(0, 80));
  }
});

test("no text makes a datagram longer than analysisd accepts, or puts a NUL or newline into it", () => {
  const nasty = "\u0000".repeat(100_000);
  const long = { alertId: nasty, agentName: nasty, eventFormat: nasty, eventId: nasty, winTimestamp: nasty };
  for (const message of [
    acknowledgedMessage({ ...event, ...long, timestamp: nasty }),
    acknowledgedMessage({ ...event, alertId: "\u{1f600}".repeat(100_000) }),
    errorMessage({ code: 503, description: nasty }),
  ]) {
    assert.ok(Buffer.byteLength(message) < 65_535);
    assert.ok(!message.includes("\0") && !message.includes("\n"));
    split(message);
  }
});

test("an error is an event of the manager", () => {
  assert.equal(
    errorMessage({ code: 503, description: "alert 1.1: x" }),
    '1:dfn:{"integration":"dfn","error":503,"description":"alert 1.1: x"}',
  );
});
