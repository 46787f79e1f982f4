import assert from "node:assert/strict";
import { test } from "node:test";
import { lookupKey } from "../../daemon/contract.ts";
import { Relevance } from "../../daemon/delivery/relevance.ts";
import { PipelineIntake } from "../../daemon/forwarder/tail-intake.ts";
import { alertBytes, Delivery, settle, wantedHandler } from "../rig/delivery.ts";
import { idIn, MemorySink } from "../rig/memory-sink.ts";
import { LogTree } from "../unit/sources/tail/support/log-tree.ts";
import { TestTail } from "../unit/sources/tail/support/test-tail.ts";

const first = alertBytes("1.1");
const repeated = alertBytes("1.2");

for (const done of [1, 2]) {
  for (const isEarly of [true, false]) {
    const which = done === 1 ? "earlier" : "later";
    const when = isEarly ? "before" : "after";
    test(`of two lines with the same id and content the ${which} one was done before a crash, and the look-up ends ${when} they are read: the other one is sent`, async () => {
      using tree = new LogTree();
      tree.rotate("21");
      const crashed = await TestTail.start(tree, {}, false);
      tree.write(first, repeated, repeated);
      await crashed.turn();
      crashed.intake.taken[done]?.settle();
      await crashed.checkpoint();
      await crashed.crash();

      const sink = new MemorySink();
      const delivery = new Delivery({ sink });
      const { pipeline, shipper, budget, counters } = delivery;
      const relevance = new Relevance(wantedHandler.needles);
      const parts = { pipeline, relevance, shipper, budget, counters: counters.tail };
      const intake = new PipelineIntake(parts, () => shipper.endLookup());
      const found = { shipped: new Map([[lookupKey("m1", "1.2", "wanted", repeated), 1]]), next: {} };
      const second = new TestTail(tree, { intake, onEnd: () => intake.reachedEnd() });
      const begin = (): void => {
        shipper.begin(found);
        intake.lookedUp();
      };
      if (isEarly) begin();
      void second.run();
      await second.waker.asleep();
      if (!isEarly) begin();
      await settle();
      await shipper.idle();
      const sent = sink.written.flatMap(({ records }) => records.map((record) => idIn(record)));
      assert.deepEqual(sent.toSorted(), ["1.1", "1.2"]);
      await second.stop();
    });
  }
}
