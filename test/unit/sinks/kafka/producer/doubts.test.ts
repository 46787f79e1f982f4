import assert from "node:assert/strict";
import { test } from "node:test";
import { writeRecords } from "../../../../rig/batches.ts";
import { eventually } from "../../../../rig/eventually.ts";
import { seededRandom } from "../../../../rig/random.ts";
import { ProducerStates } from "../producer-states.ts";
import { hoursLater, Lines, openSink, record, summary, write } from "../rig.ts";
import { ScriptedBroker, type Produced, type Reaction } from "../scripted-broker.ts";

const tooLarge = 10;
const timedOut = 7;
const notEnoughReplicas = 19;

function isHuge({ records }: Produced): boolean {
  return records.some(({ value }) => String(value).startsWith("huge"));
}

/** What a leader does with a request that reaches it, and reports its states. */
function leader(states: ProducerStates): (request: Produced, onAppend?: Reaction) => Reaction {
  return (request, onAppend = "append") => {
    // Kafka checks the size before it checks the number.
    if (isHuge(request)) return { code: tooLarge };
    const code = states.judge(request);
    if (code !== 0) return { code };
    states.take(request);
    return onAppend;
  };
}

for (let seed = 1; seed <= 8; seed++) {
  test(`after lost answers, refusals and records that are too large nothing is twice, missing or out of order (${seed})`, async () => {
    await using broker = await ScriptedBroker.start();
    await using sink = openSink([broker.address]);
    const random = seededRandom(seed);
    const judge = leader(new ProducerStates());
    broker.react = (request) => {
      const chance = random();
      if (chance < 0.08) return "close";
      if (chance < 0.16) return { code: notEnoughReplicas };
      if (chance < 0.24) return judge(request, "append-and-close");
      return judge(request, chance < 0.32 ? { code: timedOut, isAppended: true } : "append");
    };
    const ids = Array.from({ length: 30 }, (_, at) => (at % 7 === 3 ? `huge${at}` : `r${at}`));
    const writes: Promise<readonly unknown[]>[] = [];
    for (let from = 0; from < ids.length; from += 1 + (from % 3)) {
      writes.push(write(sink, ...ids.slice(from, from + 1 + (from % 3))));
    }
    const outcomes = (await Promise.all(writes)).flat();
    assert.equal(outcomes.length, ids.length);
    assert.deepEqual(
      broker.values,
      ids.filter((id) => !id.startsWith("huge")),
    );
    assert.equal(new Set(broker.produced.map(({ producerId }) => producerId)).size, 1);
  });
}

test("batches in doubt before a record that is too large are sent again under their numbers, and the topic is not read", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address]);
  const judge = leader(new ProducerStates());
  broker.react = (request) => judge(request);
  await write(sink, "0");
  // A follower hangs: "a" is appended, clients do not see it, and the answer is that it took too long.
  broker.replicated = 1;
  let isSlow = true;
  broker.react = (request) => judge(request, isSlow ? { code: timedOut, isAppended: true } : "append");
  const written = Promise.all([write(sink, "a"), write(sink, "b", "huge", "c"), write(sink, "d")]);
  await eventually("the refusal", () => broker.produced.some(isHuge));
  isSlow = false;
  const outcomes = (await written).flatMap(summary);
  assert.deepEqual(broker.values, "0abcd".split(""));
  assert.equal(outcomes[2], "record-too-large");
  assert.deepEqual(broker.fetched, []);
});

test("a batch in doubt behind a record that is too large is asked about by its number, and the topic is not read", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address]);
  const judge = leader(new ProducerStates());
  broker.fetchCode = 29;
  broker.react = (request) => judge(request);
  await write(sink, "0");
  let closings = 0;
  broker.react = (request) => {
    const isBehind = request.records.some(({ value }) => String(value) === "a");
    // Nobody knows what became of it when the connection ends.
    if (isBehind && closings++ < 2) return "close";
    return judge(request);
  };
  const outcomes = await Promise.all([write(sink, "huge"), write(sink, "a", "b"), write(sink, "c")]);
  assert.deepEqual(outcomes.map(summary), [["record-too-large"], [1, 2], [3]]);
  assert.deepEqual(broker.values, "0abc".split(""));
  assert.deepEqual(broker.fetched, []);
  assert.equal(new Set(broker.produced.map(({ producerId }) => producerId)).size, 1);
});

test("ten batches with one record that is too large in each take one producer id", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address]);
  const judge = leader(new ProducerStates());
  broker.react = (request) => judge(request);
  const batches = Array.from({ length: 10 }, (_, at) =>
    Array.from({ length: 8 }, (_record, index) => (index === at % 8 ? `huge${at}` : `${at}.${index}`)),
  );
  const outcomes = await Promise.all(batches.map((ids) => write(sink, ...ids)));
  assert.equal(outcomes.flat().filter(({ kind }) => kind === "refused").length, 10);
  assert.deepEqual(
    broker.values,
    batches.flat().filter((id) => !id.startsWith("huge")),
  );
  assert.equal(new Set(broker.produced.map(({ producerId }) => producerId)).size, 1);
});

test("the look-up waits for what not all in-sync replicas have, and reports it", async () => {
  await using broker = await ScriptedBroker.start();
  const lines = new Lines();
  await using sink = openSink([broker.address], {}, lines.log);
  await write(sink, "a", "b");
  await write(sink, "c");
  broker.replicated = 2;
  const found = sink.lookup(["t"], { "t/0": 0 });
  const trouble = await eventually("the trouble", () => sink.status().troubles[0]);
  assert.match(trouble.text, /up to offset 2 of 3, and the rest has not reached all in-sync replicas/);
  broker.replicated = undefined;
  const { shipped, next } = await found;
  assert.deepEqual([shipped?.size, next], [3, { "t/0": 3 }]);
});

test("if a broker does not say where its log ends, it is read as far as clients may", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address]);
  await write(sink, "a", "b");
  broker.logEndCode = 42;
  const { shipped } = await sink.lookup(["t"], { "t/0": 0 });
  assert.equal(shipped?.size, 2);
});

/** A broker that appended "a" and "b", lost the answers and forgot the producer, all before `reconnect`. */
async function forgotten(
  broker: ScriptedBroker,
  sink: ReturnType<typeof openSink>,
): Promise<{ written: Promise<(number | string)[][]>; reconnect: () => void }> {
  const states = new ProducerStates();
  const judge = leader(states);
  broker.react = (request) => judge(request);
  await write(sink, "0");
  broker.react = (request) => {
    broker.refusesConnections = true;
    return judge(request, "append-and-close");
  };
  const written = Promise.all([write(sink, "a"), write(sink, "b")]).then((outcomes) => outcomes.map(summary));
  await eventually("the end of the connection", () => broker.produced.length > 1 && !sink.status().isConnected);
  const tries = broker.connections;
  await eventually("attempts to connect", () => broker.connections >= tries + 3);
  states.forget();
  broker.react = (request) => judge(request);
  return { written, reconnect: () => (broker.refusesConnections = false) };
}

test("what may have been in the log for longer than the broker remembers its producer is looked up, and not sent twice", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address], { forgottenAfterMs: 50 });
  const { written, reconnect } = await forgotten(broker, sink);
  reconnect();
  assert.deepEqual(await written, [[1], [2]]);
  assert.deepEqual(broker.values, ["0", "a", "b"]);
});

test("if the topic cannot be read, what is old and in doubt is sent again unchanged, with a warning", async () => {
  await using broker = await ScriptedBroker.start();
  const lines = new Lines();
  await using sink = openSink([broker.address], { forgottenAfterMs: 50 }, lines.log);
  broker.fetchCode = 29;
  const { written, reconnect } = await forgotten(broker, sink);
  reconnect();
  await written;
  const tries = broker.produced.filter(({ records }) => String(records[0]?.value) === "a");
  assert.ok(tries.length > 1);
  for (const { batch } of tries) assert.deepEqual(batch, tries[0]?.batch);
  assert.equal(lines.matching(/^warn .*may be there twice.*operation Read/).length, 1);
});

test("after a long pause one batch goes alone, since a broker that forgot the producer accepts any of them first", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address]);
  await write(sink, "a");
  broker.react = () => "silence";
  await hoursLater(async () => {
    void write(sink, "b").catch(() => {}); // Rejected when the sink is disposed.
    void write(sink, "c").catch(() => {});
    await eventually("the request", () => broker.produced.length >= 2);
    await sink.lookup(["t"], {}); // A request over another connection: time in which a second one could have arrived.
  });
  assert.equal(broker.produced.length, 2);
});

test("a partition list that is too short moves nothing while the leader knows better", async () => {
  await using broker = await ScriptedBroker.start();
  broker.partitions = 2;
  broker.listedPartitions = 2;
  await using sink = openSink([broker.address]);
  const toSecond = (id: string): ReturnType<typeof write> => writeRecords(sink, "t", 1, [record(id)]);
  await toSecond("a");
  broker.listedPartitions = 1;
  broker.react = (_request, count) => (count === 2 ? { code: 6 } : "append");
  assert.deepEqual(summary(await toSecond("b")), [1]);
  assert.equal(sink.partitions("t"), 1, "the short list has come");
  assert.deepEqual(
    broker.produced.map(({ partition }) => partition),
    [1, 1, 1],
  );
  // The topic is created again, with fewer partitions.
  broker.partitions = 1;
  assert.deepEqual(summary(await toSecond("c")), [2]);
  assert.deepEqual(summary(await toSecond("d")), [3]);
  // It gets another partition.
  broker.partitions = 2;
  broker.listedPartitions = 2;
  await sink.lookup(["t"], {}); // Requests the list.
  assert.deepEqual(summary(await toSecond("e")), [4]);
  assert.deepEqual(
    broker.produced.slice(-3).map(({ partition }) => partition),
    [0, 0, 1],
  );
});
