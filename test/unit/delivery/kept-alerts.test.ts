/** What is kept of alerts in progress, and of finished ones that a look-up may still have to find. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Pairing } from "../../../daemon/pairing/pairing.ts";
import { type Shipment, aheadBytes, waiterBytes } from "../../../daemon/delivery/shipment.ts";
import { PairingWindow } from "../../../daemon/pairing/pairing-window.ts";
import { SinkOffsets } from "../../../daemon/delivery/sink-offsets.ts";
import { alertBytes, Delivery, settle } from "../../rig/delivery.ts";
import { idIn, MemorySink } from "../../rig/memory-sink.ts";

function paired(): Pairing<Shipment> {
  return new Pairing<Shipment>(new PairingWindow(100, 50), { socketOnly: false });
}

test("a finished alert from the socket weighs a little until the tail has brought it, and one from the tail nothing", async () => {
  const sink = new MemorySink();
  sink.isHolding = true;
  const delivery = new Delivery({ sink, pairing: paired(), offsets: new SinkOffsets() }).begin();
  delivery.offer("tail", alertBytes("1.1"));
  for (const id of ["1.2", "1.3"]) delivery.offer("socket", alertBytes(id));
  sink.release();
  await settle();
  assert.equal(delivery.budget.usedBytes, 2 * aheadBytes);
  delivery.offer("tail", alertBytes("1.3"));
  assert.equal(delivery.budget.usedBytes, aheadBytes);
  delivery.offer("tail", alertBytes("1.2"));
  assert.equal(delivery.budget.usedBytes, 0);
});

test("what the socket ships ahead of the tail takes at most a quarter of the budget, and leaves the tail its share", async () => {
  const limitBytes = 64 * 1024;
  const sink = new MemorySink();
  const delivery = new Delivery({ sink, pairing: paired(), offsets: new SinkOffsets(), limitBytes }).begin();
  const kinds = new Map<string, number>();
  for (let i = 0; i < 40; i++) {
    const { verdict } = delivery.offer("socket", alertBytes(`1.${i}`));
    const kind = verdict.kind === "deferred" ? `${verdict.kind}: ${verdict.reason}` : verdict.kind;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    await settle();
  }
  assert.deepEqual(
    [...kinds],
    [
      ["taken", 16],
      ["deferred: the tail is far behind", 24],
    ],
  );
  assert.equal(delivery.budget.usedBytes, 16 * aheadBytes);
  assert.equal(delivery.budget.room(0.01), undefined, "the tail would wait for ever");
  for (let i = 0; i < 40; i++) delivery.offer("tail", alertBytes(`1.${i}`));
  await settle();
  assert.equal(delivery.budget.usedBytes, 0);
  assert.equal(sink.records.length, 40);
});

test("each copy that waits for another one's outcome has a weight, with the tail off too", async () => {
  const sink = new MemorySink();
  sink.isHolding = true;
  for (const socketOnly of [false, true]) {
    const pairing = new Pairing<Shipment>(new PairingWindow(100, 50), { socketOnly });
    const delivery = new Delivery({ sink, pairing, offsets: socketOnly ? undefined : new SinkOffsets() }).begin();
    delivery.offer("socket", alertBytes("1.1"));
    const before = delivery.budget.usedBytes;
    for (let copies = 1; copies <= (socketOnly ? 5 : 1); copies++) {
      delivery.offer(socketOnly ? "socket" : "tail", alertBytes("1.1"));
      assert.equal(delivery.budget.usedBytes, before + copies * waiterBytes);
    }
    sink.release();
    await settle();
    assert.equal(delivery.budget.usedBytes, 0);
  }
});

test("the look-up's start moves on past a socket copy that the tail never brings, and past a contradicted one", async () => {
  let nowMs = 0;
  const sink = new MemorySink();
  const offsets = new SinkOffsets();
  const delivery = new Delivery({ sink, pairing: paired(), offsets, now: () => nowMs }).begin();
  delivery.offer("socket", alertBytes("1.1"));
  await settle();
  delivery.offer("socket", alertBytes("1.2", { user: "mallory" }));
  delivery.offer("tail", alertBytes("1.2"));
  await settle();
  assert.deepEqual(Object.values(offsets.low(0)), [0]);
  // An end that was reached before the copy came, or right after, proves nothing yet.
  delivery.shipper.reachedEnd();
  nowMs = 61_000;
  delivery.shipper.reachedEnd();
  // The line's own record, after both copies, is the first that the position has yet to pass.
  assert.deepEqual(Object.values(offsets.low(0)), [2]);
  assert.equal(delivery.budget.usedBytes, 0);
  // Its line arrives after all: it is still the same alert.
  delivery.offer("tail", alertBytes("1.1"));
  await settle();
  assert.equal(sink.records.filter((record) => idIn(record) === "1.1").length, 1);
});

test("a socket copy holds back the look-up's start while the tail has not reached the end of the log", async () => {
  let nowMs = 0;
  const sink = new MemorySink();
  const offsets = new SinkOffsets();
  const delivery = new Delivery({ sink, pairing: paired(), offsets, now: () => nowMs }).begin();
  delivery.offer("socket", alertBytes("1.1"));
  await settle();
  nowMs = 3_600_000;
  assert.deepEqual(Object.values(offsets.low(0)), [0]);
  delivery.shipper.reachedEnd();
  assert.deepEqual(Object.values(offsets.low(0)), [0]);
});

test("a socket copy holds back the look-up's start for a minute at the end of the log, since its line may be on its way", async () => {
  let nowMs = 0;
  const offsets = new SinkOffsets();
  const delivery = new Delivery({ sink: new MemorySink(), pairing: paired(), offsets, now: () => nowMs }).begin();
  delivery.offer("socket", alertBytes("1.1"));
  await settle();
  for (nowMs = 0; nowMs < 60_000; nowMs += 100) delivery.shipper.reachedEnd();
  assert.deepEqual(Object.values(offsets.low(0)), [0]);
  delivery.shipper.reachedEnd();
  assert.deepEqual(Object.values(offsets.low(0)), [1]);
});

for (const isUnderWay of [true, false]) {
  const when = isUnderWay ? "before" : "after";
  test(`a socket copy that the line contradicts ${when} its outcome no longer holds back the look-up's start`, async () => {
    const sink = new MemorySink();
    sink.isHolding = isUnderWay;
    const offsets = new SinkOffsets();
    const delivery = new Delivery({ sink, pairing: paired(), offsets }).begin();
    delivery.offer("socket", alertBytes("1.1", { user: "mallory" }));
    await settle();
    delivery.offer("tail", alertBytes("1.1"));
    sink.release();
    await settle();
    assert.equal(sink.records.length, 2);
    assert.deepEqual(Object.values(offsets.low(0)), [1]);
    assert.equal(delivery.budget.usedBytes, 0);
  });
}
