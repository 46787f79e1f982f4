import assert from "node:assert/strict";
import { test } from "node:test";
import { Pairing } from "../../../daemon/pairing/pairing.ts";
import type { Shipment } from "../../../daemon/delivery/shipment.ts";
import { PairingWindow } from "../../../daemon/pairing/pairing-window.ts";
import { backlogShare } from "../../../daemon/forwarder/tail-intake.ts";
import { alertBytes, Delivery, settle } from "../../rig/delivery.ts";
import { MemorySink } from "../../rig/memory-sink.ts";

test("lines that are not alerts neither fill the memory through the socket nor stop the tail, even if no dead letter can be stored", async () => {
  const sink = new MemorySink();
  const pairing = new Pairing<Shipment>(new PairingWindow(100, 50), { socketOnly: false });
  const delivery = new Delivery({ sink, pairing, limitBytes: 400_000 }).begin();
  delivery.deadLetters.isHolding = true;
  for (let i = 0; i < 10_000; i++) assert.equal(delivery.offer("socket", Buffer.from("x")).verdict.kind, "rejected");
  assert.ok(delivery.deadLetters.entries.length > 0);
  assert.ok(delivery.budget.hasRoom(backlogShare), `${delivery.budget.usedBytes} bytes`);
  const { read, ignored, inFlight } = delivery.counters.socket;
  assert.deepEqual([read, ignored + inFlight], [10_000, 10_000]);
  delivery.deadLetters.release();
  await settle();
  assert.equal(delivery.budget.usedBytes, 0);
  assert.equal(delivery.offer("socket", Buffer.from("x")).verdict.kind, "rejected");
  assert.equal(delivery.counters.socket.ignored, ignored);
});

test("an over-long line that cannot be stored yet does not stop the tail", async () => {
  const sink = new MemorySink();
  const delivery = new Delivery({ sink, limitBytes: 400_000 }).begin();
  delivery.deadLetters.isHolding = true;
  const place = { file: "alerts.json", offset: 0, length: 250_001 };
  const outcomes: string[] = [];
  const owner = { settled: (outcome: string): void => void outcomes.push(outcome) };
  delivery.pipeline.damaged("tail", "over-long", place, Buffer.alloc(250_000, "x"), owner);
  assert.equal(delivery.budget.hasRoom(backlogShare), true);
  delivery.offer("tail", alertBytes("1.1"));
  await settle();
  assert.equal(sink.records.length, 1);
  assert.deepEqual(outcomes, []);
  delivery.deadLetters.release();
  await settle();
  assert.deepEqual(outcomes, ["dead-letter"]);
  assert.equal(delivery.budget.hasRoom(0.01), true);
});
