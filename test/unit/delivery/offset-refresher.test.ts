import assert from "node:assert/strict";
import { test } from "node:test";
import { OffsetRefresher } from "../../../daemon/delivery/offset-refresher.ts";
import { SinkOffsets } from "../../../daemon/delivery/sink-offsets.ts";
import { alertBytes, Delivery, settle } from "../../rig/delivery.ts";
import { MemorySink } from "../../rig/memory-sink.ts";

/** A node, and what another one writes to the same topic. */
class SharedTopic {
  readonly sink = new MemorySink({ partitions: { alerts: 1 } });
  readonly offsets = new SinkOffsets();
  readonly own = new Delivery({ sink: this.sink, offsets: this.offsets }).begin();
  readonly other = new Delivery({ sink: this.sink }).begin();
  readonly watch = new OffsetRefresher({ shipper: this.own.shipper, topics: ["alerts"] }, this.offsets, this.sink);
  #number = 0;

  async write(delivery: Delivery): Promise<void> {
    const { verdict } = delivery.offer("tail", alertBytes(`1.${this.#number++}`));
    await settle();
    if (verdict.kind === "taken") delivery.shipper.onCheckpointed(verdict.shipment);
  }
}

test("on a quiet node a look-up begins at the end of the topic, not after the node's own last record", async () => {
  const topic = new SharedTopic();
  await topic.write(topic.own);
  for (let at = 0; at < 5; at++) await topic.write(topic.other);
  assert.deepEqual(topic.offsets.low(0), { "alerts/0": 1 });
  await topic.watch.refresh();
  assert.deepEqual(topic.offsets.low(0), { "alerts/0": 6 });
});

test("a record that the checkpoint has not passed is never skipped", async () => {
  const topic = new SharedTopic();
  topic.own.offer("tail", alertBytes("2.1"));
  await settle();
  await topic.write(topic.other);
  await topic.watch.refresh();
  assert.deepEqual(topic.offsets.low(0), { "alerts/0": 0 });
});

test("while something is in progress, no offset is taken over", async () => {
  const topic = new SharedTopic();
  await topic.write(topic.own);
  await topic.write(topic.other);
  topic.sink.isHolding = true;
  topic.own.offer("tail", alertBytes("2.1"));
  await topic.watch.refresh();
  assert.deepEqual(topic.offsets.low(0), { "alerts/0": 1 });
});

test("what is sent between the question and its answer may lie before the end that the answer reports", async () => {
  const topic = new SharedTopic();
  await topic.write(topic.own);
  await topic.write(topic.other);
  const slow = {
    async lookup() {
      topic.sink.isHolding = true;
      topic.own.offer("tail", alertBytes("2.1"));
      await settle();
      topic.sink.storeUnanswered(1);
      return { next: { "alerts/0": 3 } };
    },
  };
  await new OffsetRefresher({ shipper: topic.own.shipper, topics: ["alerts"] }, topic.offsets, slow).refresh();
  assert.deepEqual(topic.offsets.low(0), { "alerts/0": 1 });
});
