/**
 * Rows a and b: the forwarder's own tail, relevance, handlers and pipeline over a file from its beginning, with a sink
 * that only counts. Arguments: configuration file. Prints the milliseconds from the tail's start to the end of the log
 * with an outcome for every line, and the numbers of lines read and records counted, as JSON.
 */
import type { Batch, Sink, WriteOutcome } from "../../../daemon/contract.ts";
import { SinkOffsets } from "../../../daemon/delivery/sink-offsets.ts";
import { loadConfiguration } from "../../../daemon/config/load.ts";
import { createCounters } from "../../../daemon/forwarder/counters.ts";
import { createCore } from "../../../daemon/forwarder/core.ts";
import { PipelineIntake } from "../../../daemon/forwarder/tail-intake.ts";
import { Tail } from "../../../daemon/sources/tail/tail.ts";
import { silentLog } from "../../../daemon/telemetry/log.ts";
import { present } from "../../rig/present.ts";

let records = 0;

const countingSink: Sink = {
  maxInFlight: 3,
  open: () => undefined,
  onChange: () => undefined,
  partitions: () => 1,
  async write(batch: Batch): Promise<readonly WriteOutcome[]> {
    const first = records;
    records += batch.records.length;
    return batch.records.map((_, index) => ({ kind: "acknowledged", offset: first + index }));
  },
  lookup: async () => ({ shipped: undefined, next: {} }),
  [Symbol.asyncDispose]: async () => undefined,
};

const config = loadConfiguration({ path: present(process.argv[2]), env: {}, sets: [] });
const counters = createCounters();
const offsets = new SinkOffsets();
const deadLetters = {
  add: async (): Promise<void> => Promise.reject(new Error("no line of the file is a dead letter")),
};
const pairing = undefined;
const core = createCore({ config, sink: countingSink, deadLetters, counters, pairing, offsets, feedback: undefined });
core.shipper.begin({ shipped: undefined, next: {} });
const { pipeline, relevance, shipper, budget } = core;
const intake = new PipelineIntake({ pipeline, relevance, shipper, budget, counters: counters.tail }, () => undefined);
const drain = new AbortController();
const atEnd = new Promise<void>((resolve) => {
  const tail = new Tail({
    ...present(config.sources.tail),
    stateDir: config.stateDir,
    intake,
    log: silentLog,
    sinkOffsets: (front) => offsets.low(front),
    onEnd: () => resolve(),
  });
  void tail.run(drain.signal);
});
const startedMs = performance.now();
await atEnd;
core.outbox.flush();
await shipper.idle();
const tookMs = performance.now() - startedMs;
drain.abort();
process.stdout.write(`${JSON.stringify({ tookMs, lines: counters.tail.read, records })}\n`);
