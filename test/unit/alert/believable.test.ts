import assert from "node:assert/strict";
import { test } from "node:test";
import { isBelievable } from "../../../daemon/alert/believable.ts";
import { secondOf } from "../../../daemon/delivery/shipment.ts";
import { ReadProgress } from "../../../daemon/sources/tail/position/read-progress.ts";

const second = Math.floor(Date.UTC(2026, 10, 29) / 1000);
const atEpoch = 20_000;

test("a time up to an hour ahead of the machine's clock is believed, a later one is not", () => {
  assert.ok(isBelievable(second + 3600, second * 1000));
  assert.ok(!isBelievable(second + 3601, second * 1000));
});

test("while the machine's clock is at 1970 alerts keep their seconds, so that copies of alerts already read are recognised", () => {
  assert.ok(isBelievable(second, atEpoch));
  assert.equal(secondOf(`${second}.12`, atEpoch), second);
  const journal = new ReadProgress();
  journal.sawTime(second * 1000, atEpoch);
  assert.equal(
    journal.snapshot(0, { sink: {} }).complete({ before: { length: 0, hash: "" }, trail: undefined, proofs: [] })
      .newestSecond,
    second,
  );
});
