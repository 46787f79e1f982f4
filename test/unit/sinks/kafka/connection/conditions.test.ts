import assert from "node:assert/strict";
import { test } from "node:test";
import { KafkaConditions } from "../../../../../daemon/sinks/kafka/connection/conditions.ts";
import { classifyError } from "../../../../../daemon/sinks/kafka/protocol/errors.ts";
import { Lines } from "../rig.ts";

const silence = classifyError(new Error("no broker answers within 4 s"));

test("a question without an answer is no trouble if a broker acknowledged something while it was asked", () => {
  let nowMs = 0;
  let failures = 0;
  const conditions = new KafkaConditions(
    new Lines().log,
    () => nowMs,
    () => (failures += 1),
  );
  nowMs = 3000;
  conditions.reached();
  nowMs = 4000;
  conditions.unreached(silence, 4000);
  assert.deepEqual(conditions.lasting, []);
  nowMs = 8000;
  conditions.unreached(silence, 4000);
  assert.deepEqual(
    conditions.lasting.map(({ subject }) => subject),
    ["Kafka"],
  );
  assert.equal(failures, 2);
  conditions.reached();
  assert.deepEqual(conditions.lasting, []);
});
