import assert from "node:assert/strict";
import { test } from "node:test";
import type { StatusView } from "../../../daemon/page/status-view.ts";
import { wayOf, type Step } from "../../../daemon/page/way.ts";
import type { Facts } from "../../../daemon/status/facts.ts";
import { present } from "../../rig/present.ts";
import { aForwarder, counts, countsOf } from "../status/a-forwarder.ts";

function statusOf(some: Partial<Facts> = {}): StatusView {
  return { ...aForwarder(some), health: { state: "ok", reasons: [] } };
}

function stepsOf(some: Partial<Facts> = {}): Map<string, Step> {
  const steps = wayOf({ status: statusOf(some), atMs: 0 }, undefined, 1_700_000_060_000);
  return new Map(steps.map((step) => [step.name, step]));
}

test("each step has its own count, and what is ignored, paired or dead is counted aside", () => {
  const sources = countsOf({
    tail: counts({ read: 100, ignored: 80, paired: 4, inFlight: 3, acknowledged: 12, deadLettered: 1 }),
    socket: counts({ read: 10, ignored: 2, paired: 3, inFlight: 0, acknowledged: 5, deadLettered: 0 }),
  });
  const events = { lastSeen: {}, leftOut: {}, records: { windows: 15, fail2ban: 6 } };
  const steps = stepsOf({ sources, events, queue: { alerts: 3, bytes: 1500, limitBytes: 2_000_000 } });
  const count = (name: string): number | undefined => steps.get(name)?.count;
  assert.deepEqual([count("tail"), count("socket"), count("relevant"), count("ignored")], [100, 10, 28, 82]);
  assert.deepEqual([count("pairing"), count("handlers"), count("queue")], [7, 21, 3]);
  assert.deepEqual([count("sink"), count("deadLetters")], [17, 1]);
  assert.equal(steps.get("handlers")?.note, "windows 15, fail2ban 6");
  assert.equal(steps.get("queue")?.note, "1.5 KB of 2.0 MB");
});

test("a step without its part is left out", () => {
  const steps = stepsOf({ log: undefined, socket: undefined, pairingWindow: undefined });
  assert.deepEqual([...steps.keys()], ["relevant", "ignored", "handlers", "queue", "sink", "deadLetters"]);
});

test("what is wrong at a step marks it: a log that cannot be read or is behind, a sink, open dead letters", () => {
  const log = present(aForwarder().log);
  assert.deepEqual(
    [...stepsOf().values()].filter(({ isBad }) => isBad),
    [],
  );
  const waiting = stepsOf({ log: { ...log, state: "waiting: alerts.json does not exist" } }).get("tail");
  assert.deepEqual([waiting?.isBad, waiting?.note], [true, "waiting: alerts.json does not exist"]);
  assert.equal(stepsOf({ log: { ...log, lagSeconds: 61 } }).get("tail")?.isBad, true);
  const file = { kind: "file", trouble: "records cannot be written: ENOSPC" } as const;
  assert.deepEqual(
    [stepsOf({ sink: file }).get("sink")?.isBad, stepsOf({ sink: file }).get("sink")?.title],
    [true, "file"],
  );
  const { deadLetters } = aForwarder();
  const open = { entries: 2, since: undefined, causes: [], detail: undefined };
  assert.equal(stepsOf({ deadLetters: { ...deadLetters, open } }).get("deadLetters")?.isBad, true);
});
