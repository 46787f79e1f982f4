import assert from "node:assert/strict";
import { test } from "node:test";
import { SourceCounters, type CountedOutcome } from "../../../daemon/telemetry/counters.ts";
import { seededRandom } from "../../rig/random.ts";

const outcomes: readonly CountedOutcome[] = ["acknowledged", "ignored", "dead-letter", "paired"];

test("read is the sum of the others after every single event", () => {
  const random = seededRandom(7);
  const counters = new SourceCounters();
  let open = 0;
  for (let step = 0; step < 5000; step++) {
    const choice = random();
    if (choice < 0.2) counters.passedBy(Math.floor(random() * 1000));
    else if (choice < 0.6) {
      counters.taken();
      open += 1;
    } else if (open > 0) {
      counters.settled(outcomes[Math.floor(random() * outcomes.length)] ?? "ignored");
      open -= 1;
    }
    const { read, ignored, paired, inFlight, acknowledged, deadLettered } = counters.snapshot();
    assert.equal(inFlight, open);
    assert.equal(read, ignored + paired + inFlight + acknowledged + deadLettered);
  }
});

test("each outcome is counted under its own name", () => {
  const counters = new SourceCounters();
  for (const outcome of outcomes) {
    counters.taken();
    counters.settled(outcome);
  }
  counters.taken();
  counters.passedBy(10);
  assert.deepEqual(counters.snapshot(), {
    read: 15,
    ignored: 11,
    paired: 1,
    inFlight: 1,
    acknowledged: 1,
    deadLettered: 1,
  });
});

test("a snapshot does not change after it was taken", () => {
  const counters = new SourceCounters();
  const before = counters.snapshot();
  counters.taken();
  assert.equal(before.read, 0);
});
