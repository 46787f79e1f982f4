import assert from "node:assert/strict";
import { test } from "node:test";
import { HealthWatch } from "../../../../../daemon/status/health.ts";
import { eventually } from "../../../../rig/eventually.ts";
import { aForwarder, kafkaAtWork } from "../../../status/a-forwarder.ts";
import { hoursLater, openSink, write } from "../rig.ts";
import { ScriptedBroker } from "../scripted-broker.ts";

/** What holds an answer back until it is released. */
function gate(): { readonly held: Promise<void>; readonly release: () => void } {
  let open: (() => void) | undefined;
  const held = new Promise<void>((resolve) => (open = resolve));
  return { held, release: () => open?.() };
}

const waits: readonly (readonly [apiKey: number, waitsFor: RegExp])[] = [
  [18, /^a connection$/],
  [2, /^the answer to ListOffsets$/],
  [1, /^the answer to Fetch from offset 0 of 2$/],
];

for (const [apiKey, expected] of waits) {
  test(`a waiting look-up reports partition, broker, time and what it waits for, long before it is given up: request ${apiKey}`, async () => {
    await using broker = await ScriptedBroker.start();
    await using sink = openSink([broker.address], { requestTimeoutMs: 60_000 });
    await write(sink, "a", "b");
    assert.deepEqual(sink.status().lookups, []);
    const { held, release } = gate();
    broker.held = { [apiKey]: held };
    const found = sink.lookup(["t"], { "t/0": 0 });
    const wait = await eventually("the wait", () =>
      sink.status().lookups?.find(({ waitsFor }) => expected.test(waitsFor)),
    );
    assert.deepEqual([wait.topic, wait.partition, wait.broker], ["t", 0, broker.address]);
    await hoursLater(async () => {
      const { lookups, troubles } = sink.status();
      assert.ok((lookups?.[0]?.seconds ?? 0) >= 7200);
      assert.equal(troubles.length, 1);
      const [trouble] = troubles;
      assert.equal(trouble?.subject, `look-up at ${broker.address}`);
      assert.match(trouble?.text ?? "", /^the look-up of what t\/0 holds has waited 72\d\d s for /);
      assert.ok((trouble?.since ?? Infinity) <= Date.now() - 7_200_000);
      const watch = new HealthWatch(0);
      const facts = aForwarder({ sink: { ...kafkaAtWork, ...sink.status() } });
      watch.look(facts, 0, 0);
      assert.deepEqual(
        watch.look(facts, 2000, 2000).reasons.map(({ subject }) => subject),
        [`look-up at ${broker.address}`],
      );
    });
    release();
    const { shipped, refusal } = await found;
    assert.deepEqual([shipped?.size, refusal], [2, undefined]);
    assert.deepEqual([sink.status().lookups, sink.status().troubles], [[], []]);
  });
}

test("several partitions that wait for one broker are one trouble of that broker, and each is in the status", async () => {
  await using broker = await ScriptedBroker.start();
  broker.listedPartitions = 3;
  broker.partitions = 3;
  await using sink = openSink([broker.address], { requestTimeoutMs: 60_000 });
  await write(sink, "a");
  const { held, release } = gate();
  broker.held = { 1: held };
  const found = sink.lookup(["t"], { "t/0": 0 });
  await eventually("three waits", () => sink.status().lookups?.length === 3);
  await hoursLater(async () => {
    assert.equal(sink.status().lookups?.length, 3);
    assert.match(
      sink
        .status()
        .troubles.map(({ text }) => text)
        .join("|"),
      /^[^|]*; 2 more partitions wait for this broker$/,
    );
  });
  release();
  await found;
});
