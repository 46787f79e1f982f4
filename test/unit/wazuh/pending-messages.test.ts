import assert from "node:assert/strict";
import { test } from "node:test";
import { PendingMessages } from "../../../daemon/wazuh/pending-messages.ts";

function drain(pending: PendingMessages): string[] {
  const texts: string[] = [];
  for (; pending.oldest !== undefined; pending.shift()) texts.push(pending.oldest);
  return texts;
}

test("messages leave in the order in which they came", () => {
  const pending = new PendingMessages(10, 1000);
  for (const text of ["a", "b", "c"]) pending.push(text);
  assert.deepEqual([pending.size, drain(pending), pending.size], [3, ["a", "b", "c"], 0]);
});

test("it is full at its maximum of messages, until the oldest has left", () => {
  const pending = new PendingMessages(2, 1000);
  pending.push("a");
  assert.equal(pending.isFull, false);
  pending.push("b");
  assert.equal(pending.isFull, true);
  pending.shift();
  assert.equal(pending.isFull, false);
});

test("it is full at its maximum of characters, whatever the number of messages", () => {
  const pending = new PendingMessages(100, 10);
  pending.push("123456789");
  assert.equal(pending.isFull, false);
  pending.push("0123456789");
  assert.equal(pending.isFull, true);
  pending.shift();
  pending.shift();
  assert.equal(pending.isFull, false);
});

test("clearing returns the number of messages, and leaves room for new ones", () => {
  const pending = new PendingMessages(3, 10);
  for (const text of ["123", "456", "789"]) pending.push(text);
  assert.equal(pending.clear(), 3);
  assert.equal(pending.isFull, false);
  pending.push("1234567890");
  assert.deepEqual(drain(pending), ["1234567890"]);
});
