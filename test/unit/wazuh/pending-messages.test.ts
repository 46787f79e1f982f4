import assert from "node:assert/strict";
import { test } from "node:test";
import { PendingMessages } from "../../../daemon/wazuh/pending-messages.ts";

function drain(pending: PendingMessages): string[] {
  const texts: string[] = [];
  for (; pending.oldest !== undefined; pending.shift()) texts.push(pending.oldest.toString());
  return texts;
}

test("messages leave in the order in which they came", () => {
  const pending = new PendingMessages(10, 1000);
  for (const text of ["a", "b", "c"]) assert.equal(pending.push(Buffer.from(text)), 0);
  assert.deepEqual([pending.size, drain(pending), pending.size], [3, ["a", "b", "c"], 0]);
});

test("the oldest make room when there are too many", () => {
  const pending = new PendingMessages(2, 1000);
  assert.deepEqual(
    ["a", "b", "c", "d"].map((text) => pending.push(Buffer.from(text))),
    [0, 0, 1, 1],
  );
  assert.deepEqual(drain(pending), ["c", "d"]);
});

test("the oldest make room when there are too many bytes", () => {
  const pending = new PendingMessages(100, 10);
  for (const text of ["1234", "5678"]) assert.equal(pending.push(Buffer.from(text)), 0);
  assert.equal(pending.push(Buffer.from("123456789")), 2);
  assert.deepEqual(drain(pending), ["123456789"]);
  assert.equal(pending.push(Buffer.from("12345678901")), 1);
  assert.equal(pending.size, 0);
});

test("clearing tells how many there were, and leaves room for new ones", () => {
  const pending = new PendingMessages(3, 10);
  for (const text of ["123", "456", "789"]) pending.push(Buffer.from(text));
  assert.equal(pending.clear(), 3);
  assert.equal(pending.push(Buffer.from("1234567890")), 0);
  assert.deepEqual(drain(pending), ["1234567890"]);
});
