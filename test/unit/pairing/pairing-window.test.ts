import assert from "node:assert/strict";
import { test } from "node:test";
import type { Content } from "../../../daemon/pairing/copy-counts.ts";
import type { Fingerprint } from "../../../daemon/pairing/fingerprint.ts";
import { PairingWindow } from "../../../daemon/pairing/pairing-window.ts";
import { secondOf } from "../../../daemon/delivery/shipment.ts";

function fingerprint(low: number): Fingerprint {
  return { high: 1, low };
}

test("the k-th line of an id pairs with the k-th socket copy, whichever comes first", () => {
  const pairing = new PairingWindow(10, 5);
  assert.deepEqual(pairing.tail(fingerprint(1), 100), { kind: "first", occurrence: 1, differs: false });
  assert.deepEqual(pairing.tail(fingerprint(1), 100), { kind: "first", occurrence: 2, differs: false });
  assert.deepEqual(pairing.socket(fingerprint(1), 100, 100), { kind: "duplicate", occurrence: 1 });
  assert.deepEqual(pairing.socket(fingerprint(1), 100, 100), { kind: "duplicate", occurrence: 2 });
  assert.deepEqual(pairing.socket(fingerprint(1), 100, 100), { kind: "repeat" });
  assert.deepEqual(pairing.socket(fingerprint(2), 100, 100), { kind: "first", occurrence: 1, differs: false });
  assert.deepEqual(pairing.socket(fingerprint(2), 100, 100), { kind: "repeat" });
  assert.deepEqual(pairing.tail(fingerprint(2), 100), { kind: "duplicate", occurrence: 1 });
  assert.deepEqual(pairing.tail(fingerprint(2), 100), { kind: "first", occurrence: 2, differs: false });
});

test("a socket copy of an alert that the window forgot is covered; a newer one is not", () => {
  const pairing = new PairingWindow(4, 1);
  for (let second = 1; second <= 10; second++) pairing.tail(fingerprint(second), second);
  assert.equal(pairing.size, 3);
  assert.deepEqual(pairing.socket(fingerprint(2), 2, 10), { kind: "covered" });
  assert.deepEqual(pairing.socket(fingerprint(11), 11, 10), { kind: "first", occurrence: 1, differs: false });
});

test("an alert without a time that was forgotten is covered too", () => {
  const pairing = new PairingWindow(4, 1);
  assert.deepEqual(pairing.socket(fingerprint(100), -1, -1), { kind: "first", occurrence: 1, differs: false });
  pairing.tail(fingerprint(100), -1);
  for (let i = 1; i <= 5; i++) pairing.tail(fingerprint(i), -1);
  assert.deepEqual(pairing.socket(fingerprint(1), -1, -1), { kind: "covered" });
});

test("alerts that only the socket has brought are kept until the tail reads them, and have a limit of their own", () => {
  const pairing = new PairingWindow(6, 3);
  for (let i = 1; i <= 3; i++) assert.equal(pairing.socket(fingerprint(i), i, -1).kind, "first");
  assert.deepEqual(pairing.socket(fingerprint(4), 4, -1), { kind: "full" });
  for (let i = 10; i < 100; i++) pairing.tail(fingerprint(i), i);
  for (let i = 1; i <= 3; i++) assert.deepEqual(pairing.tail(fingerprint(i), i), { kind: "duplicate", occurrence: 1 });
  assert.equal(pairing.socket(fingerprint(101), 101, 99).kind, "first");
});

test("a window full of alerts that only the socket has brought still takes the tail's alerts", () => {
  const pairing = new PairingWindow(5, 1000);
  let taken = 0;
  for (let i = 1; i <= 10; i++) if (pairing.socket(fingerprint(i), i, -1).kind === "first") taken += 1;
  assert.equal(taken, 3);
  for (let i = 20; i < 30; i++) assert.equal(pairing.tail(fingerprint(i), i).kind, "first");
  assert.ok(pairing.size <= 4);
});

test("a restored window continues from where the saved one stopped, within its own limits", () => {
  const pairing = new PairingWindow(20, 10);
  pairing.tail(fingerprint(1), 1);
  pairing.socket(fingerprint(2), 2, 1);
  for (let i = 3; i < 9; i++) pairing.socket(fingerprint(i), i, 1);
  const saved = pairing.save();
  const same = new PairingWindow(20, 10);
  same.restore(saved);
  assert.deepEqual(same.save(), saved);
  assert.deepEqual(same.socket(fingerprint(1), 1, 1), { kind: "duplicate", occurrence: 1 });
  assert.deepEqual(same.tail(fingerprint(2), 2), { kind: "duplicate", occurrence: 1 });
  const smaller = new PairingWindow(5, 2);
  smaller.restore(saved);
  assert.ok(smaller.size <= 4);
  assert.deepEqual(smaller.socket(fingerprint(100), 100, 1), { kind: "full" });
  for (let i = 20; i < 30; i++) assert.equal(smaller.tail(fingerprint(i), i).kind, "first");
});

test("a second that does not fit into the window is ignored, and the latest that fits is saved as it is", () => {
  const lateMs = 0xffffffff * 1000;
  const seconds = ["4294967294.1", "4294967295.1", "0.1", "-1.1", ".1"].map((id) => secondOf(id, lateMs));
  assert.deepEqual(seconds, [0xfffffffe, -1, 0, -1, -1]);
  for (const second of seconds.slice(0, 2)) {
    const pairing = new PairingWindow(3, 1);
    pairing.tail(fingerprint(1), second);
    const restored = new PairingWindow(3, 1);
    restored.restore(pairing.save());
    for (let i = 2; i < 4; i++) restored.tail(fingerprint(i), 0);
    assert.deepEqual(restored.socket(fingerprint(1), second, 0xfffffffe), { kind: "covered" });
    assert.equal(restored.forgottenSecond, Math.max(second, -1));
  }
});

const said: Content = { high: 7, low: 7 };
const other: Content = { high: 7, low: 8 };

test("a line of the log that differs from the socket's copy is shipped too", () => {
  const pairing = new PairingWindow(10, 1);
  assert.equal(pairing.socket(fingerprint(1), 1, -1, other).kind, "first");
  assert.deepEqual(pairing.tail(fingerprint(1), 1, said), { kind: "first", occurrence: 1, differs: true });
  // What integratord brings now pairs with the line, and what contradicts it never counts, however often it comes.
  assert.deepEqual(pairing.socket(fingerprint(1), 1, 1, other), { kind: "differs" });
  assert.deepEqual(pairing.socket(fingerprint(1), 1, 1, said), { kind: "duplicate", occurrence: 1 });
  assert.deepEqual(pairing.socket(fingerprint(1), 1, 1, other), { kind: "differs" });
  assert.deepEqual(pairing.tail(fingerprint(1), 1, said), { kind: "first", occurrence: 2, differs: false });
  // It no longer counts as one that only the socket has brought.
  assert.equal(pairing.socket(fingerprint(2), 2, 1, said).kind, "first");
});

test("a socket copy that differs from the line before it is not shipped", () => {
  const pairing = new PairingWindow(10, 5);
  pairing.tail(fingerprint(1), 1, said);
  assert.deepEqual(pairing.socket(fingerprint(1), 1, 1, other), { kind: "differs" });
  assert.deepEqual(pairing.socket(fingerprint(1), 1, 1, said), { kind: "duplicate", occurrence: 1 });
});

test("copies of lines that share everything that identifies an alert, but differ in content, contradict none of them", () => {
  const pairing = new PairingWindow(10, 5);
  pairing.tail(fingerprint(1), 1, said);
  assert.deepEqual(pairing.tail(fingerprint(1), 1, other), { kind: "first", occurrence: 2, differs: false });
  assert.deepEqual(pairing.socket(fingerprint(1), 1, 1, said), { kind: "duplicate", occurrence: 1 });
  assert.deepEqual(pairing.socket(fingerprint(1), 1, 1, other), { kind: "duplicate", occurrence: 2 });
});

test("the content digests of alerts are saved with the window", () => {
  const pairing = new PairingWindow(10, 5);
  pairing.tail(fingerprint(1), 1, said);
  pairing.socket(fingerprint(2), 2, 1, other);
  const restored = new PairingWindow(10, 5);
  restored.restore(pairing.save());
  assert.deepEqual(restored.socket(fingerprint(1), 1, 1, other), { kind: "differs" });
  assert.deepEqual(restored.tail(fingerprint(2), 2, said), { kind: "first", occurrence: 1, differs: true });
});

test("a copy that is withdrawn counts as new when it comes again", () => {
  const pairing = new PairingWindow(10, 1);
  pairing.socket(fingerprint(1), 1, -1);
  pairing.undo(fingerprint(1), "socket");
  pairing.undo(fingerprint(1), "socket");
  assert.equal(pairing.knows(fingerprint(1)), false);
  assert.equal(pairing.save().length, 0);
  assert.deepEqual(pairing.socket(fingerprint(2), 2, -1), { kind: "first", occurrence: 1, differs: false });
  pairing.tail(fingerprint(2), 2);
  pairing.undo(fingerprint(2), "tail");
  assert.deepEqual(pairing.socket(fingerprint(3), 3, -1), { kind: "full" });
});
