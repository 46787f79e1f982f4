import assert from "node:assert/strict";
import { test } from "node:test";
import { lookupKey } from "../../../daemon/contract.ts";
import { Pairing } from "../../../daemon/pairing/pairing.ts";
import type { Shipment } from "../../../daemon/delivery/shipment.ts";
import { PairingWindow } from "../../../daemon/pairing/pairing-window.ts";
import { eventually } from "../../rig/eventually.ts";
import { alertBytes, Delivery, settle } from "../../rig/delivery.ts";
import { header, idIn, MemorySink } from "../../rig/memory-sink.ts";

const longWaitMs = 3_600_000;

function paired(): Pairing<Shipment> {
  return new Pairing<Shipment>(new PairingWindow(100, 50), { socketOnly: false });
}

function ids(sink: MemorySink): string[] {
  return sink.records.map((record) => idIn(record));
}

test("nothing leaves before the look-up is done; then everything leaves in order", async () => {
  const sink = new MemorySink();
  const delivery = new Delivery({ sink });
  for (let i = 0; i < 20; i++) delivery.offer("tail", alertBytes(`1.${i}`));
  await settle();
  assert.deepEqual(ids(sink), []);
  delivery.begin();
  await settle();
  assert.deepEqual(
    ids(sink),
    Array.from({ length: 20 }, (_, i) => `1.${i}`),
  );
});

test("what the look-up found counts as acknowledged, as often as it was found and no more often", async () => {
  const sink = new MemorySink();
  const delivery = new Delivery({ sink });
  const offers = ["1.1", "1.2", "1.1", "1.1"].map((id) => delivery.offer("tail", alertBytes(id)));
  const shipped = new Map([[lookupKey("m1", "1.1", "wanted", alertBytes("1.1")), 2]]);
  delivery.shipper.begin({ shipped, next: {} });
  await settle();
  assert.deepEqual(ids(sink), ["1.2", "1.1"]);
  assert.deepEqual(
    offers.map(({ outcomes }) => outcomes),
    [["acknowledged"], ["acknowledged"], ["acknowledged"], ["acknowledged"]],
  );
});

test("a look-up is for one node and one handler", async () => {
  const sink = new MemorySink();
  const delivery = new Delivery({ sink });
  const shipped = new Map([
    [lookupKey("m2", "1.1", "wanted", alertBytes("1.1")), 1],
    [lookupKey("m1", "1.1", "other", alertBytes("1.1")), 1],
  ]);
  delivery.shipper.begin({ shipped, next: {} });
  delivery.offer("tail", alertBytes("1.1"));
  await settle();
  assert.deepEqual(ids(sink), ["1.1"]);
});

test("what the look-up found under the same id with different content does not count as the alert", async () => {
  const sink = new MemorySink();
  const delivery = new Delivery({ sink });
  const shipped = new Map([
    [lookupKey("m1", "1.1", "wanted", alertBytes("1.1", { user: "mallory" })), 1],
    [lookupKey("m1", "1.2", "wanted", Buffer.from(` ${alertBytes("1.2", { text: "\u00e4/" }).toString()}`)), 1],
  ]);
  delivery.shipper.begin({ shipped, next: {} });
  delivery.offer("tail", alertBytes("1.1", { user: "alice" }));
  delivery.offer("tail", Buffer.from(alertBytes("1.2", { text: "#/" }).toString().replace("#", "\\u00e4")));
  await settle();
  assert.deepEqual(ids(sink), ["1.1"]);
});

test("once the tail has caught up, what the look-up found no longer counts", async () => {
  const sink = new MemorySink();
  const delivery = new Delivery({ sink });
  delivery.shipper.begin({ shipped: new Map([[lookupKey("m1", "1.1", "wanted", alertBytes("1.1")), 1]]), next: {} });
  delivery.shipper.endLookup();
  delivery.offer("tail", alertBytes("1.1"));
  await settle();
  assert.deepEqual(ids(sink), ["1.1"]);
});

test("an alert that arrives while the gate opens queues up behind those that waited", async () => {
  const sink = new MemorySink();
  const delivery = new Delivery({ sink });
  const bytes = alertBytes("1.1");
  delivery.pipeline.offer({
    source: "socket",
    bytes,
    place: { file: "socket", offset: 0, length: bytes.length },
    owner: { settled: () => void delivery.offer("socket", alertBytes("1.3")) },
  });
  delivery.offer("socket", alertBytes("1.2"));
  delivery.shipper.begin({ shipped: new Map([[lookupKey("m1", "1.1", "wanted", alertBytes("1.1")), 1]]), next: {} });
  await settle();
  assert.deepEqual(ids(sink), ["1.2", "1.3"]);
});

test("the tail's copies wait for the socket's, and leave in order when their time is up", async () => {
  const patient = new MemorySink();
  const waiting = new Delivery({ sink: patient, pairing: paired(), tailWaitMs: longWaitMs }).begin();
  const sink = new MemorySink();
  const delivery = new Delivery({ sink, pairing: paired(), tailWaitMs: 30 }).begin();
  for (let i = 0; i < 5; i++) for (const each of [waiting, delivery]) each.offer("tail", alertBytes(`1.${i}`));
  await settle();
  assert.deepEqual(ids(patient), []);
  waiting.shipper.dispose();
  await eventually("the tail's copies", () => sink.records.length === 5);
  assert.deepEqual(ids(sink), ["1.0", "1.1", "1.2", "1.3", "1.4"]);
});

function withNumber(text: string): Buffer {
  return Buffer.from(alertBytes("1.1", { n: 7 }).toString().replace("7", text));
}

test("the socket's copy releases the oldest waiting one, as the socket's but with the file's bytes", async () => {
  const sink = new MemorySink();
  const delivery = new Delivery({ sink, pairing: paired(), tailWaitMs: longWaitMs }).begin();
  const inFile = delivery.offer("tail", withNumber("9007199254740993"));
  const copy = delivery.offer("socket", withNumber("9.00719925474099e+15"));
  await settle();
  assert.equal(copy.verdict.kind, "taken");
  const [record] = sink.records;
  assert.ok(record !== undefined);
  assert.equal(header(record, "wazuh-dfn-source"), "socket");
  assert.match(record.value?.toString() ?? "", /9007199254740993/);
  assert.deepEqual([inFile.outcomes, copy.outcomes], [["acknowledged"], ["acknowledged"]]);
  const { tail, socket } = delivery.counters;
  assert.deepEqual([tail.read, tail.paired, tail.inFlight], [1, 1, 0]);
  assert.deepEqual([socket.read, socket.acknowledged, socket.inFlight], [1, 1, 0]);
  delivery.shipper.dispose();
});

test("a copy that has to keep its place behind an older one does so, and a stop releases all in order", async () => {
  const sink = new MemorySink();
  const delivery = new Delivery({ sink, pairing: paired(), tailWaitMs: longWaitMs }).begin();
  delivery.offer("tail", alertBytes("1.1"));
  delivery.offer("tail", alertBytes("1.2"));
  const copy = delivery.offer("socket", alertBytes("1.2"));
  await settle();
  assert.equal(copy.verdict.kind, "duplicate");
  assert.deepEqual(ids(sink), []);
  delivery.shipper.releaseAllHeld();
  await settle();
  assert.deepEqual(ids(sink), ["1.1", "1.2"]);
  assert.deepEqual(copy.outcomes, ["acknowledged"]);
});

test("what arrives after a release waits its own time, not for ever", async () => {
  const sink = new MemorySink();
  const delivery = new Delivery({ sink, pairing: paired(), tailWaitMs: 30 }).begin();
  delivery.offer("tail", alertBytes("1.1"));
  delivery.shipper.releaseAllHeld();
  delivery.offer("tail", alertBytes("1.2"));
  await eventually("both", () => sink.records.length === 2);
});

test("without a checkpoint nothing is retained", async () => {
  const delivery = new Delivery({ sink: new MemorySink() }).begin();
  delivery.offer("replay", alertBytes("1.1"));
  await settle();
  assert.equal(delivery.budget.usedBytes, 0);
});

test("idle resolves when all is acknowledged and every dead letter is durable", async () => {
  const sink = new MemorySink();
  sink.isHolding = true;
  const delivery = new Delivery({ sink }).begin();
  delivery.deadLetters.isHolding = true;
  await delivery.shipper.idle();
  delivery.offer("tail", alertBytes("1.1"));
  delivery.offer("tail", Buffer.from("{broken"));
  let isIdle = false;
  const idle = delivery.shipper.idle().then(() => (isIdle = true));
  sink.release();
  await settle();
  assert.equal(isIdle, false);
  delivery.deadLetters.release();
  await idle;
  assert.equal(delivery.counters.tail.inFlight, 0);
});

test("after dispose no outcome is reported, whether the alert was held, gated, in flight or dying", async () => {
  const sink = new MemorySink();
  sink.isHolding = true;
  const held = new Delivery({ sink, pairing: paired(), tailWaitMs: 1 }).begin();
  const gated = new Delivery({ sink: new MemorySink() });
  const underWay = new Delivery({ sink }).begin();
  const refused = new MemorySink();
  refused.refuses = () => true;
  const dying = new Delivery({ sink: refused }).begin();
  dying.deadLetters.isHolding = true;
  const deliveries = [held, gated, underWay, dying];
  const offers = deliveries.map((delivery) => delivery.offer("tail", alertBytes("1.1")));
  await settle();
  for (const delivery of deliveries) {
    delivery.shipper.dispose();
    delivery.shipper.dispose();
  }
  sink.release();
  dying.deadLetters.release();
  await settle();
  for (const { outcomes } of offers) assert.deepEqual(outcomes, []);
  for (const { counters } of deliveries) assert.equal(counters.tail.inFlight, 1);
});

test("Wazuh gets feedback about a record once it is acknowledged, and about a warning", async () => {
  const sent: unknown[] = [];
  const feedback = {
    acknowledged: (event: () => unknown) => sent.push(event()),
    error: (event: unknown) => sent.push(event),
  };
  const sink = new MemorySink();
  sink.isHolding = true;
  const handler = {
    name: "speaking",
    topics: ["alerts"],
    needles: [],
    record: () => ({
      topic: "alerts",
      value: Buffer.from("x"),
      feedback: { eventFormat: "windows-xml", eventId: "4625", winTimestamp: null },
      warning: "odd",
    }),
  };
  const delivery = new Delivery({ sink, feedback, handlers: [handler] }).begin();
  delivery.offer("tail", alertBytes("1.1", { timestamp: "t", agent: { id: "001", name: "a", ip: "192.0.2.1" } }));
  await settle();
  assert.deepEqual(sent, []);
  sink.release();
  await settle();
  const expected = {
    alertId: "1.1",
    agentId: "001",
    agentName: "a",
    agentIp: "192.0.2.1",
    timestamp: "t",
    eventFormat: "windows-xml",
    eventId: "4625",
    winTimestamp: null,
  };
  assert.deepEqual(sent, [expected, { code: 503, description: "odd" }]);
});
