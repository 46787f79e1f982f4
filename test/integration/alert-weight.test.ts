/** What the byte budget counts for an alert that waits, compared with what the heap holds for it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Relevance } from "../../daemon/delivery/relevance.ts";
import { SinkOffsets } from "../../daemon/delivery/sink-offsets.ts";
import { PipelineIntake } from "../../daemon/forwarder/tail-intake.ts";
import { passthroughHandler } from "../../daemon/handlers/passthrough.ts";
import { defaultEventIds, windowsHandler } from "../../daemon/handlers/windows.ts";
import { Ledger } from "../../daemon/sources/tail/position/ledger.ts";
import { BenchAlerts } from "../bench/alerts.ts";
import { Delivery } from "../rig/delivery.ts";
import { MemorySink } from "../rig/memory-sink.ts";

const alerts = 10_000;

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

function heldBytes(): number {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

for (const handler of [passthroughHandler({ topic: "alerts" }), windowsHandler("alerts", defaultEventIds)]) {
  test(`the budget counts what an alert that waits for the sink holds in memory (${handler.name})`, () => {
    const sink = new MemorySink({ maxInFlight: 3 });
    sink.isHolding = true;
    const offsets = new SinkOffsets();
    const delivery = new Delivery({ sink, handlers: [handler], offsets, batches: { maxBytes: 900_000 } }).begin();
    const { pipeline, shipper, budget } = delivery;
    const relevance = new Relevance(handler.needles);
    const counters = delivery.counters.tail;
    const intake = new PipelineIntake({ pipeline, relevance, shipper, counters, budget }, () => undefined);
    const ledger = new Ledger<undefined>();
    const source = new BenchAlerts({ relevantEvery: 1 });
    const lines = Array.from({ length: alerts }, () => Buffer.from(source.next()));
    const before = heldBytes();
    for (const [offset, line] of lines.entries()) {
      const bytes = Buffer.from(line.subarray(0, -1));
      const place = { file: "alerts.json", offset, length: bytes.length };
      const number = ledger.take(undefined, offset);
      ledger.handed(number, !intake.deliver(bytes, place, ledger, number, false));
    }
    const held = heldBytes() - before;
    assert.equal(ledger.size, lines.length);
    // Also keeps what was measured from being collected before.
    assert.equal(delivery.outbox.open, lines.length);
    const perAlert = `${Math.round(held / alerts)} bytes an alert, ${Math.round(budget.usedBytes / alerts)} counted`;
    assert.ok(held < budget.usedBytes && held > budget.usedBytes / 2, perAlert);
  });
}
