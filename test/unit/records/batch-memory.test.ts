import assert from "node:assert/strict";
import { test } from "node:test";
import { BatchMemory, headRoomBytes } from "../../../daemon/records/batch-memory.ts";

const batchBytes = 900_000;
const fullBytes = headRoomBytes + batchBytes;

function grownTo(memory: BatchMemory, bytes: number): Buffer {
  let buffer = memory.take(0);
  while (buffer.length < bytes) buffer = memory.grown(buffer, buffer.length, buffer.length + 1);
  return buffer;
}

test("a buffer begins small, and is never larger than twice what is in it, or than a full batch", () => {
  const memory = new BatchMemory(batchBytes);
  let buffer = memory.take(0);
  assert.ok(buffer.length <= 16 * 1024);
  for (let used = buffer.length; used < fullBytes; used = buffer.length) {
    buffer = memory.grown(buffer, used, used + 1);
    assert.ok(buffer.length > used && buffer.length <= Math.min(2 * used, fullBytes), `${buffer.length} for ${used}`);
  }
  assert.equal(buffer.length, fullBytes);
  assert.equal(memory.grown(memory.take(0), 0, 5_000_000).length, 5_000_000);
});

test("what is in a buffer stays when it grows", () => {
  const memory = new BatchMemory(batchBytes);
  const buffer = memory.take(0);
  const content = Buffer.from("content");
  content.copy(buffer);
  const larger = memory.grown(buffer, content.length, 20_000);
  assert.ok(larger.subarray(0, content.length).equals(content));
});

test("small buffers are used again, a few at most, also those that were outgrown", () => {
  const memory = new BatchMemory(batchBytes);
  const given = new Set(Array.from({ length: 10 }, () => memory.take(0)));
  for (const buffer of given) memory.grown(buffer, 0, buffer.length + 1);
  const taken = Array.from({ length: 10 }, () => memory.take(0)).filter((buffer) => given.has(buffer));
  assert.equal(new Set(taken).size, 4);
});

test("full buffers are used again, a few at most, and not for batches that will be small", () => {
  const memory = new BatchMemory(batchBytes);
  const given = new Set(Array.from({ length: 10 }, () => grownTo(memory, fullBytes)));
  for (const buffer of given) memory.give(buffer);
  assert.ok(!given.has(memory.take(100_000)));
  const taken = Array.from({ length: 10 }, () => memory.take(batchBytes)).filter((buffer) => given.has(buffer));
  assert.equal(taken.length, 4);
  assert.equal(new Set(taken).size, 4);
});

test("a buffer of another size is not kept", () => {
  const memory = new BatchMemory(batchBytes);
  const others = [Buffer.alloc(fullBytes + 1), Buffer.alloc(fullBytes - 1), memory.grown(memory.take(0), 0, 20_000)];
  for (const buffer of others) memory.give(buffer);
  for (let taken = 0; taken < 10; taken++) assert.ok(!others.includes(memory.take(batchBytes)));
});
