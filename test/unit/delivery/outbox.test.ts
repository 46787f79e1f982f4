import assert from "node:assert/strict";
import { mock, test } from "node:test";
import type { WriteOutcome } from "../../../daemon/contract.ts";
import type { BatchLimits } from "../../../daemon/delivery/batch-queue.ts";
import { type MakeDigests, Outbox } from "../../../daemon/delivery/outbox.ts";
import { partitionOf } from "../../../daemon/delivery/partition-key.ts";
import { TopicGate } from "../../../daemon/delivery/topic-gate.ts";
import { eventually } from "../../rig/eventually.ts";
import { settle } from "../../rig/delivery.ts";
import { MemorySink } from "../../rig/memory-sink.ts";
import { seededRandom } from "../../rig/random.ts";

const limits: BatchLimits = { maxBytes: 1000, maxRecords: 5, lingerMs: 0 };

interface Done {
  readonly text: string;
  readonly partition: string;
  readonly outcome: WriteOutcome;
}

/** What waits for a record. */
interface Waiting {
  readonly text: string;
  readonly done: Done[];
}

function openOutbox(
  sink: MemorySink,
  batches: BatchLimits = limits,
  gate?: TopicGate,
  digests?: MakeDigests,
): Outbox<Waiting> {
  const outbox = new Outbox<Waiting>(sink, batches, undefined, gate, digests);
  outbox.reportTo({
    encoded: () => undefined,
    acknowledged({ text, done }, part, { partition }, _index, offset) {
      assert.equal(part, Number(text.length > 1));
      done.push({ text, partition, outcome: { kind: "acknowledged", offset } });
    },
    refused: ({ text, done }, _part, outcome, record) => {
      assert.equal(record.value?.toString(), text);
      done.push({ text, partition: "", outcome });
    },
  });
  return outbox;
}

function add(outbox: Outbox<Waiting>, topic: string, key: string, text: string, done: Done[] = [], bytes = 10): void {
  const record = { key: Buffer.from(key), headers: [], value: Buffer.from(text) };
  outbox.add(topic, { ...record, bytes, waiting: { text, done }, part: Number(text.length > 1) });
}

function texts(sink: MemorySink, partition: string): string[] {
  return (sink.stored.get(partition) ?? []).map((record) => record.value?.toString() ?? "");
}

test("records of one partition leave in order, with a limited number of batches in flight", async () => {
  const random = seededRandom(5);
  const sink = new MemorySink({ maxInFlight: 2, partitions: { alerts: 3 } });
  sink.isHolding = true;
  const outbox = openOutbox(sink);
  const done: Done[] = [];
  const expected: Record<string, string[]> = {};
  for (let i = 0; i < 2000; i++) {
    const key = String(Math.floor(random() * 20));
    add(outbox, "alerts", key, `${i}`, done);
    (expected[`alerts/${partitionOf(Buffer.from(key), 3)}`] ??= []).push(`${i}`);
    if (random() < 0.2) {
      sink.release(1);
      await settle();
    }
    const underWay = new Map<number, number>();
    for (const { batch } of sink.held) underWay.set(batch.partition, (underWay.get(batch.partition) ?? 0) + 1);
    assert.ok(Math.max(0, ...underWay.values()) <= 2);
  }
  while (outbox.open > 0) {
    sink.release();
    await settle();
  }
  assert.deepEqual(Object.fromEntries([...sink.stored.keys()].map((name) => [name, texts(sink, name)])), expected);
  assert.equal(done.length, 2000);
  for (const { text, partition, outcome } of done) {
    assert.ok(outcome.kind === "acknowledged");
    assert.equal(texts(sink, partition)[outcome.offset], text);
  }
});

test("a topic that is not known yet delays no other, and leaves in order once it is known", async () => {
  const sink = new MemorySink({ partitions: { alerts: 1 } });
  const outbox = openOutbox(sink);
  for (let i = 0; i < 8; i++) {
    add(outbox, "later", "k", `later ${i}`);
    add(outbox, "alerts", "k", `now ${i}`);
  }
  await settle();
  assert.equal(texts(sink, "alerts/0").length, 8);
  assert.equal(outbox.open, 8);
  sink.learn("other", 1);
  await settle();
  assert.equal(outbox.open, 8);
  sink.learn("later", 1);
  await settle();
  assert.deepEqual(
    texts(sink, "later/0"),
    [0, 1, 2, 3, 4, 5, 6, 7].map((i) => `later ${i}`),
  );
  assert.equal(outbox.open, 0);
});

test("while nothing is in flight what one event brings is sent at its end, together", async () => {
  const sink = new MemorySink();
  const outbox = openOutbox(sink, { ...limits, lingerMs: 3_600_000 });
  for (let i = 0; i < 3; i++) add(outbox, "alerts", "k", `${i}`);
  await Promise.resolve();
  add(outbox, "alerts", "k", "3");
  assert.equal(sink.written.length, 0);
  await settle();
  assert.deepEqual(
    sink.written.map((batch) => batch.records.length),
    [4],
  );
  outbox.dispose();
});

test("behind a batch in flight, and behind one that has only just left, records wait to be batched", async () => {
  const patient = new MemorySink();
  const waiting = openOutbox(patient, { ...limits, lingerMs: 3_600_000 });
  const sink = new MemorySink();
  sink.isHolding = true;
  const outbox = openOutbox(sink, { ...limits, lingerMs: 500 });
  for (const each of [waiting, outbox]) add(each, "alerts", "k", "first");
  await settle();
  for (const each of [waiting, outbox]) {
    add(each, "alerts", "k", "a");
    add(each, "alerts", "k", "b");
  }
  await settle();
  assert.equal(patient.written.length, 1);
  waiting.dispose();
  await eventually("the batch", () => sink.written.length > 1);
  assert.deepEqual(
    sink.written.map((batch) => batch.records.length),
    [1, 2],
  );
  sink.release();
});

test("what waits behind a batch in flight is sent when that has its outcome, if the batch left long enough ago", async () => {
  let now = 0;
  mock.method(performance, "now", () => now);
  const sink = new MemorySink();
  sink.isHolding = true;
  const outbox = openOutbox(sink, { ...limits, lingerMs: 3_600_000 });
  add(outbox, "alerts", "k", "first");
  await settle();
  now = 3_599_999;
  add(outbox, "alerts", "k", "second");
  await settle();
  assert.equal(sink.written.length, 1);
  now = 3_600_000;
  sink.release();
  await settle();
  assert.equal(sink.written.length, 2);
  mock.restoreAll();
  outbox.dispose();
});

test("a full batch does not wait for its time", async () => {
  const sink = new MemorySink();
  const outbox = openOutbox(sink, { ...limits, lingerMs: 3_600_000 });
  for (let i = 0; i < 5; i++) add(outbox, "alerts", "k", `${i}`);
  assert.equal(sink.written.length, 1);
  await settle();
  assert.equal(sink.records.length, 5);
  add(outbox, "alerts", "k", "alone");
  await settle();
  assert.equal(sink.records.length, 5);
  outbox.flush();
  await settle();
  assert.equal(sink.records.length, 6);
  outbox.dispose();
});

test("while the maximum of batches is in flight the records behind them gather into full ones", async () => {
  const sink = new MemorySink({ maxInFlight: 1 });
  sink.isHolding = true;
  const outbox = openOutbox(sink);
  for (let i = 0; i < 11; i++) add(outbox, "alerts", "k", `${i}`);
  while (outbox.open > 0) {
    sink.release(1);
    await settle();
  }
  assert.deepEqual(
    sink.written.map((batch) => batch.records.length),
    [1, 5, 5],
  );
});

test("after dispose nothing is sent and no callback is called, even if the sink fails then", async () => {
  const sink = new MemorySink({ maxInFlight: 1 });
  sink.isHolding = true;
  const outbox = openOutbox(sink);
  const done: Done[] = [];
  for (let i = 0; i < 10; i++) add(outbox, "alerts", "k", `${i}`, done);
  add(outbox, "later", "k", "never", done);
  outbox.dispose();
  outbox.dispose();
  sink.release(1);
  sink.learn("later", 1);
  await sink[Symbol.asyncDispose]();
  await settle();
  assert.deepEqual(done, []);
  assert.equal(sink.written.length, 1);
});

test("records of a topic whose end is not saved yet wait for it, each topic for its own, and keep their order", async () => {
  const sink = new MemorySink({ partitions: { alerts: 1, late: 1, never: 1 } });
  const saved = new Map<string, (isSaved: boolean) => void>();
  const gate = new TopicGate((topic) => {
    assert.ok(!saved.has(topic), "asked once");
    return new Promise((resolve) => saved.set(topic, resolve));
  });
  gate.open(["alerts"]);
  const outbox = openOutbox(sink, limits, gate);
  assert.equal(outbox.encodesAtOnce("alerts"), true);
  assert.equal(outbox.encodesAtOnce("late"), false);
  for (const text of ["1", "2", "3"]) for (const topic of ["late", "alerts", "never"]) add(outbox, topic, "k", text);
  await settle();
  assert.deepEqual([texts(sink, "alerts/0"), texts(sink, "late/0")], [["1", "2", "3"], []]);
  assert.deepEqual([...saved.keys()].toSorted(), ["late", "never"]);
  saved.get("late")?.(true);
  saved.get("never")?.(false);
  await settle();
  add(outbox, "late", "k", "4");
  await settle();
  assert.deepEqual([texts(sink, "late/0"), texts(sink, "never/0")], [["1", "2", "3", "4"], []]);
  assert.equal(outbox.open, 3);
});

test("outcomes of one partition come in order, also if the digests of an earlier batch are there later", async () => {
  const sink = new MemorySink({ maxInFlight: 2, partitions: { alerts: 1 } });
  const answers: ((digests: Buffer) => void)[] = [];
  const late = new Promise<Buffer>((resolve) => answers.push(resolve));
  const made = Buffer.alloc(32);
  let batches = 0;
  const outbox = openOutbox(sink, { ...limits, maxRecords: 1, lingerMs: 0 }, undefined, () =>
    batches++ === 0 ? late : made,
  );
  const done: Done[] = [];
  add(outbox, "alerts", "k", "a", done);
  add(outbox, "alerts", "k", "b", done);
  await eventually("both batches in the sink", () => texts(sink, "alerts/0").length === 2);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(done, []);
  for (const answer of answers) answer(made);
  await eventually("both outcomes", () => done.length === 2);
  assert.deepEqual(
    done.map(({ text }) => text),
    ["a", "b"],
  );
});
