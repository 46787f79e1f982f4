import assert from "node:assert/strict";
import { test } from "node:test";
import { Relevance } from "../../../daemon/delivery/relevance.ts";
import { PipelineIntake } from "../../../daemon/forwarder/tail-intake.ts";
import { Delivery, wantedHandler } from "../../rig/delivery.ts";
import { MemorySink } from "../../rig/memory-sink.ts";

test("what an earlier process sent is not let go at the end of the log while the look-up lasts, even if nothing is new there", () => {
  const { pipeline, shipper, budget, counters } = new Delivery({ sink: new MemorySink() });
  const parts = { pipeline, shipper, budget, counters: counters.tail, relevance: new Relevance(wantedHandler.needles) };
  let caughtUp = 0;
  const intake = new PipelineIntake(parts, () => (caughtUp += 1));
  intake.reachedEnd();
  intake.reachedEnd();
  assert.equal(caughtUp, 0);
  intake.lookedUp();
  assert.equal(caughtUp, 0, "the log may have grown meanwhile");
  intake.reachedEnd();
  intake.reachedEnd();
  assert.equal(caughtUp, 1);
});
