import assert from "node:assert/strict";
import { test } from "node:test";
import type { SinkSettings } from "../../../daemon/config/sections/sink.ts";
import { createSink, sinkAnswer, sinkDefinition } from "../../../daemon/sink-kinds/registry.ts";
import { noTelemetry } from "../../../daemon/sinks/kafka/connection/telemetry.ts";
import { silentLog } from "../../../daemon/telemetry/log.ts";
import { configOf, least } from "../config/written.ts";

const configurations = {
  kafka: least,
  file: "dfn: { customer_id: acme }\nsink: { file: { path: /nowhere/records.ndjson } }\n",
} as const satisfies Record<SinkSettings["kind"], string>;
const latency = { answers: 2, p50Ms: 1, p99Ms: 2, maxMs: 2 };

for (const [kind, text] of Object.entries(configurations)) {
  test(`the ${kind} sink that the settings name is made, and its state passes the check of a status`, async () => {
    const settings = configOf(text).sink;
    assert.equal(settings.kind, kind);
    const definition = sinkDefinition(settings);
    assert.equal(definition.kind, kind);
    const { sink, state } = createSink(settings, { env: {}, log: silentLog, telemetry: noTelemetry });
    await using _ = sink;
    for (const one of [state(undefined), state(latency)]) {
      assert.equal(one.kind, kind);
      assert.equal(sinkAnswer.safeParse(JSON.parse(JSON.stringify(one))).error, undefined);
      assert.ok(definition.summary(one, 0).length > 0);
      assert.equal(definition.isHeldUp(one), false);
      assert.deepEqual(definition.troubles(one), []);
    }
    const { maxBytes, maxRecords } = definition.batchLimits(settings);
    assert.ok(maxBytes > 0 && maxRecords > 0);
  });
}

function filesOf(text: string): readonly string[] {
  const { sink } = configOf(text);
  return sinkDefinition(sink).writtenFiles(sink);
}

test("only the sink that writes files names files that its user must be able to replace", () => {
  assert.deepEqual(filesOf(configurations.kafka), []);
  assert.deepEqual(filesOf(configurations.file), ["/nowhere/records.ndjson"]);
});

test("a status of an unknown kind of sink is refused", () => {
  assert.equal(sinkAnswer.safeParse({ kind: "pigeon" }).success, false);
});
