import assert from "node:assert/strict";
import { test } from "node:test";
import { ConditionLog } from "../../../daemon/telemetry/condition-log.ts";
import { RecordingLog } from "../sources/tail/support/recording-log.ts";

test("a condition is logged when it has lasted, again each minute, and once when it is over", () => {
  const { log, lines } = new RecordingLog();
  let now = 0;
  const condition = new ConditionLog(log, { now: () => now, patienceMs: 1000 });
  for (now = 0; now < 125_000; now += 500) condition.raise("away", { code: "away" });
  assert.equal(lines.length, 3);
  assert.equal(condition.reason, "away");
  condition.clear("back");
  condition.clear("back");
  assert.equal(lines.length, 4);
  assert.equal(condition.reason, undefined);
});

test("a condition that passes soon is not logged at all", () => {
  const { log, lines } = new RecordingLog();
  let now = 0;
  const condition = new ConditionLog(log, { now: () => now, patienceMs: 1000 });
  for (now = 0; now < 10_000; now += 900) {
    condition.raise("away", { code: "away" });
    condition.clear("back");
  }
  assert.deepEqual(lines, []);
});

test("a condition of another code is logged at once, another reason of the same code is only reported", () => {
  const { log, lines } = new RecordingLog();
  const condition = new ConditionLog(log, { now: () => 0 });
  condition.raise("a", { code: "one", level: "warn" });
  condition.raise("b", { code: "one" });
  assert.equal(condition.reason, "b");
  condition.raise("c", { code: "two", text: "text of c" });
  assert.deepEqual(
    lines.map((line) => line.slice(0, 10)),
    ['warn: a"}\n', "error: tex"],
  );
});

test("without repetition it is logged once, and its end with how long it lasted", () => {
  const { log, lines } = new RecordingLog();
  let now = 0;
  const condition = new ConditionLog(log, { now: () => now, repeatMs: Infinity });
  for (now = 0; now < 600_000; now += 1000) condition.raise("full", { code: "full" });
  condition.clear((lastedMs) => `over after ${lastedMs} ms`);
  assert.equal(lines.length, 2);
  assert.match(lines[1] ?? "", /^info: over after 600000 ms/);
});
