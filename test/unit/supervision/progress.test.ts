import assert from "node:assert/strict";
import { test } from "node:test";
import { ProgressWatch } from "../../../daemon/supervision/progress.ts";
import { factsWith } from "./facts.ts";

const minute = 60_000;

test("an idle forwarder whose tail polls makes progress; one whose tail stalls for a minute does not", () => {
  const watch = new ProgressWatch(0);
  const facts = factsWith({});
  assert.equal(watch.look(facts, 1, 0).isStuck, false);
  assert.equal(watch.look(facts, 2, minute).isStuck, false);
  assert.equal(watch.look(facts, 2, 2 * minute - 1).isStuck, false);
  assert.match(watch.look(facts, 2, 2 * minute).what, /tail/);
  assert.equal(watch.look(facts, 3, 2 * minute + 1).isStuck, false);
});

test("without a tail an idle forwarder makes progress", () => {
  const watch = new ProgressWatch(0);
  assert.equal(watch.look(factsWith({}), undefined, 10 * minute).isStuck, false);
});

test("alerts without an outcome for a minute mean no progress, whatever the tail does", () => {
  const watch = new ProgressWatch(0);
  watch.look(factsWith({ alerts: 5, acknowledged: 1 }), 1, 0);
  assert.equal(watch.look(factsWith({ alerts: 5, acknowledged: 2 }), 2, minute - 1).isStuck, false);
  assert.equal(watch.look(factsWith({ alerts: 5, acknowledged: 2 }), 3, 2 * minute - 2).isStuck, false);
  assert.match(watch.look(factsWith({ alerts: 5, acknowledged: 2 }), 4, 2 * minute).what, /5 alerts wait/);
});

test("while Kafka is known to be away nothing is stuck, and the time counts from its return", () => {
  const watch = new ProgressWatch(0);
  const away = factsWith({ alerts: 5, troubles: 1 });
  for (let at = 0; at <= 10 * minute; at += minute) assert.equal(watch.look(away, 1, at).isStuck, false);
  const back = factsWith({ alerts: 5 });
  assert.equal(watch.look(back, 1, 10 * minute + 59_999).isStuck, false);
  assert.equal(watch.look(back, 1, 11 * minute).isStuck, true);
});

test("a tail that waits for room is not a stalled tail", () => {
  const watch = new ProgressWatch(0);
  for (let at = 0; at < 5; at++) {
    assert.equal(watch.look(factsWith({ alerts: 9, acknowledged: at }), 1, at * (minute - 1)).isStuck, false);
  }
});

test("starting and stopping are not judged", () => {
  const watch = new ProgressWatch(0);
  assert.equal(watch.look(factsWith({ alerts: 5, isReady: false }), 1, 10 * minute).isStuck, false);
});
