/** What is kept of an alert once its records are encoded, and what a dead letter still has of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FeedbackSink, Handler } from "../../../daemon/contract.ts";
import type { Shipment } from "../../../daemon/delivery/shipment.ts";
import { alertBytes, Delivery, settle, wantedHandler } from "../../rig/delivery.ts";
import { header, idIn, MemorySink } from "../../rig/memory-sink.ts";
import { present } from "../../rig/present.ts";

/** Makes another value of each alert. */
const made: Handler = {
  name: "made",
  topics: ["made"],
  needles: [{ kind: "all" }],
  record: ({ id }) => ({ topic: "made", value: Buffer.from(`made of ${id}`) }),
};

function offer(delivery: Delivery, bytes: Buffer, offset = 0): Shipment {
  const place = { file: "/log", offset, length: bytes.length };
  const owner = { settled: () => undefined };
  const verdict = delivery.pipeline.offer({ source: "tail", bytes, place, owner });
  return verdict.kind === "taken" ? verdict.shipment : assert.fail(verdict.kind);
}

function isRefused(id: string): boolean {
  return Number(id.slice(2)) % 3 === 0;
}

for (const handlers of [[wantedHandler], [made], [wantedHandler, made]]) {
  const names = handlers.map(({ name }) => name).join(" and ");
  test(`a refused record's dead letter has the alert as it came, and where it was (${names})`, async () => {
    const sink = new MemorySink({ partitions: { alerts: 1, made: 1 } });
    sink.refuses = (record) => isRefused(idIn(record));
    const delivery = new Delivery({ sink, handlers }).begin();
    const lines = Array.from({ length: 20 }, (_, at) => alertBytes(`1.${at}`, { text: "x".repeat(at * 100) }));
    for (const [at, line] of lines.entries()) offer(delivery, Buffer.from(line), at * 10_000);
    await settle();
    const expected = lines.flatMap((line, at) => {
      const place = { file: "/log", offset: at * 10_000, length: line.length };
      return isRefused(`1.${at}`) ? handlers.map(({ name }) => ({ name, place, text: line.toString() })) : [];
    });
    const entries = delivery.deadLetters.entries.map(({ handler, place, bytes }) => ({
      name: handler,
      place,
      text: bytes.toString(),
    }));
    const byPlace = entries.toSorted((one, other) => one.place.offset - other.place.offset);
    assert.deepEqual(byPlace, expected);
    assert.equal(delivery.counters.tail.deadLettered, 7);
    assert.equal(delivery.counters.tail.acknowledged, 13);
    assert.equal(delivery.budget.usedBytes, 0);
    const stored = sink.records.map((record) => [header(record, "wazuh-dfn-handler"), idIn(record)]);
    assert.equal(stored.length, 13 * handlers.length);
  });
}

test("a dead letter that waits for the disk holds its own bytes and not its whole batch", async () => {
  const sink = new MemorySink();
  sink.refuses = (record) => idIn(record) === "1.7";
  const delivery = new Delivery({ sink }).begin();
  for (let at = 0; at < 10; at++) offer(delivery, alertBytes(`1.${at}`, { text: "x".repeat(20_000) }));
  await settle();
  const [letter] = delivery.deadLetters.entries;
  assert.equal(letter?.bytes.buffer.byteLength, letter?.bytes.length);
});

test("the dead letter of a very large alert is not copied, and nothing overwrites it", async () => {
  const sink = new MemorySink();
  const large = alertBytes("1.1", { text: "x".repeat(3_000_000) });
  sink.refuses = (record) => idIn(record) === "1.1";
  const delivery = new Delivery({ sink }).begin();
  offer(delivery, Buffer.from(large));
  await settle();
  for (let at = 2; at < 300; at++) offer(delivery, alertBytes(`1.${at}`, { text: "y".repeat(20_000) }));
  await settle();
  const letter = present(delivery.deadLetters.entries[0]);
  assert.ok(letter.bytes.equals(large));
  const batchBytes = letter.bytes.buffer.byteLength;
  assert.ok(letter.bytes.length < batchBytes && batchBytes < letter.bytes.length + 1000, "it is a piece of its batch");
  assert.equal(sink.records.length, 298);
});

test("an alert that is its own record is held by the batch alone; of another, the value is", () => {
  const sink = new MemorySink({ partitions: { alerts: 1, made: 1 } });
  sink.isHolding = true;
  const whole = offer(new Delivery({ sink }).begin(), alertBytes("1.1"));
  assert.equal(whole.payload, undefined);
  const { payload } = offer(new Delivery({ sink, handlers: [wantedHandler, made] }).begin(), alertBytes("1.2"));
  assert.deepEqual(
    payload?.parts.map((part) => "value" in part && part.value),
    [undefined, undefined],
  );
  assert.equal(payload?.alert.id, "1.2");
});

test("an alert whose topic is not known yet is kept until it is", () => {
  const sink = new MemorySink({ partitions: {} });
  sink.isHolding = true;
  const shipment = offer(new Delivery({ sink }).begin(), alertBytes("1.1"));
  assert.equal(shipment.payload?.alert.id, "1.1");
  sink.learn("alerts", 1);
  assert.equal(shipment.payload, undefined);
});

test("an alert that Wazuh will hear of is kept until then", async () => {
  const sink = new MemorySink();
  sink.isHolding = true;
  const sent: (string | undefined)[] = [];
  const feedback: FeedbackSink = { acknowledged: (event) => sent.push(event().agentId), error: () => undefined };
  const reported: Handler = {
    ...wantedHandler,
    record: ({ bytes }) => ({
      topic: "alerts",
      value: bytes,
      feedback: { eventFormat: "xml", eventId: "1", winTimestamp: null },
    }),
  };
  offer(new Delivery({ sink, handlers: [reported], feedback }).begin(), alertBytes("1.1"));
  sink.release();
  await settle();
  assert.deepEqual(sent, ["001"]);
});
