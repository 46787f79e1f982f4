import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { eventually } from "../../../rig/eventually.ts";
import { Lines, openSink, summary, write } from "./rig.ts";
import { ScriptedBroker } from "./scripted-broker.ts";

const invalidTimestamp = 32;
const invalidRecord = 87;
/** Position of the records' timestamp in a batch. */
const timestampAt = 27;
const timestampEnd = 43;

test("a batch whose time the broker refuses gets the present time, and keeps its number and its records", async () => {
  await using broker = await ScriptedBroker.start();
  const lines = new Lines();
  await using sink = openSink([broker.address], {}, lines.log);
  await write(sink, "0");
  const takenAt = Date.now();
  mock.timers.enable({ apis: ["Date"], now: takenAt });
  try {
    // As with a Kafka that comes back when message.timestamp.before.max.ms is over for what has waited for it.
    const oldest = BigInt(takenAt + 1);
    broker.react = ({ batch }) => {
      mock.timers.setTime(takenAt + 3_600_000);
      return batch.readBigInt64BE(timestampAt) < oldest ? { code: invalidTimestamp } : "append";
    };
    assert.deepEqual(summary(await write(sink, "a", "b")), [1, 2]);
  } finally {
    mock.timers.reset();
  }
  const [refused, taken] = [broker.produced[1]?.batch, broker.produced[2]?.batch];
  assert.ok(refused !== undefined && taken !== undefined);
  assert.ok(taken.readBigInt64BE(timestampAt) > refused.readBigInt64BE(timestampAt));
  assert.deepEqual(taken.subarray(timestampEnd), refused.subarray(timestampEnd));
  assert.equal(lines.matching(/^(warn|error)/).length, 0, lines.all.join("\n"));
});

test("while the clocks differ nothing is refused for good: it is retried until they agree, with a trouble of its own", async () => {
  await using broker = await ScriptedBroker.start();
  const lines = new Lines();
  await using sink = openSink([broker.address], {}, lines.log);
  let isOff = true;
  broker.react = () => (isOff ? { code: invalidTimestamp } : "append");
  const written = Promise.all([write(sink, "a", "b"), write(sink, "c"), write(sink, "d")]);
  const found = await eventually("the trouble", () => sink.status().troubles[0]);
  assert.match(found.text, /INVALID_TIMESTAMP/);
  assert.match(found.remedy, /clock/);
  await eventually("further tries", () => broker.produced.length > 4);
  isOff = false;
  assert.deepEqual((await written).map(summary), [[0, 1], [2], [3]]);
  assert.deepEqual(broker.values, "abcd".split(""));
  assert.equal(new Set(broker.produced.map(({ producerId }) => producerId)).size, 1);
  assert.deepEqual(sink.status().troubles, []);
  assert.equal(lines.matching(/^error writing to topic t: INVALID_TIMESTAMP.*clock/).length, 1);
});

test("a batch that may be in the log is looked up before its time is changed, and not sent twice", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address]);
  await write(sink, "0");
  // "a" and "b" are appended, but the answer is lost. Kafka judges the time before it recognises a repetition.
  broker.react = ({ epoch }, count) => {
    if (count === 2) return "append-and-close";
    return epoch === 0 ? { code: invalidTimestamp } : "append";
  };
  assert.deepEqual((await Promise.all([write(sink, "a", "b"), write(sink, "c")])).map(summary), [[1, 2], [3]]);
  assert.deepEqual(broker.values, "0abc".split(""));
});

test("a topic that accepts no record at all is a trouble, and does not make everything a dead letter", async () => {
  await using broker = await ScriptedBroker.start();
  const lines = new Lines();
  await using sink = openSink([broker.address], { compression: "none" }, lines.log);
  let takesNothing = true;
  broker.react = () => (takesNothing ? { code: invalidRecord } : "append");
  const ids = Array.from({ length: 50 }, (_, index) => `r${index}`);
  const written = write(sink, ...ids);
  const found = await eventually("the trouble", () => sink.status().troubles[0]);
  assert.match(found.text, /refuses every record.*INVALID_RECORD/);
  const producers = (): number => new Set(broker.produced.map(({ producerId }) => producerId)).size;
  const before = producers();
  const sent = broker.produced.length;
  await eventually("further tries", () => broker.produced.length >= sent + 2);
  assert.equal(producers(), before, "a retry needs no new producer id");
  takesNothing = false;
  const outcomes = await written;
  const refused = outcomes.filter(({ kind }) => kind === "refused").length;
  assert.equal(refused, 20);
  assert.deepEqual(broker.values, ids.slice(refused));
  assert.deepEqual(sink.status().troubles, []);
  assert.equal(
    lines.matching(/^error 1 records could not be sent and go to the dead letters.*INVALID_RECORD/).length,
    1,
  );
});
