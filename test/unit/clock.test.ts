import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { mock, test } from "node:test";
import { untilNext } from "../../daemon/clock.ts";
import { repositoryRoot } from "../../scripts/repository.ts";
import { eventually } from "../rig/eventually.ts";
import { openSink, summary, write } from "./sinks/kafka/rig.ts";
import { sourceFiles } from "./source/files.ts";
import { ScriptedBroker } from "./sinks/kafka/scripted-broker.ts";

const hourMs = 3_600_000;

test("what is done once a period is due in the same moment, wherever in the period the waits begin", () => {
  for (const periodMs of [100, 1000]) {
    const due = new Set<number>();
    for (let nowMs = 7_200_000.25; nowMs < 7_200_000 + periodMs; nowMs += periodMs / 40) {
      const waitMs = untilNext(periodMs, nowMs);
      assert.ok(waitMs >= periodMs / 2 && waitMs < periodMs * 1.5, `${waitMs} ms from ${nowMs}`);
      due.add(nowMs + waitMs);
    }
    assert.deepEqual([...due], [7_200_000 + periodMs, 7_200_000 + 2 * periodMs]);
  }
});

test("nothing in the Kafka sink uses the time of day, except for what is shown and for records' timestamps", () => {
  const uses = new Map<string, number>();
  for (const path of [...sourceFiles("daemon/sinks/kafka"), "daemon/clock.ts"]) {
    const source = readFileSync(join(repositoryRoot, path), "utf8").replaceAll(/^import .*$/gm, "");
    const found = [...source.matchAll(/\bnew Date\b|\bDate\(|\bDate\.now\b|\btimeOfDayMs\(\)|\bhrtime\b/g)];
    if (found.length > 0) uses.set(basename(path), found.length);
  }
  assert.deepEqual(Object.fromEntries(uses), {
    // When lost records were written, in the command that sends them again.
    "acknowledged.ts": 1,
    // Where both clocks are.
    "clock.ts": 2,
    // Since when a condition lasts, for the status.
    "conditions.ts": 2,
    // Certificates end at a time of day.
    "inspection.ts": 1,
    // Since when a look-up waits, for the status.
    "lookup-waits.ts": 1,
    // For how long a topic keeps records: those timestamps are times of day.
    "read-records.ts": 1,
    // The timestamp of records, and the one that they get when the first is refused.
    "sealed-batch.ts": 2,
    // When the last record was acknowledged, for the status.
    "sink.ts": 1,
  });
});

/** Sets the clock back by an hour while `step` runs, once `when` is reached. */
async function withClockSetBack(step: (setBack: () => void) => Promise<void>): Promise<void> {
  const now = Date.now();
  mock.timers.enable({ apis: ["Date"], now });
  try {
    await step(() => {
      mock.timers.reset();
      mock.timers.enable({ apis: ["Date"], now: now - hourMs });
    });
  } finally {
    mock.timers.reset();
  }
}

test("a clock that is set back by an hour does not keep the sink from connecting again", async () => {
  await withClockSetBack(async (setBack) => {
    await using broker = await ScriptedBroker.start();
    await using sink = openSink([broker.address]);
    broker.refusesConnections = true;
    const written = write(sink, "a");
    await eventually("attempts to connect", () => broker.connections >= 3);
    setBack();
    broker.refusesConnections = false;
    assert.deepEqual(summary(await written), [0]);
  });
});

test("a clock that is set back by an hour does not keep a request from timing out", async () => {
  await withClockSetBack(async (setBack) => {
    await using broker = await ScriptedBroker.start();
    await using sink = openSink([broker.address], { requestTimeoutMs: 1000 });
    broker.react = (_request, count) => (count === 1 ? "silence" : "append");
    const written = write(sink, "a");
    await eventually("the first request", () => broker.produced.length === 1);
    setBack();
    assert.deepEqual(summary(await written), [0]);
  });
});
