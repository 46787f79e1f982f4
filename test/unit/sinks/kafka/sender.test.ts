import assert from "node:assert/strict";
import { test } from "node:test";
import { KafkaSink } from "../../../../daemon/sinks/kafka/sink.ts";
import { silentLog } from "../../../../daemon/telemetry/log.ts";
import { eventually } from "../../../rig/eventually.ts";
import { Lines, openSink, summary, write } from "./rig.ts";
import { ScriptedBroker } from "./scripted-broker.ts";

test("a batch without an answer is sent again, byte for byte the same", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address]);
  broker.react = (_request, count) => (count === 1 ? "close" : "append");
  assert.deepEqual(summary(await write(sink, "a", "b")), [0, 1]);
  assert.equal(broker.produced.length, 2);
  assert.deepEqual(broker.produced[0]?.batch, broker.produced[1]?.batch);
});

test("sequence numbers continue from batch to batch, with one producer id for the partition", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address]);
  await Promise.all([write(sink, "a", "b", "c"), write(sink, "d"), write(sink, "e", "f")]);
  await write(sink, "g");
  assert.deepEqual(
    broker.produced.map(({ sequence }) => sequence),
    [0, 3, 4, 6],
  );
  assert.equal(new Set(broker.produced.map(({ producerId }) => producerId)).size, 1);
  assert.deepEqual(broker.values, "abcdefg".split(""));
});

test("the first batch of a new producer id goes alone, later ones several at once", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address]);
  broker.react = () => "silence";
  void write(sink, "a").catch(() => {}); // Rejected when the sink is disposed.
  void write(sink, "b").catch(() => {});
  await eventually("the first request", () => broker.produced.length === 1);
  await sink.lookup(["t"], {}); // A request over another connection: time in which a second one could have arrived.
  assert.equal(broker.produced.length, 1);
});

test("an answer about another partition is not an acknowledgement", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address]);
  broker.react = (_request, count) => (count === 1 ? "other-partition" : "append");
  assert.deepEqual(summary(await write(sink, "a")), [0]);
  assert.equal(broker.produced.length, 2);
});

test("a repetition that the broker recognises is acknowledged with the lowest offset that it can have", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address]);
  await write(sink, "a", "b");
  broker.react = (_request, count) => (count === 2 ? "append-and-close" : { code: 46 });
  assert.deepEqual(summary(await write(sink, "c", "d")), [2, 3]);
  assert.deepEqual(broker.values, "abcd".split(""));
});

test("batches behind one that failed are sent again after it, in order", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address]);
  await write(sink, "a");
  // The second batch fails temporarily, so the broker calls those behind it out of order.
  broker.react = ({ sequence }, count) => {
    if (count === 2) return { code: 19 };
    return sequence === broker.log.length ? "append" : { code: 45 };
  };
  const outcomes = await Promise.all([write(sink, "b"), write(sink, "c"), write(sink, "d")]);
  assert.deepEqual(outcomes.flatMap(summary), [1, 2, 3]);
  assert.deepEqual(broker.values, "abcd".split(""));
});

for (const { code, renews } of [
  { code: 45, renews: "epoch" },
  { code: 47, renews: "producerId" },
  { code: 59, renews: "producerId" },
  { code: 90, renews: "producerId" },
] as const) {
  test(`an unknown producer (code ${code}) gets another ${renews}, with a warning, and what is stored is not sent again`, async () => {
    await using broker = await ScriptedBroker.start();
    const lines = new Lines();
    await using sink = openSink([broker.address], {}, lines.log);
    await write(sink, "0");
    // "a" is appended but its answer is lost; then the broker has forgotten the producer.
    broker.react = (request, count) => {
      if (count === 2) return "append-and-close";
      return request[renews] === broker.produced[0]?.[renews] ? { code } : "append";
    };
    const outcomes = await Promise.all([write(sink, "a", "same"), write(sink, "b"), write(sink, "same")]);
    assert.deepEqual(broker.values, ["0", "a", "same", "b", "same"]);
    assert.deepEqual(outcomes.flatMap(summary), [1, 2, 3, 4]);
    const renewed = broker.produced.filter((request) => request[renews] !== broker.produced[0]?.[renews]);
    assert.equal(renewed[0]?.sequence, 0);
    assert.equal(renewed[0]?.producerId === broker.produced[0]?.producerId, renews === "epoch");
    assert.equal(
      lines.matching(/^warn .*no longer knows this producer .* sent under new numbers; nothing is lost/).length,
      1,
    );
  });
}

test("without permission to read, the batch is sent again under new numbers, and the log says so once", async () => {
  await using broker = await ScriptedBroker.start();
  const lines = new Lines();
  await using sink = openSink([broker.address], {}, lines.log);
  broker.fetchCode = 29;
  broker.react = ({ producerId }, count) => {
    if (count === 1) return "append-and-close";
    return producerId === broker.produced[0]?.producerId ? { code: 59 } : "append";
  };
  assert.deepEqual(summary(await write(sink, "a")), [1]);
  assert.deepEqual(broker.values, ["a", "a"]);
  assert.equal(lines.matching(/^warn .*may be there twice.*operation Read/).length, 1);
});

test("of a batch with a record that is too large only that one is refused, the others arrive in order", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address]);
  await write(sink, "0");
  broker.react = ({ records, producerId, sequence }) => {
    if (records.some(({ value }) => String(value) === "huge")) return { code: 10 };
    const before = broker.produced.filter((one) => one.producerId === producerId && one.sequence < sequence);
    const expected = before.length === 0 ? 0 : sequence;
    return sequence === expected || producerId === broker.produced[0]?.producerId ? "append" : { code: 45 };
  };
  const outcomes = await Promise.all([write(sink, "a", "b", "huge", "c", "d"), write(sink, "e"), write(sink, "f")]);
  assert.deepEqual(
    outcomes[0]?.map(({ kind }) => kind),
    ["acknowledged", "acknowledged", "refused", "acknowledged", "acknowledged"],
  );
  const refused = outcomes[0]?.[2];
  assert.ok(refused?.kind === "refused" && refused.reason === "record-too-large");
  assert.match(refused.detail, /max\.message\.bytes/);
  assert.deepEqual(new Set(broker.values), new Set("0abcdef"));
  assert.equal(broker.values.length, 7);
});

test("a record that the topic does not accept is refused as such", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address]);
  broker.react = ({ records }) => (records.some(({ value }) => String(value) === "bad") ? { code: 87 } : "append");
  assert.deepEqual(summary(await write(sink, "a", "bad")), [0, "refused"]);
});

test("a batch that arrives damaged is sent again, and only one that always does is split", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address]);
  broker.react = (_request, count) => (count === 1 ? { code: 2 } : "append");
  assert.deepEqual(summary(await write(sink, "a", "b")), [0, 1]);
  assert.deepEqual(broker.produced[0]?.batch, broker.produced[1]?.batch);
  broker.react = ({ records }) => (records.some(({ value }) => String(value) === "d") ? { code: 2 } : "append");
  assert.deepEqual(summary(await write(sink, "c", "d")), [2, "refused"]);
});

test("a broker that does not answer is given up after the request timeout, and the batch is sent over a new connection", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address], { requestTimeoutMs: 1000 });
  broker.react = (_request, count) => (count === 1 ? "silence" : "append");
  assert.deepEqual(summary(await write(sink, "a")), [0]);
  // A machine that is slower than the request timeout needs more of both.
  assert.ok(broker.produced.length >= 2);
  assert.ok(broker.connections >= 2);
});

test("a missing permission is logged once at error level with the remedy, and its end too", async () => {
  await using broker = await ScriptedBroker.start();
  const lines = new Lines();
  await using sink = openSink([broker.address], {}, lines.log);
  broker.react = (_request, count) => (count < 4 ? { code: 29 } : "append");
  await write(sink, "a");
  assert.equal(lines.matching(/^error writing to topic t: TOPIC_AUTHORIZATION_FAILED; .*Write and Describe/).length, 1);
  assert.equal(lines.matching(/^info writing to topic t: works again/).length, 1);
  assert.deepEqual(sink.status().troubles, []);
});

test("without a topic the partitions are unknown, and the listener is called when they are known", async () => {
  await using broker = await ScriptedBroker.start();
  const lines = new Lines();
  await using sink = openSink([broker.address], {}, lines.log);
  let changes = 0;
  sink.onChange(() => (changes += 1));
  broker.metadataCode = 3;
  assert.equal(sink.partitions("t"), undefined);
  await eventually("the alarm", () => lines.matching(/^error topic t: UNKNOWN_TOPIC.*create the topic/).length === 1);
  assert.equal(sink.partitions("t"), undefined);
  broker.metadataCode = 0;
  await eventually("the topic", () => changes > 0);
  assert.equal(sink.partitions("t"), 1);
});

test("disposing is safe before opening", async () => {
  const options = { brokers: ["127.0.0.1:1"], clientId: "test", tls: undefined, sasl: undefined } as const;
  const sink = new KafkaSink({
    options: { ...options, compression: "gzip", requestTimeoutMs: 5000, maxInFlight: 9 },
    log: silentLog,
  });
  assert.equal(sink.maxInFlight, 5, "the broker remembers five batches");
  await sink[Symbol.asyncDispose]();
  sink.open();
  assert.equal(sink.partitions("t"), undefined);
});

test("disposing ends writes, look-ups and connections at once, even when called twice", async () => {
  await using broker = await ScriptedBroker.start();
  const sink = openSink([broker.address]);
  broker.react = () => "silence";
  const written = write(sink, "a");
  const rejected = assert.rejects(written, { name: "AbortError" });
  await eventually("the request", () => broker.produced.length === 1);
  await sink[Symbol.asyncDispose]();
  await sink[Symbol.asyncDispose]();
  await rejected;
  await assert.rejects(write(sink, "b"), { name: "AbortError" });
  await assert.rejects(sink.lookup(["t"], {}), { name: "AbortError" });
  assert.equal(sink.partitions("t"), 1);
  assert.equal(sink.status().isConnected, false);
});
