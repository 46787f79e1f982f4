import assert from "node:assert/strict";
import { test } from "node:test";
import { Delivery } from "../../rig/delivery.ts";
import { MemorySink } from "../../rig/memory-sink.ts";

function alertText(id: string, isWanted: boolean): string {
  return JSON.stringify({ timestamp: "2026-11-21T10:00:00.000+0100", id, manager: { name: "m1" }, wanted: isWanted });
}

const torn = '{"timestamp":"2026-11-21T09:59:59.000+0100","id":"1.0","full_log":"cut off he';

test("whole alerts after a torn one are sent, and the torn bytes are kept with their position", async () => {
  const sink = new MemorySink();
  const delivery = new Delivery({ sink }).begin();
  const line = Buffer.from(`${torn}${alertText("1.1", true)}${alertText("1.2", false)}${alertText("1.3", true)}`);

  const { verdict, outcomes } = delivery.offer("tail", line);
  await delivery.shipper.idle();

  assert.equal(verdict.kind, "salvaged");
  assert.deepEqual(
    sink.records.map(({ value }) => value?.toString()),
    [alertText("1.1", true), alertText("1.3", true)],
  );
  assert.deepEqual(
    delivery.deadLetters.entries.map(({ reason, bytes, place }) => [
      reason,
      bytes.toString(),
      place.offset,
      place.length,
    ]),
    [["torn", torn, 0, torn.length]],
  );
  assert.equal(outcomes.length, 1, "the line is settled once, when all of its pieces are settled");
  const { read, ignored, acknowledged, deadLettered, inFlight } = delivery.counters.tail;
  assert.deepEqual(
    { read, ignored, acknowledged, deadLettered, inFlight },
    {
      read: 4,
      ignored: 1,
      acknowledged: 2,
      deadLettered: 1,
      inFlight: 0,
    },
  );
});

test("a salvaged line is not settled while one of its alerts is in progress", async () => {
  const sink = new MemorySink();
  sink.isHolding = true;
  const delivery = new Delivery({ sink }).begin();

  const { outcomes } = delivery.offer("tail", Buffer.from(torn + alertText("1.1", true)));
  await new Promise(setImmediate);
  assert.equal(delivery.counters.tail.deadLettered, 1, "the torn piece is stored already");
  assert.deepEqual(outcomes, []);

  sink.isHolding = false;
  for (const { batch, answer } of sink.held.splice(0))
    answer({ kind: "each", outcomes: batch.records.map((_, offset) => ({ kind: "acknowledged", offset })) });
  await delivery.shipper.idle();
  assert.equal(outcomes.length, 1);
});

test("a broken line on the socket is rejected as a whole: the tail takes it apart", () => {
  const delivery = new Delivery({ sink: new MemorySink() }).begin();
  const { verdict } = delivery.offer("socket", Buffer.from(torn + alertText("1.1", true)));
  assert.equal(verdict.kind, "rejected");
  assert.deepEqual(delivery.deadLetters.reasons, ["not-json"]);
});
