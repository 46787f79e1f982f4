import assert from "node:assert/strict";
import { test } from "node:test";
import kafkajsMurmur2 from "kafkajs/src/producer/partitioners/default/murmur2.js";
import { murmur2, partitionOf } from "../../../daemon/delivery/partition-key.ts";

/** From Apache Kafka's own test of its murmur2 (clients, UtilsTest). */
const vectors: readonly [key: string, hash: number][] = [
  ["21", -973932308],
  ["foobar", -790332482],
  ["a-little-bit-long-string", -985981536],
  ["a-little-bit-longer-string", -1486304829],
  ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
  ["abc", 479470107],
];

for (const [key, hash] of vectors) {
  test(`murmur2 of "${key}" is Kafka's`, () => assert.equal(murmur2(Buffer.from(key)), hash));
}

test("agrees with kafkajs for keys of every length", () => {
  for (let length = 0; length < 70; length++) {
    const key = Buffer.from(Array.from({ length }, (_, at) => (at * 151 + length * 7) & 0xff));
    assert.equal(murmur2(key), kafkajsMurmur2(key), `length ${length}`);
  }
});

test("a key always goes to the same partition, and all partitions are used", () => {
  const used = new Set(Array.from({ length: 200 }, (_, at) => partitionOf(Buffer.from(`agent-${at}`), 7)));
  assert.deepEqual(used, new Set([0, 1, 2, 3, 4, 5, 6]));
  assert.equal(partitionOf(Buffer.from("001"), 6), (murmur2(Buffer.from("001")) & 0x7fffffff) % 6);
  assert.equal(partitionOf(null, 6), 0);
});
