import assert from "node:assert/strict";
import { test } from "node:test";
import { Budget } from "../../../daemon/delivery/budget.ts";
import { settle } from "../../rig/delivery.ts";

test("there is room until the limit is reached, and one alert may exceed it", () => {
  const budget = new Budget(100);
  budget.take(99);
  assert.equal(budget.room(), undefined);
  budget.take(1000);
  assert.ok(budget.room() instanceof Promise);
  assert.equal(budget.usedBytes, 1099);
});

test("a source that may fill half of the budget stops while another still finds room", () => {
  const budget = new Budget(100);
  budget.take(50);
  assert.equal(budget.hasRoom(0.5), false);
  assert.equal(budget.hasRoom(), true);
});

test("waiting sources are woken well below their mark, each at its own", async () => {
  const budget = new Budget(100);
  budget.take(100);
  const woken: string[] = [];
  void budget.room(0.5)?.then(() => woken.push("tail"));
  void budget.room(1)?.then(() => woken.push("socket"));
  budget.release(25);
  await settle();
  assert.deepEqual(woken, []);
  budget.release(1);
  await settle();
  assert.deepEqual(woken, ["socket"]);
  budget.release(37);
  await settle();
  assert.deepEqual(woken, ["socket", "tail"]);
});

test("what is reserved for the disk stops no source that waits for Kafka, as long as it fits into the whole", async () => {
  const budget = new Budget(100);
  budget.take(90);
  let isWoken = false;
  void budget.room(0.25)?.then(() => (isWoken = true));
  budget.setAside(80);
  await settle();
  assert.equal(isWoken, true);
  assert.equal(budget.hasRoom(0.25), true);
  budget.take(15);
  assert.equal(budget.hasRoom(0.25), false);
  budget.release(15);
  budget.bringBack(80);
  assert.equal(budget.hasRoom(0.25), false);
  budget.take(20);
  budget.setAside(110);
  assert.deepEqual([budget.hasRoom(0.25), budget.hasRoom()], [false, false]);
});
