import assert from "node:assert/strict";
import { test } from "node:test";
import { Pairing } from "../../../daemon/pairing/pairing.ts";
import type { Shipment } from "../../../daemon/delivery/shipment.ts";
import { EventWatch } from "../../../daemon/delivery/event-watch.ts";
import { PairingWindow } from "../../../daemon/pairing/pairing-window.ts";
import { Relevance } from "../../../daemon/delivery/relevance.ts";
import { fail2banHandler } from "../../../daemon/handlers/fail2ban.ts";
import { windowsHandler } from "../../../daemon/handlers/windows.ts";
import { Delivery } from "../../rig/delivery.ts";
import { MemorySink } from "../../rig/memory-sink.ts";

const none = { "fail2ban-program-name": 0, "fail2ban-group": 0 };
const handlers = [windowsHandler("t", ["4625"]), fail2banHandler("t", ["198.51.100.0/24"])];

interface Ban {
  readonly groups?: readonly string[];
  readonly data?: object;
  readonly predecoder?: object;
}

const program_name = "fail2ban.actions";

function ban({ groups = ["syslog", "fail2ban"], data = {}, predecoder }: Ban): Buffer {
  const alert = { id: "1.1", timestamp: "t", rule: { id: "1", groups }, agent: { id: "7" }, predecoder };
  return Buffer.from(JSON.stringify({ ...alert, data: { srcip: "185.48.175.3", ...data }, full_log: "Ban" }));
}

function leftOutOf(...bans: readonly Buffer[]): object {
  const delivery = new Delivery({ sink: new MemorySink(), handlers }).begin();
  const relevance = new Relevance(handlers.flatMap(({ needles }) => needles));
  // As the tail does it: what the cheap check rejects is never parsed.
  for (const bytes of bans) if (relevance.matches(bytes)) delivery.offer("tail", bytes);
  return delivery.eventWatch.report().leftOut;
}

test("a ban whose program name is in the predecoder alone is counted, after the cheap check", () => {
  assert.deepEqual(leftOutOf(ban({ predecoder: { program_name } }), ban({ predecoder: { program_name } })), {
    ...none,
    "fail2ban-program-name": 2,
  });
});

test("a ban whose group begins with a blank or a line break is counted for that reason", () => {
  for (const name of [" fail2ban", "\n  fail2ban", "fail2ban\t"]) {
    const groups = ["local", name];
    assert.deepEqual(leftOutOf(ban({ groups, data: { program_name } })), { ...none, "fail2ban-group": 1 });
    const both = ban({ groups, predecoder: { program_name } });
    assert.deepEqual(leftOutOf(both), { ...none, "fail2ban-program-name": 1 });
  }
});

test("what is left out on purpose is not counted", () => {
  const own = ban({ data: { srcip: "198.51.100.7", program_name } });
  const address = ban({ data: { srcip: "" }, predecoder: { program_name } });
  const group = ban({ groups: ["myfail2ban"], predecoder: { program_name } });
  const other = ban({ data: { program_name: "fail2ban.filter" }, predecoder: { program_name } });
  assert.deepEqual(leftOutOf(own, address, group, other, ban({ data: { program_name } })), none);
});

test("the copies of one alert from both sources count once as left out; with the socket alone it counts too", () => {
  const bytes = ban({ predecoder: { program_name } });
  for (const socketOnly of [false, true]) {
    const pairing = new Pairing<Shipment>(new PairingWindow(100, 50), { socketOnly });
    const delivery = new Delivery({ sink: new MemorySink(), handlers, pairing }).begin();
    delivery.offer("socket", bytes);
    if (!socketOnly) delivery.offer("tail", bytes);
    assert.equal(delivery.eventWatch.report().leftOut["fail2ban-program-name"], 1);
  }
});

test("the forwarder's own alerts never count as left out", () => {
  const own = { agent: { id: "000" }, location: "dfn", rule: { groups: ["fail2ban"] }, predecoder: { program_name } };
  const delivery = new Delivery({ sink: new MemorySink(), handlers }).begin();
  delivery.offer("tail", Buffer.from(JSON.stringify({ ...own, data: { integration: "dfn", srcip: "1.1.1.1" } })));
  assert.deepEqual(delivery.eventWatch.report().leftOut, none);
});

test("the last-seen time of each event id, and of fail2ban, is that of its last accepted alert", () => {
  const delivery = new Delivery({ sink: new MemorySink(), handlers }).begin();
  const win = { system: { eventID: "4625" }, eventdata: {} };
  delivery.offer("tail", Buffer.from(JSON.stringify({ id: "1.2", agent: { id: "1" }, data: { win } })));
  assert.deepEqual(Object.keys(delivery.eventWatch.report().lastSeen), ["4625"]);
  delivery.offer("tail", ban({ data: { program_name } }));
  const at = "1970-01-01T00:00:00.000Z";
  assert.deepEqual(delivery.eventWatch.report().lastSeen, { "4625": at, fail2ban: at });
});

test("at most 256 kinds of events are remembered, and those are kept up to date", () => {
  let now = 0;
  const watch = new EventWatch(() => now);
  for (let id = 0; id < 1000; id++) watch.shipped([{ handler: String(id), failure: "x" }]);
  now = 1000;
  watch.shipped([{ handler: "0", failure: "x" }]);
  const { lastSeen } = watch.report();
  assert.equal(Object.keys(lastSeen).length, 256);
  assert.equal(lastSeen["0"], "1970-01-01T00:00:01.000Z");
});
