import assert from "node:assert/strict";
import { test } from "node:test";
import { DeliveryTimes, noTime } from "../../../daemon/telemetry/delivery-times.ts";
import { PowerHistogram } from "../../../daemon/telemetry/power-histogram.ts";

const hour = 3_600_000;

test("a duration is in the first bucket whose bound it does not exceed, and in all later ones", () => {
  const histogram = new PowerHistogram(3, 5);
  for (const ms of [-5, 0, 8, 9, 16, 17, 32, 33, 2 ** 31 - 1]) histogram.add(ms);
  assert.deepEqual(histogram.buckets, [
    [0.008, 3],
    [0.016, 5],
    [0.032, 7],
    [Infinity, 9],
  ]);
  assert.equal(histogram.sumSeconds, (8 + 9 + 16 + 17 + 32 + 33 + 2 ** 31 - 1) / 1000);
});

test("an alert's time counts until the answer of its batch, whatever came of the process's clock before", () => {
  let now = 1_700_000_000_500;
  const times = new DeliveryTimes(() => now);
  const mark = times.mark(now - 2 * hour);
  now += 1000;
  times.answered();
  now += hour;
  times.delivered("socket", mark);
  assert.equal(times.of("socket").sumSeconds, 7201);
  assert.equal(times.of("tail").sumSeconds, 0);
});

test("marks are small integers, also of alerts of years ago and of a clock that was wrong", () => {
  const times = new DeliveryTimes(() => 1_700_000_000_000);
  assert.equal(times.mark(Number.NaN), noTime);
  for (const timeMs of [0, 1_700_000_000_000, 4_000_000_000_000, -1e15]) {
    const mark = times.mark(timeMs);
    assert.equal(mark, mark | 0);
    assert.notEqual(mark, noTime);
  }
  times.answered();
  times.delivered("tail", times.mark(0));
  assert.equal(times.of("tail").buckets.at(-1)?.[1], 1);
});
