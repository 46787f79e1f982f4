import assert from "node:assert/strict";
import { test } from "node:test";
import { BatchQueue, type Queued, type QueuedBatch } from "../../../daemon/delivery/batch-queue.ts";
import { BatchMemory } from "../../../daemon/records/batch-memory.ts";
import { seededRandom } from "../../rig/random.ts";

const limits = { maxBytes: 100, maxRecords: 4, lingerMs: 10 };

function queued(bytes: number, waiting = 0): Queued<number> {
  return { key: null, headers: [], value: null, bytes, waiting, part: 0 };
}

function newQueue(): BatchQueue<number> {
  return new BatchQueue({ topic: "t", partition: 0 }, limits, new BatchMemory(limits.maxBytes));
}

function waitingIn(batch: QueuedBatch<number> | undefined): readonly number[] {
  return batch?.waiting ?? [];
}

test("nothing is due while nothing waits", () => {
  const queue = newQueue();
  assert.equal(queue.untilDue(5, false), undefined);
  assert.equal(queue.take(5), undefined);
});

test("a lone record is due when its linger time is over", () => {
  const queue = newQueue();
  queue.add(queued(1), 1000);
  queue.add(queued(1), 1006);
  assert.equal(queue.untilDue(1003, false), 7);
  assert.equal(queue.untilDue(1010, false), 0);
  assert.equal(queue.untilDue(5000, false), 0);
});

test("while nothing is in flight a record is due at once, unless a batch has only just left", () => {
  const queue = newQueue();
  queue.add(queued(1), 1000);
  assert.equal(queue.untilDue(1000, true), 0);
  assert.equal(queue.untilDue(1000, false), 10);
  queue.take(1001);
  queue.add(queued(1), 1005);
  assert.equal(queue.untilDue(1005, true), 6);
  assert.equal(queue.untilDue(1005, false), 10);
  assert.equal(queue.untilDue(1011, true), 0);
});

test("a batch is due at once when it is full by count or by bytes", () => {
  const byCount = newQueue();
  for (let i = 0; i < 4; i++) byCount.add(queued(1), 0);
  assert.equal(byCount.untilDue(0, false), 0);
  const byBytes = newQueue();
  byBytes.add(queued(60), 0);
  assert.equal(byBytes.untilDue(0, false), 10);
  byBytes.add(queued(40), 0);
  assert.equal(byBytes.untilDue(0, false), 0);
});

test("a record larger than the maximum batch travels alone", () => {
  const queue = newQueue();
  for (const [at, bytes] of [10, 5000, 10].entries()) queue.add(queued(bytes, at), 0);
  assert.deepEqual([queue.take(0), queue.take(0), queue.take(0)].map(waitingIn), [[0], [1], [2]]);
});

test("all records come out once, in order, in batches within the limits and as full as possible", () => {
  const random = seededRandom(11);
  const queue = newQueue();
  const added: Queued<number>[] = [];
  const taken: number[] = [];
  for (let step = 0; step < 20_000; step++) {
    if (random() < 0.7) {
      const record = queued(Math.floor(random() * 120), added.length);
      queue.add(record, step);
      added.push(record);
    } else {
      const batch = waitingIn(queue.take(step));
      const bytes = batch.reduce((sum, at) => sum + (added[at]?.bytes ?? 0), 0);
      assert.ok(batch.length <= limits.maxRecords);
      assert.ok(batch.length <= 1 || bytes <= limits.maxBytes);
      const next = added[taken.length + batch.length];
      const hasRoomForNext = batch.length < limits.maxRecords && next !== undefined;
      assert.ok(!hasRoomForNext || bytes + next.bytes > limits.maxBytes, "the next one would have fitted");
      taken.push(...batch);
    }
    assert.equal(queue.length, added.length - taken.length);
  }
  while (queue.length > 0) taken.push(...waitingIn(queue.take(0)));
  assert.deepEqual(
    taken,
    added.map((_, at) => at),
  );
  assert.equal(queue.untilDue(0, false), undefined);
});
