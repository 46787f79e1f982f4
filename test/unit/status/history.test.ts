import assert from "node:assert/strict";
import { test } from "node:test";
import type { StatusSnapshot } from "../../../daemon/status/facts.ts";
import { History } from "../../../daemon/status/history.ts";
import { present } from "../../rig/present.ts";
import { aForwarder, counts, countsOf } from "./a-forwarder.ts";

function snapshot(read: number, ignored: number, lagSeconds: number | undefined): StatusSnapshot {
  const facts = aForwarder({ sources: countsOf({ tail: counts({ read, ignored, acknowledged: read - ignored }) }) });
  return { ...facts, log: { ...present(facts.log), lagSeconds }, health: { state: "ok", reasons: [] } };
}

/** Milliseconds since 1970 when the monotonic clock was 0. */
const epoch = 1_800_000_000_000;

test("a point every ten seconds: rates are what came since the last one, levels the highest meanwhile", () => {
  const history = new History();
  for (let second = 0; second <= 20; second++) {
    const lag = second === 4 ? 7 : second > 10 ? undefined : 1;
    history.add(snapshot(100 * second, 90 * second, lag), 1000 * second, epoch + 1000 * second);
  }
  const { curves, everySeconds, endedAt } = history.report();
  assert.deepEqual([everySeconds, endedAt], [10, epoch + 20_000]);
  assert.deepEqual(curves.readPerSecond, [100, 100]);
  assert.deepEqual(curves.relevantPerSecond, [10, 10]);
  assert.deepEqual(curves.acknowledgedPerSecond, [10, 10]);
  assert.deepEqual(curves.lagSeconds, [7, null]);
});

test("before the first ten seconds there are no points, and counts that a reload takes back are no negative rate", () => {
  const history = new History();
  history.add(snapshot(500, 0, 0), 0, epoch);
  assert.deepEqual(history.report().curves.readPerSecond, []);
  assert.equal(history.report().endedAt, undefined);
  history.add(snapshot(400, 0, 0), 10_000, epoch);
  assert.deepEqual(history.report().curves.readPerSecond, [0]);
});

test("it keeps an hour, the newest points last, and a standstill is a gap, however long", () => {
  const history = new History();
  for (let point = 0; point <= 400; point++) history.add(snapshot(10 * point * point, 0, point), 10_000 * point, epoch);
  const { lagSeconds, readPerSecond } = history.report().curves;
  assert.equal(lagSeconds.length, 360);
  assert.deepEqual([lagSeconds[0], lagSeconds.at(-1)], [41, 400]);
  assert.equal(readPerSecond.at(-1), 400 * 400 - 399 * 399);
  history.add(snapshot(0, 0, 5), 10_000 * 403, epoch);
  assert.deepEqual(history.report().curves.lagSeconds.slice(-4), [400, null, null, 5]);
  history.add(snapshot(0, 0, 6), 10_000 * 1_000_000, epoch);
  const { lagSeconds: after } = history.report().curves;
  assert.deepEqual([after.length, after.filter((value) => value !== null)], [360, [6]]);
});
