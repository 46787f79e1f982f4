import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { SinkRecord } from "../../daemon/contract.ts";
import { digestTopic, recordAt, type RecordDigest } from "../rig/digest-topic.ts";
import { writeRecords } from "../rig/batches.ts";
import { sharedKafka } from "../rig/shared-kafka.ts";
import { openSink, record } from "../unit/sinks/kafka/rig.ts";

test("a topic's digests tell apart keys, headers, values and their order, and null from empty", async () => {
  await using kafka = await sharedKafka();
  await using sink = openSink(kafka.addresses);
  let count = 0;
  const empty = Buffer.alloc(0);
  const first = record("1", "one");
  const second = { ...record("2", "two"), key: Buffer.from("k") };

  async function digests(records: readonly SinkRecord[]): Promise<string> {
    const topic = `digest-${process.pid}-${count++}`;
    await kafka.createTopic(topic, { partitions: 1 });
    assert.equal(await recordAt(kafka.addresses, topic, "last"), undefined);
    await writeRecords(sink, topic, 0, records);
    const each: RecordDigest[] = [];
    const digest = await digestTopic(kafka.addresses, topic, (one) => each.push(one));
    assert.deepEqual(await digestTopic(kafka.addresses, topic), digest);
    const values = createHash("sha256");
    for (const { value } of records) values.update(Buffer.concat([value ?? empty, Buffer.from("\n")]));
    assert.equal(digest.values, values.digest("hex"));
    assert.deepEqual(
      each.map(({ offset }) => offset),
      records.map((_, index) => index),
    );
    assert.deepEqual(await recordAt(kafka.addresses, topic, "last"), records.at(-1));
    assert.deepEqual(await recordAt(kafka.addresses, topic, 0), records[0]);
    assert.equal(await recordAt(kafka.addresses, topic, records.length), undefined);
    return digest.all;
  }

  const whole = await digests([first, second]);
  assert.equal(await digests([first, second]), whole, "the same records give the same digest");
  const others: readonly (readonly SinkRecord[])[] = [
    [first],
    [{ ...first, key: Buffer.from("1k") }, second],
    [{ ...first, value: Buffer.from("onf") }, second],
    [{ ...first, value: null }, second],
    [{ ...first, value: empty }, second],
    [{ ...first, headers: [...first.headers, ["more", empty]] }, second],
    [{ ...first, headers: first.headers.toReversed() }, second],
  ];
  const found = [];
  for (const records of others) found.push(await digests(records));
  assert.equal(new Set([whole, ...found]).size, others.length + 1);
});
