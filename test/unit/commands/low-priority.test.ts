import assert from "node:assert/strict";
import { test } from "node:test";
import { isWorthRest, restAfter, waitingOf } from "../../../daemon/commands/low-priority.ts";

test("who has worked for long and had to wait for a processor rests; who had one, or has hardly begun, goes on", () => {
  const last = { atMs: 1000, waitedMs: 200, workedMs: 60_000 };
  assert.ok(isWorthRest(last, { atMs: 1100, waitedMs: 226, workedMs: 60_050 }));
  assert.ok(!isWorthRest(last, { atMs: 1100, waitedMs: 224, workedMs: 60_050 }));
  assert.ok(!isWorthRest({ ...last, workedMs: 100 }, { atMs: 1100, waitedMs: 290, workedMs: 110 }));
});

test("rests grow while the processors stay busy, up to a limit, and begin anew after a look at which they were not", () => {
  const rests = [0];
  for (const isBusy of [true, true, true, true, true, false, true])
    rests.push(restAfter(rests.at(-1) ?? 0, 1500, isBusy));
  assert.deepEqual(rests, [0, 400, 800, 1500, 1500, 1500, 0, 400]);
  assert.equal(restAfter(0, 200, true), 200);
});

test("the system says how long this process waited and worked", () => {
  const [first, second] = [waitingOf(), waitingOf()];
  assert.ok(first !== undefined && second !== undefined);
  assert.ok(first.waitedMs >= 0 && first.workedMs > 0);
  assert.ok(second.waitedMs >= first.waitedMs && second.workedMs >= first.workedMs && second.atMs > first.atMs);
});
