import assert from "node:assert/strict";
import { test } from "node:test";
import { headersOf, type Handler } from "../../../daemon/contract.ts";
import { Pairing } from "../../../daemon/pairing/pairing.ts";
import type { Shipment } from "../../../daemon/delivery/shipment.ts";
import { fingerprintOf } from "../../../daemon/pairing/fingerprint.ts";
import { PairingWindow } from "../../../daemon/pairing/pairing-window.ts";
import { alertBytes, Delivery, settle, wantedHandler } from "../../rig/delivery.ts";
import { header, MemorySink } from "../../rig/memory-sink.ts";

const second: Handler = { ...wantedHandler, name: "second" };
const throwing: Handler = {
  ...wantedHandler,
  name: "throwing",
  record() {
    throw new TypeError("cannot read this");
  },
};

function paired(socketOnly = false): Pairing<Shipment> {
  return new Pairing<Shipment>(new PairingWindow(100, 50), { socketOnly });
}

test("a record carries the agent as key, and id, node, source and handler as headers", async () => {
  const sink = new MemorySink();
  const delivery = new Delivery({ sink }).begin();
  const bytes = alertBytes("1.1", { cluster: { node: "worker-1" }, agent: { id: "017" } });
  const { outcomes } = delivery.offer("tail", bytes);
  await settle();
  const [record] = sink.records;
  assert.ok(record !== undefined);
  assert.equal(record.key?.toString(), "017");
  assert.deepEqual(record.value, bytes);
  assert.deepEqual(
    headersOf(record).map(([name, value]) => [name, value.toString()]),
    [
      ["wazuh-alert-id", "1.1"],
      ["wazuh-node", "worker-1"],
      ["wazuh-dfn-source", "file"],
      ["wazuh-dfn-handler", "wanted"],
    ],
  );
  assert.deepEqual(outcomes, ["acknowledged"]);
});

test("an alert that no handler wants is ignored and takes no memory", () => {
  const delivery = new Delivery({ sink: new MemorySink() }).begin();
  const { verdict, outcomes } = delivery.offer("tail", alertBytes("1.1", { wanted: false }));
  assert.deepEqual(verdict, { kind: "ignored", id: "1.1" });
  assert.deepEqual(outcomes, []);
  assert.equal(delivery.budget.usedBytes, 0);
  assert.equal(delivery.counters.tail.ignored, 1);
});

test("an alert that the forwarder's own feedback raised is ignored, whatever the handlers say", () => {
  const delivery = new Delivery({ sink: new MemorySink() }).begin();
  const own = { agent: { id: "000" }, data: { integration: "dfn" }, location: "dfn" };
  assert.equal(delivery.offer("tail", alertBytes("1.1", own)).verdict.kind, "ignored");
  // A log that claims to be ours is somebody else's alert, and is sent.
  const foreign = { ...own, location: "/var/log/app.json" };
  assert.equal(delivery.offer("tail", alertBytes("1.2", foreign)).verdict.kind, "taken");
});

test("a line of the log without an id is shipped under one made from its bytes, the same each time", async () => {
  const sink = new MemorySink();
  const delivery = new Delivery({ sink }).begin();
  delivery.offer("tail", Buffer.from('{"wanted":true}'));
  delivery.offer("tail", Buffer.from('{"wanted":true}'));
  delivery.offer("tail", Buffer.from('{"wanted":true }'));
  await settle();
  const [first, again, other] = sink.records.map((record) => header(record, "wazuh-alert-id"));
  assert.match(first ?? "", /^sha256:[0-9a-f]{16}$/);
  assert.equal(first, again);
  assert.notEqual(first, other);
});

test("a line that is not JSON becomes a dead letter, and has its outcome when that is durable", async () => {
  const delivery = new Delivery({ sink: new MemorySink() }).begin();
  delivery.deadLetters.isHolding = true;
  const { verdict, outcomes } = delivery.offer("tail", Buffer.from('{"id":"1.1", oops'));
  await settle();
  assert.equal(verdict.kind, "rejected");
  assert.deepEqual(outcomes, []);
  assert.ok(delivery.budget.usedBytes > 0);
  assert.equal(delivery.counters.tail.inFlight, 1);
  delivery.deadLetters.release();
  await settle();
  assert.deepEqual(outcomes, ["dead-letter"]);
  assert.equal(delivery.budget.usedBytes, 0);
  assert.deepEqual(delivery.deadLetters.reasons, ["not-json"]);
  assert.equal(delivery.counters.tail.deadLettered, 1);
});

test("a delivery for one handler consults that handler alone", async () => {
  const sink = new MemorySink();
  const delivery = new Delivery({ sink, handlers: [wantedHandler, second] }).begin();
  const bytes = alertBytes("1.1");
  const place = { file: "dead letter", offset: 0, length: bytes.length };
  delivery.pipeline.offer({ source: "replay", bytes, place, handler: "second", owner: { settled: () => undefined } });
  await settle();
  assert.deepEqual(
    sink.records.map((record) => header(record, "wazuh-dfn-handler")),
    ["second"],
  );
});

test("the socket's lines without an id are rejected with the reason", async () => {
  const delivery = new Delivery({ sink: new MemorySink(), pairing: paired() }).begin();
  const { verdict } = delivery.offer("socket", Buffer.from('{"wanted":true}'));
  await settle();
  assert.ok(verdict.kind === "rejected");
  assert.match(verdict.reason, /no id/);
});

test("if a handler throws, its part becomes a dead letter, and the other handlers' records are sent", async () => {
  const sink = new MemorySink();
  const delivery = new Delivery({ sink, handlers: [throwing, wantedHandler, second] }).begin();
  const { outcomes } = delivery.offer("tail", alertBytes("1.1"));
  await settle();
  assert.deepEqual(
    sink.records.map((record) => header(record, "wazuh-dfn-handler")),
    ["wanted", "second"],
  );
  assert.deepEqual(outcomes, ["dead-letter"]);
  const [letter] = delivery.deadLetters.entries;
  assert.equal(letter?.handler, "throwing");
  assert.equal(letter?.reason, "handler-error");
  assert.match(letter?.detail ?? "", /cannot read this/);
});

test("an alert with several records has its outcome when the last of them is done", async () => {
  const sink = new MemorySink({ maxInFlight: 1 });
  sink.isHolding = true;
  sink.refuses = (record) => header(record, "wazuh-dfn-handler") === "second";
  const delivery = new Delivery({ sink, handlers: [wantedHandler, second], batches: { maxRecords: 1 } }).begin();
  delivery.deadLetters.isHolding = true;
  const { outcomes } = delivery.offer("tail", alertBytes("1.1"));
  sink.release();
  await settle();
  sink.release();
  await settle();
  assert.deepEqual(outcomes, []);
  delivery.deadLetters.release();
  await settle();
  assert.deepEqual(outcomes, ["dead-letter"]);
  assert.deepEqual(delivery.deadLetters.reasons, ["record-too-large"]);
  assert.equal(delivery.budget.usedBytes, 0);
});

test("an over-long line becomes a dead letter that says how long it was", async () => {
  const delivery = new Delivery({ sink: new MemorySink() }).begin();
  let outcome = "";
  const owner = { settled: (what: string) => void (outcome += what) };
  const place = { file: "alerts.json", offset: 500, length: 20_000_000 };
  delivery.pipeline.damaged("tail", "over-long", place, Buffer.from("head"), owner);
  await settle();
  const [letter] = delivery.deadLetters.entries;
  assert.deepEqual([outcome, letter?.reason, letter?.bytes.toString()], ["dead-letter", "over-long", "head"]);
  assert.equal(letter?.place, place);
  assert.match(letter.detail, /20000000 bytes/);
});

test("the socket's copy is left to the tail when the budget is used up, or when integratord may have rounded a number", () => {
  const sink = new MemorySink();
  sink.isHolding = true;
  const delivery = new Delivery({ sink, pairing: paired(), limitBytes: 6000 }).begin();
  const left = delivery.offer("socket", alertBytes("1.1"));
  assert.equal(left.verdict.kind, "taken");
  const exponent = Buffer.from(alertBytes("1.2").toString().replace("{", '{"n":9.00719925474099e+15,'));
  assert.deepEqual(delivery.offer("socket", exponent).verdict, {
    kind: "deferred",
    id: "1.2",
    reason: "number that integratord rounds",
    alreadySeen: false,
  });
  assert.equal(delivery.offer("tail", exponent).verdict.kind, "taken");
  delivery.offer("tail", alertBytes("1.3"));
  const busy = delivery.offer("socket", alertBytes("1.4")).verdict;
  assert.ok(busy.kind === "deferred");
  assert.equal(busy.reason, "busy");
  assert.equal(delivery.counters.socket.paired, 2);
});

test("the second copy has the first one's outcome, even if that is a dead letter", async () => {
  const sink = new MemorySink();
  sink.isHolding = true;
  sink.refuses = () => true;
  const delivery = new Delivery({ sink, pairing: paired() }).begin();
  const first = delivery.offer("socket", alertBytes("1.1"));
  const copy = delivery.offer("tail", alertBytes("1.1"));
  assert.deepEqual([first.verdict.kind, copy.verdict.kind], ["taken", "duplicate"]);
  assert.deepEqual(copy.outcomes, []);
  sink.release();
  await settle();
  assert.deepEqual([first.outcomes, copy.outcomes], [["dead-letter"], ["dead-letter"]]);
  const { tail, socket } = delivery.counters;
  assert.deepEqual([tail.paired, tail.deadLettered, socket.deadLettered], [1, 0, 1]);
});

test("copies of alerts that share an id but not the content are not taken for each other", () => {
  const delivery = new Delivery({ sink: new MemorySink(), pairing: paired() }).begin();
  const kinds = [
    delivery.offer("socket", alertBytes("1.1", { timestamp: "a" })),
    delivery.offer("tail", alertBytes("1.1", { timestamp: "b" })),
    delivery.offer("tail", alertBytes("1.1", { timestamp: "a", agent: { id: "002" } })),
    delivery.offer("tail", alertBytes("1.1", { timestamp: "a", manager: { name: "m2" } })),
    delivery.offer("tail", alertBytes("1.1", { timestamp: "a", rule: { id: "5" } })),
    delivery.offer("tail", alertBytes("1.1", { timestamp: "a" })),
  ].map(({ verdict }) => verdict.kind);
  assert.deepEqual(kinds, ["taken", "taken", "taken", "taken", "taken", "duplicate"]);
});

/** Timestamp with its comma, agent and rule as JSON text. */
function named(timestamp: string, agent: string, rule: string): Buffer {
  return Buffer.from(
    `{"id":"1.1","manager":{"name":"m1"},"wanted":true,${timestamp}"agent":{${agent}},"rule":{${rule}}}`,
  );
}

test("the window knows an alert by the texts that name it, in whatever form they are written", () => {
  const cases: readonly (readonly [Buffer, readonly [string, string, string]])[] = [
    [
      named('"timestamp":"2026-11-21T03:00:00.123+0100",', '"id":"001"', '"id":"5710"'),
      ["2026-11-21T03:00:00.123+0100", "001", "5710"],
    ],
    [named('"timestamp":"\\u0061\\n",', '"id":"J\u00fcrgen"', '"id":5710'), ["a\n", "J\u00fcrgen", "5710"]],
    [named('"timestamp":"",', '"id":null', '"level":3'), ["", "", ""]],
    [named('"timestamp":"a\\"b",', '"id":"1","id":"2"', '"id":["5710"]'), ['a"b', "2", ""]],
    [named("", '"id":"\u{1f600}"', '"id":"a\\\\"'), ["", "\u{1f600}", "a\\"]],
  ];
  for (const [bytes, names] of cases) {
    const pairing = paired();
    const delivery = new Delivery({ sink: new MemorySink(), pairing }).begin();
    assert.equal(delivery.offer("tail", bytes).verdict.kind, "taken");
    assert.ok(pairing.knows(fingerprintOf(["m1", "1.1", ...names, ""], 0)), bytes.toString());
  }
});

test("an alert known from a saved window that no handler wants any more is ignored, not open for ever", async () => {
  const pairing = paired();
  new Delivery({ sink: new MemorySink(), pairing }).begin().offer("tail", alertBytes("1.1"));
  await settle();
  const later = paired();
  later.restore(pairing.save(), 1);
  const delivery = new Delivery({ sink: new MemorySink(), pairing: later, handlers: [] }).begin();
  assert.equal(delivery.offer("tail", alertBytes("1.1")).verdict.kind, "ignored");
  assert.equal(delivery.counters.tail.ignored, 1);
  assert.equal(delivery.budget.usedBytes, 0);
});

test("with the tail off, an alert that a client sends again is shipped once and answered like the first", async () => {
  const sink = new MemorySink();
  sink.isHolding = true;
  const delivery = new Delivery({ sink, pairing: paired(true) }).begin();
  const first = delivery.offer("socket", alertBytes("1.1"));
  const again = delivery.offer("socket", alertBytes("1.1"));
  const other = delivery.offer("socket", alertBytes("1.1", { data: 1 }));
  assert.deepEqual(
    [first, again, other].map(({ verdict }) => verdict.kind),
    ["taken", "duplicate", "taken"],
  );
  assert.deepEqual(again.outcomes, []);
  sink.release();
  await settle();
  assert.deepEqual(again.outcomes, ["acknowledged"]);
  assert.deepEqual(delivery.offer("socket", alertBytes("1.1")).outcomes, ["acknowledged"]);
  assert.equal(sink.records.length, 2);
});
