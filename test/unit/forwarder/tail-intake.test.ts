import assert from "node:assert/strict";
import { test } from "node:test";
import { Relevance } from "../../../daemon/delivery/relevance.ts";
import { PipelineIntake } from "../../../daemon/forwarder/tail-intake.ts";
import { Delivery, wantedHandler } from "../../rig/delivery.ts";
import { MemorySink } from "../../rig/memory-sink.ts";

function newIntake(onCaughtUp: () => void): PipelineIntake {
  const { pipeline, shipper, budget, counters } = new Delivery({ sink: new MemorySink() });
  const relevance = new Relevance(wantedHandler.needles);
  return new PipelineIntake({ pipeline, shipper, budget, counters: counters.tail, relevance }, onCaughtUp);
}

test("what an earlier process sent is not let go at the end of the log while the look-up lasts, even if nothing is new there", () => {
  let caughtUp = 0;
  const intake = newIntake(() => (caughtUp += 1));
  intake.reachedEnd();
  intake.reachedEnd();
  assert.equal(caughtUp, 0);
  // A quiet log is not read again until something is appended.
  intake.lookedUp();
  assert.equal(caughtUp, 1);
  intake.reachedEnd();
  assert.equal(caughtUp, 1);
});

test("after the look-up the end of the log still has to be reached", () => {
  let caughtUp = 0;
  const intake = newIntake(() => (caughtUp += 1));
  intake.lookedUp();
  assert.equal(caughtUp, 0);
  intake.reachedEnd();
  assert.equal(caughtUp, 1);
});
