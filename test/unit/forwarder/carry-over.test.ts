import assert from "node:assert/strict";
import { test } from "node:test";
import { carryOver, createCounters } from "../../../daemon/forwarder/counters.ts";
import type { Counts } from "../../../daemon/telemetry/counters.ts";

function assertBalanced({ read, ignored, paired, inFlight, acknowledged, deadLettered }: Counts): void {
  assert.equal(read, ignored + paired + inFlight + acknowledged + deadLettered);
}

test("alerts that a reload releases are not counted twice when they are read again", () => {
  const { tail, ...others } = createCounters();
  for (let i = 0; i < 5; i++) tail.taken();
  tail.settled("acknowledged");
  carryOver({ tail, ...others }, 0);
  assert.deepEqual([tail.inFlight, tail.carriedOver], [4, 4]);
  for (let i = 0; i < 6; i++) {
    tail.taken();
    assertBalanced(tail.snapshot());
    tail.settled("acknowledged");
    assertBalanced(tail.snapshot());
  }
  assert.deepEqual(
    { ...tail.snapshot() },
    { read: 7, ignored: 0, paired: 0, inFlight: 0, acknowledged: 7, deadLettered: 0 },
  );
});

test("what the socket brought belongs to the tail from then on; without a tail its client sends it again", () => {
  const counters = createCounters();
  counters.socket.taken();
  carryOver(counters, 0);
  assert.deepEqual([counters.socket.inFlight, counters.socket.paired], [0, 1]);
  counters.socket.taken();
  carryOver(counters, undefined);
  assert.deepEqual([counters.socket.inFlight, counters.socket.read], [0, 1]);
  assertBalanced(counters.socket.snapshot());
  counters.socket.taken();
  counters.socket.settled("acknowledged");
  assert.deepEqual([counters.socket.read, counters.socket.acknowledged], [2, 1]);
  assertBalanced(counters.socket.snapshot());
});

/** Three alerts in flight, with ignored ones between: `w..i.wiw`, read again from the first one on. */
function reloaded() {
  const { tail, ...others } = createCounters();
  for (let i = 0; i < 3; i++) tail.taken();
  tail.passedBy(7);
  carryOver({ tail, ...others }, 4);
  const before = { ...tail.snapshot() };
  return { tail, before };
}

test("ignored alerts that are read again after one in progress are not counted again", () => {
  const { tail, before } = reloaded();
  assert.equal(tail.inFlight, 3);
  for (const lines of [3, 1]) {
    tail.taken();
    tail.passedBy(lines);
  }
  tail.taken();
  assert.deepEqual({ ...tail.snapshot() }, before);
  tail.passedBy(2);
  tail.taken();
  assert.deepEqual({ ...tail.snapshot() }, { ...before, read: 13, ignored: 9, inFlight: 4 });
  assertBalanced(tail.snapshot());
});

test("a second reload before everything has been read again counts nothing twice", () => {
  for (const readAgain of [0, 1, 2, 3]) {
    const { tail, ...others } = createCounters();
    for (let i = 0; i < 3; i++) tail.taken();
    tail.passedBy(7);
    carryOver({ tail, ...others }, 4);
    const before = { ...tail.snapshot() };
    // The first of the three, and some of the ignored alerts after it, are read again; then the next reload.
    if (readAgain > 0) tail.taken();
    tail.passedBy(readAgain);
    carryOver({ tail, ...others }, readAgain);
    assert.deepEqual({ ...tail.snapshot() }, before, `${readAgain} read again`);
    for (let i = 0; i < 3; i++) tail.taken();
    tail.passedBy(4);
    assert.deepEqual({ ...tail.snapshot() }, before, `${readAgain} read again, then all`);
    tail.passedBy(1);
    assert.deepEqual([tail.read, tail.ignored, tail.inFlight], [11, 8, 3]);
    assertBalanced(tail.snapshot());
  }
});

test("what other handlers ignore, or want, when it is read again leaves nothing in flight", () => {
  const { tail, before } = reloaded();
  tail.passedBy(7);
  assert.deepEqual({ ...tail.snapshot() }, { ...before, ignored: 10, inFlight: 0 });
  const other = reloaded().tail;
  for (let i = 0; i < 7; i++) {
    other.taken();
    assertBalanced(other.snapshot());
  }
  assert.deepEqual({ ...other.snapshot() }, { ...before, ignored: 3, inFlight: 7 });
});

test("alerts that are gone when the log is read to its end are neither read nor in flight", () => {
  const { tail } = reloaded();
  tail.taken();
  tail.readToEnd();
  assert.deepEqual([tail.read, tail.inFlight, tail.ignored], [8, 1, 7]);
  assertBalanced(tail.snapshot());
  tail.passedBy(5);
  tail.settled("acknowledged");
  tail.readToEnd();
  assert.deepEqual([tail.read, tail.inFlight, tail.ignored, tail.acknowledged], [13, 0, 12, 1]);
});
