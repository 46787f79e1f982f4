import assert from "node:assert/strict";
import { test } from "node:test";
import { Alert } from "../../../daemon/alert/alert.ts";
import type { HandlerRecord } from "../../../daemon/contract.ts";
import { DfnError } from "../../../daemon/errors.ts";
import { fail2banHandler } from "../../../daemon/handlers/fail2ban.ts";

interface Ban {
  data?: unknown;
  log?: unknown;
  groups?: unknown;
  networks?: string[];
}

const banned = (srcip: unknown, more: object = {}) => ({ srcip, program_name: "fail2ban.actions", ...more });

function record({
  data = banned("1.1.1.1"),
  log,
  groups = ["fail2ban"],
  networks = [],
}: Ban): HandlerRecord | undefined {
  const alert = { timestamp: "t", rule: { groups }, agent: { name: "host" }, full_log: log, data };
  return fail2banHandler("topic", networks).record(Alert.parse(Buffer.from(JSON.stringify(alert))));
}

function value(ban: Ban): Record<string, unknown> {
  const parsed: Record<string, unknown> = JSON.parse(String(record(ban)?.value));
  return parsed;
}

test("without an own network every address is sent, even one that is not an address", () => {
  for (const srcip of ["1.1.1.1", "10.0.0.1", "::1", "not-an-ip", 5]) {
    assert.notEqual(record({ data: banned(srcip) }), undefined, String(srcip));
  }
});

test("with own networks only foreign, globally routable addresses are sent", () => {
  const networks = ["136.199.0.0/16", "2001:638::/32"];
  const isSent = (srcip: unknown): boolean => record({ data: banned(srcip), networks }) !== undefined;
  for (const srcip of ["1.1.1.1", "136.198.0.1", "2001:4860::1", "::ffff:8.8.8.8"]) assert.ok(isSent(srcip), srcip);
  for (const srcip of [
    "136.199.3.4",
    "2001:638::5",
    "10.0.0.1",
    "fe80::1%eth0",
    "::ffff:10.0.0.1",
    "01.1.1.1",
    "x",
    5,
  ]) {
    assert.ok(!isSent(srcip), String(srcip));
  }
});

test("an own network that is not a network is refused at once", () => {
  assert.throws(() => fail2banHandler("topic", ["10.0.0.0/99"]), DfnError);
});

test("an alert without an address, of another program or of another group is of no interest", () => {
  for (const srcip of [undefined, null, ""]) assert.equal(record({ data: banned(srcip) }), undefined);
  for (const data of [{ srcip: "1.1.1.1" }, banned("1.1.1.1", { program_name: "sshd" }), "fail2ban.actions", null]) {
    assert.equal(record({ data }), undefined);
  }
  for (const groups of [[], ["fail2ban2"], null, { fail2ban: 1 }, [1, ["fail2ban"]]]) {
    assert.equal(record({ groups }), undefined, JSON.stringify(groups));
  }
});

const raw = (log: unknown): unknown => value({ log })["event_raw"];

test("ten characters are removed if the log begins with the program's name, counted as code points", () => {
  assert.equal(raw("fail2ban: x"), "<38> 1 x");
  assert.equal(raw("fail2ban\u{1f600}\u{1f600}\u{1f600}"), "<38> 1 \u{1f600}");
  assert.equal(raw("fail2ban\n\nx"), "<38> 1 x");
  assert.equal(raw("fail2ban"), "<38> 1 ");
  assert.equal(raw("Fail2ban: x"), "<38> 1 Fail2ban: x");
  assert.equal(raw(undefined), "<38> 1 ");
  assert.equal(raw(17), "<38> 1 17");
});

const numbers = (severity: unknown): unknown[] => {
  const found = value({ data: banned("1.1.1.1", { severity }) });
  return [found["severity"], found["priority"], found["facility"]];
};

test("severity and priority depend on the level", () => {
  assert.deepEqual(numbers("NOTICE"), [5, 37, "4"]);
  assert.deepEqual(numbers("WARNING"), [4, 36, "4"]);
  assert.deepEqual(numbers("ERROR"), [3, 35, "4"]);
  for (const severity of ["INFO", "notice", "", undefined, null, 3]) assert.deepEqual(numbers(severity), [6, 38, "4"]);
});

const body = (severity: unknown, log: string): unknown => value({ data: banned("1.1.1.1", { severity }), log })["body"];

test("the body begins at the first level name, or else with the line", () => {
  assert.equal(body("NOTICE", "a NOTICE b NOTICE"), "NOTICE b NOTICE");
  assert.equal(body("ERROR", "a NOTICE b"), "<35> 1 a NOTICE b");
  assert.equal(body("", "a"), "<38> 1 a");
});

const text = (pid: string): string => {
  const alert = `{"rule":{"groups":["fail2ban"]},"data":{"srcip":"1.1.1.1","program_name":"fail2ban.actions"${pid}}}`;
  return String(fail2banHandler("topic", []).record(Alert.parse(Buffer.from(alert)))?.value);
};

test("the process id is passed through as written, and left out if there is none", () => {
  assert.match(text(',"pid":"12"'), /"procId":"12",/);
  assert.match(text(',"pid":12345678901234567890'), /"procId":12345678901234567890,/);
  assert.ok(!text("").includes("procId"));
});

test("the feedback mentions neither event nor time", () => {
  assert.deepEqual(record({})?.feedback, { eventFormat: "syslog5424-json", eventId: null, winTimestamp: null });
});
