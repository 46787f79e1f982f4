import assert from "node:assert/strict";
import { test } from "node:test";
import type { Handler } from "../../../daemon/contract.ts";
import { Tap, type TappedAlert } from "../../../daemon/delivery/tap.ts";
import { alertBytes, Delivery, settle, wantedHandler, type DeliveryOptions } from "../../rig/delivery.ts";
import { header, MemorySink } from "../../rig/memory-sink.ts";

// The tail's bytes are overwritten as soon as they were offered (`Delivery` of the rig does it): what goes on must be a copy.

const alert = alertBytes("1.1", { text: "t".repeat(3000) });

/** The record's value is a piece of the line. */
const piece: Handler = {
  ...wantedHandler,
  name: "piece",
  record: ({ bytes }) => ({ topic: "alerts", value: bytes.subarray(0, 9) }),
};
const throwing: Handler = {
  ...wantedHandler,
  name: "throwing",
  record() {
    throw new TypeError("cannot read this");
  },
};

async function sent(options: Partial<DeliveryOptions>, letGo: (delivery: Delivery, sink: MemorySink) => void) {
  const sink = options.sink ?? new MemorySink();
  const delivery = new Delivery({ ...options, sink });
  delivery.offer("tail", alert);
  letGo(delivery, sink);
  await settle();
  return sink.records.map((record) => [header(record, "wazuh-dfn-handler"), record.value?.toString()]);
}

const whole = ["wanted", alert.toString()];

test("an alert that leaves at once is as it was", async () => {
  const sink = new MemorySink();
  const delivery = new Delivery({ sink }).begin();
  delivery.offer("tail", alert);
  await settle();
  assert.deepEqual(sink.records[0]?.value, alert);
});

test("one that waits for the look-up after a crash is as it was", async () => {
  assert.deepEqual(await sent({}, (delivery) => delivery.begin()), [whole]);
});

test("one whose topic is not known yet is as it was, and so are those behind it", async () => {
  const sink = new MemorySink({ partitions: {} });
  const records = await sent({ sink }, (delivery) => {
    delivery.begin();
    delivery.offer("tail", alert);
    sink.learn("alerts", 1);
  });
  assert.deepEqual(records, [whole, whole]);
});

test("one that waits for the socket's copy is as it was", async () => {
  const records = await sent({ tailWaitMs: 600_000 }, (delivery) => delivery.begin().shipper.releaseAllHeld());
  assert.deepEqual(records, [whole]);
});

test("each record of several is as it was, and so is one that is a piece of the line", async () => {
  const handlers = [wantedHandler, piece];
  const records = await sent({ handlers }, (delivery) => {
    delivery.begin();
    delivery.offer("tail", alert);
  });
  assert.deepEqual(records, [whole, ["piece", '{"id":"1.'], whole, ["piece", '{"id":"1.']]);
  const single = await sent({ handlers: [piece] }, (delivery) => {
    delivery.begin();
    delivery.offer("tail", alert);
  });
  assert.deepEqual(single, [records[1], records[1]]);
});

test("a dead letter has the line: of a handler that failed, of a record that was refused, of a line that is not an alert", async () => {
  const sink = new MemorySink();
  sink.refuses = () => true;
  const delivery = new Delivery({ sink, handlers: [wantedHandler, throwing] }).begin();
  delivery.offer("tail", alert);
  const single = new Delivery({ sink }).begin();
  single.offer("tail", alert);
  const broken = Buffer.from(`{"id":"1.2",${"b".repeat(3000)}`);
  single.offer("tail", broken);
  await settle();
  const entries = [...delivery.deadLetters.entries, ...single.deadLetters.entries];
  assert.deepEqual(entries.map(({ reason, bytes }) => `${reason} ${bytes.toString()}`).toSorted(), [
    `handler-error ${alert.toString()}`,
    `not-json ${broken.toString()}`,
    `record-too-large ${alert.toString()}`,
    `record-too-large ${alert.toString()}`,
  ]);
});

test("who looks on sees the alert, also when it has its outcome", async () => {
  const tap = new Tap();
  const seen: TappedAlert[] = [];
  const ended = new AbortController();
  const taken = (one: TappedAlert): void => void seen.push(one);
  tap.listen({ filter: { fields: [] }, taken, sampled: () => undefined }, ended.signal);
  const delivery = new Delivery({ sink: new MemorySink(), tap }).begin();
  delivery.offer("tail", alertBytes("1.1", { location: "as it was" }));
  delivery.offer("tail", alertBytes("1.2", { location: "and this", wanted: false }));
  await settle();
  ended.abort();
  const texts = seen.map((one) => JSON.stringify(one));
  assert.equal(texts.filter((text) => text.includes("as it was")).length, 1);
  assert.equal(texts.filter((text) => text.includes("and this")).length, 1);
});
