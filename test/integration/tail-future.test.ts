import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { Pairing } from "../../daemon/pairing/pairing.ts";
import type { Shipment } from "../../daemon/delivery/shipment.ts";
import { PairingWindow } from "../../daemon/pairing/pairing-window.ts";
import { decodeCheckpoint, encodeCheckpoint } from "../../daemon/sources/tail/position/checkpoint.ts";
import { alertBytes, Delivery } from "../rig/delivery.ts";
import { MemorySink } from "../rig/memory-sink.ts";
import { LogTree } from "../unit/sources/tail/support/log-tree.ts";
import { TestTail } from "../unit/sources/tail/support/test-tail.ts";

const future = Math.floor(Date.UTC(2038, 0, 19) / 1000);
const line = (second: number): string => `{"timestamp":"${new Date(second * 1000).toISOString()}","id":"${second}.1"}`;

test("after an alert dated 2038 and a restart a socket copy that the tail has not read is shipped", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  const now = Math.floor(Date.now() / 1000);
  const first = await TestTail.start(tree);
  tree.write(line(now - 60), line(now - 50));
  await first.turn();
  tree.write(line(future), line(future));
  await first.turn();
  await first.stop();
  const second = new TestTail(tree);
  const { lastSecond } = await second.tail.load();
  assert.equal(lastSecond, now - 50);
  await second.crash();

  const pairing = new Pairing<Shipment>(new PairingWindow(), { socketOnly: false });
  pairing.restore(undefined, lastSecond);
  const delivery = new Delivery({ sink: new MemorySink(), pairing }).begin();
  assert.equal(delivery.offer("socket", alertBytes(`${now}.1`)).verdict.kind, "taken");
  assert.equal(delivery.offer("socket", alertBytes(`${now - 50}.1`)).verdict.kind, "deferred");
});

test("a second in the future that an earlier version left in the checkpoint counts as unknown", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  const first = await TestTail.start(tree);
  await first.stop();
  const path = `${tree.stateDir}/checkpoint.json`;
  const decoded = decodeCheckpoint(readFileSync(path, "utf8"));
  assert.ok(decoded.kind === "valid");
  writeFileSync(path, encodeCheckpoint({ ...decoded.body, newestSecond: future }, 99));
  await using second = new TestTail(tree);
  assert.equal((await second.tail.load()).lastSecond, -1);
});

test("an alert dated 2038 that the window has forgotten makes no socket copy seem old", () => {
  const pairing = new Pairing<Shipment>(new PairingWindow(4, 2), { socketOnly: false });
  const delivery = new Delivery({ sink: new MemorySink(), pairing }).begin();
  const now = Math.floor(Date.now() / 1000);
  delivery.offer("tail", alertBytes(`${future}.1`));
  for (let at = 0; at < 8; at++) delivery.offer("tail", alertBytes(`${now - 100 + at}.1`));
  assert.equal(delivery.offer("socket", alertBytes(`${now}.1`)).verdict.kind, "taken");
});

test("when the clock was a day ahead and is corrected, the second that the tail has reached is that of the lines", async () => {
  using tree = new LogTree();
  tree.rotate("21");
  const now = Math.floor(Date.now() / 1000);
  const first = await TestTail.start(tree);
  for (const second of [now - 100, now - 90_000, now - 90_001]) {
    tree.write(line(second));
    await first.turn();
  }
  await first.stop();
  const second = new TestTail(tree);
  assert.equal((await second.tail.load()).lastSecond, now - 90_000);
  await second.crash();
});

test("after a restart while the clock is at 1970 the socket copy of an alert that was read is left to the tail", async (t) => {
  using tree = new LogTree();
  tree.rotate("21");
  const now = Math.floor(Date.now() / 1000);
  const first = await TestTail.start(tree);
  tree.write(line(now - 60), line(now - 50));
  await first.turn();
  await first.stop();
  t.mock.timers.enable({ apis: ["Date"], now: 20_000 });
  const second = new TestTail(tree);
  const { lastSecond } = await second.tail.load();
  await second.crash();
  assert.equal(lastSecond, now - 50);

  const pairing = new Pairing<Shipment>(new PairingWindow(), { socketOnly: false });
  pairing.restore(undefined, lastSecond);
  const delivery = new Delivery({ sink: new MemorySink(), pairing }).begin();
  assert.equal(delivery.offer("socket", alertBytes(`${now - 50}.1`)).verdict.kind, "deferred");
  assert.equal(delivery.offer("socket", alertBytes(`${now}.1`)).verdict.kind, "taken");
});
