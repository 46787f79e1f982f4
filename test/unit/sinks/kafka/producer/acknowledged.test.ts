import assert from "node:assert/strict";
import { test } from "node:test";
import type { SinkRecord, WriteOutcome } from "../../../../../daemon/contract.ts";
import { encodeRecords } from "../../../../../daemon/records/record-buffer.ts";
import { Acknowledged } from "../../../../../daemon/sinks/kafka/producer/acknowledged.ts";
import { writeRecords } from "../../../../rig/batches.ts";
import { eventually } from "../../../../rig/eventually.ts";
import { Lines, openSink, record, sealedBatch, summary, write } from "../rig.ts";
import { type Reaction, ScriptedBroker } from "../scripted-broker.ts";
import { recordsIn } from "../stored.ts";

const second = 1_795_964_560; // 2026-11-29T15:02:40Z
const file = "/var/ossec/logs/alerts/alerts.json";

test("acknowledged records that a new leader lacks are an error that names them and brings them back", async () => {
  await using broker = await ScriptedBroker.start();
  const lines = new Lines();
  await using sink = openSink([broker.address], {}, lines.log);
  for (let at = 0; at < 4; at++) {
    const place = { file, offset: at * 1000, length: 900 };
    await writeRecords(sink, "t", 0, [{ ...record(`${second + at}.7`), place }]);
  }
  broker.truncate(1);
  broker.react = (_request, count) => (count === 5 ? "close" : "append");
  assert.deepEqual(summary(await write(sink, "e")), [1]);
  const [loss] = sink.status().losses ?? [];
  assert.match(loss?.text ?? "", /^t\/0 has lost records .* offsets 1 to 3, whose log then ended at 1/);
  const span = "--from 2026-11-29T15:02:41Z --to 2026-11-29T15:02:44Z";
  assert.ok(loss?.remedy.includes(`wazuh-dfn replay --at ${file}:1000 ${span}`), loss?.remedy);
  assert.equal(lines.matching(/^error records of t\/0: t\/0 has lost/).length, 1);
  assert.deepEqual(sink.status().troubles, []);
  broker.react = (_request, count) => (count % 2 === 0 ? "close" : "append");
  await write(sink, "f");
  await write(sink, "g");
  assert.equal(lines.matching(/has lost/).length, 1, "it is said once");
});

const archive = "/var/ossec/logs/alerts/2026/Nov/ossec-alerts-28.json";
const span = "--from 2026-11-29T15:02:40Z --to 2026-11-29T15:02:42Z";
type Place = NonNullable<SinkRecord["place"]>;
const read = (offset: number, from = file): Place => ({ file: from, offset, length: 900 });
const bySocket: Place = { file: "socket", offset: 0, length: 900 };

/** The remedy for the loss of batches, each given by the locations of its records. */
function remedyFor(...batches: readonly (readonly Place[])[]): string {
  const kept = new Acknowledged("t/0");
  let base = 0;
  for (const [at, places] of batches.entries()) {
    kept.add(base, encodeRecords(places.map((place) => ({ ...record(`${second + at}.7`), place }))));
    base += places.length;
  }
  return kept.compare(0)?.remedy ?? "";
}

test("lost records are read again from the first of their lines, whatever the order of their batches", () => {
  assert.ok(remedyFor([read(2000), read(1000)], [read(500)]).includes(`replay --at ${file}:500 ${span} (`));
});

test("if a lost record came by the socket, the whole file is read: its line may be before those of the others", () => {
  const whole = `replay ${span} ${file} (`;
  assert.ok(remedyFor([bySocket], [read(2000)]).includes(whole));
  assert.ok(remedyFor([bySocket, read(1000)], [read(2000)]).includes(whole));
  assert.ok(remedyFor([read(1000), bySocket], [read(2000)]).includes(whole));
});

test("if lost records are in several files, each is named", () => {
  assert.ok(remedyFor([read(9000, archive)], [read(0)]).includes(`replay ${span} ${archive} ${file} (`));
});

test("records whose offsets now belong to other records are reported too", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address]);
  await write(sink, `${second}.1`, `${second}.2`);
  broker.recreateTopic();
  assert.deepEqual(summary(await write(sink, "c")), [0]);
  assert.match(sink.status().losses?.[0]?.text ?? "", /offsets 0 to 1, whose log then ended at 0/);
});

test("the status shows the loss of each partition, with the command that brings the records back", async () => {
  await using broker = await ScriptedBroker.start();
  broker.listedPartitions = 2;
  broker.partitions = 2;
  await using sink = openSink([broker.address]);
  const send = (id: string, partition: number): Promise<readonly WriteOutcome[]> =>
    writeRecords(sink, "t", partition, [record(id)]);
  await send(`${second}.1`, 0);
  await send(`${second}.2`, 1);
  broker.recreateTopic();
  await send("c", 0);
  await send("d", 1);
  const losses = sink.status().losses ?? [];
  assert.deepEqual(
    losses.map(({ subject }) => subject),
    ["records of t/0", "records of t/1"],
  );
  for (const { remedy } of losses) assert.match(remedy, /wazuh-dfn replay --from 2026-11-29T15:02:40Z/);
});

for (const doubtful of ["e", "f"]) {
  const which = doubtful === "e" ? "first" : "second";
  test(`the ${which} record after a loss is looked for below the old end when it is in doubt, and arrives once`, async () => {
    await using broker = await ScriptedBroker.start();
    await using sink = openSink([broker.address]);
    for (const id of ["a", "b", "c", "d"]) await write(sink, id);
    broker.truncate(1);
    // The new leader takes it, its answer is lost, others write until the log is longer than before, and then the
    // leader no longer knows the producer.
    const reactions: Reaction[] = ["append-and-close", { code: 45 }];
    const others = await sealedBatch("x");
    const { records: stored } = await recordsIn(others);
    broker.react = ({ records }, count) => {
      if (count === 5) return "close";
      if (String(records[0]?.value) !== doubtful) return "append";
      const reaction = reactions.shift() ?? "append";
      if (typeof reaction === "object") for (let at = 0; at < 4; at++) broker.append(others, stored);
      return reaction;
    };
    assert.deepEqual(summary(await write(sink, "e")), [1]);
    if (doubtful === "f") assert.deepEqual(summary(await write(sink, "f")), [2]);
    assert.deepEqual(
      broker.values.filter((id) => id !== "x"),
      doubtful === "e" ? ["a", "e"] : ["a", "e", "f"],
    );
    assert.deepEqual(reactions, []);
    assert.equal(sink.status().losses?.length, 1);
  });
}

test("a loss is reported before the next record is accepted", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address]);
  await write(sink, `${second}.1`, `${second}.2`);
  broker.truncate(0);
  broker.react = () => "close";
  const written = write(sink, "c");
  await eventually("the loss", () => sink.status().losses?.length === 1);
  assert.match(sink.status().losses?.[0]?.text ?? "", /offsets 0 to 1, whose log then ended at 0/);
  broker.react = () => "append";
  await written;
});

test("records that followers do not have yet are not lost, even if the broker does not say where its log ends", async () => {
  for (const code of [0, 42]) {
    await using broker = await ScriptedBroker.start();
    await using sink = openSink([broker.address]);
    for (const id of ["a", "b", "c"]) await write(sink, id);
    broker.replicated = 1;
    broker.logEndCode = code;
    broker.react = (_request, count) => (count === 4 ? "close" : "append");
    assert.deepEqual(summary(await write(sink, "d")), [3]);
    assert.deepEqual(sink.status().losses, []);
  }
});

test("a broker that stops leading while it is asked says nothing about what is lost", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address]);
  for (const id of ["a", "b", "c"]) await write(sink, id);
  broker.truncate(1);
  let asked = 0;
  broker.codeOfOffsets = () => {
    asked += 1;
    if (asked !== 2) return 0;
    // The one that leads from now on has all of them.
    for (const { batch, records } of broker.produced.slice(1, 3)) broker.append(batch, records);
    return 6;
  };
  broker.react = (_request, count) => (count === 4 ? "close" : "append");
  assert.deepEqual(summary(await write(sink, "d")), [3]);
  assert.ok(asked > 2);
  assert.deepEqual(sink.status().losses, []);
});

test("the records of a deleted topic are not reported lost when it is there again", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address]);
  for (const id of ["a", "b", "c"]) await write(sink, id);
  broker.recreateTopic();
  broker.react = (_request, count) => (count === 4 ? { code: 3 } : count === 5 ? "close" : "append");
  assert.deepEqual(summary(await write(sink, "d")), [0]);
  assert.deepEqual(sink.status().losses, []);
});

test("the records of a partition that a topic no longer has are not reported lost in the one that takes its place", async () => {
  await using broker = await ScriptedBroker.start();
  broker.partitions = broker.listedPartitions = 2;
  await using sink = openSink([broker.address]);
  const toSecond = async (id: string) => summary(await writeRecords(sink, "t", 1, [record(id)]));
  for (const id of ["a", "b", "c"]) await toSecond(id);
  broker.recreateTopic();
  broker.partitions = broker.listedPartitions = 1;
  broker.react = ({ partition }, count) =>
    partition === 1 ? { code: 6 } : count === 5 || count === 7 ? "close" : "append";
  assert.deepEqual(await toSecond("d"), [0]);
  assert.deepEqual(await toSecond("e"), [1]);
  assert.deepEqual(sink.status().losses, []);
});

test("a leader that has all that was acknowledged is never reported as a loss, however often it is asked", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address]);
  broker.react = (_request, count) => (count % 3 === 0 ? "append-and-close" : count % 3 === 1 ? "close" : "append");
  for (let at = 0; at < 9; at++) await write(sink, `${at}`);
  assert.deepEqual(sink.status().losses, []);
});

test("acknowledged records are tracked in bounded memory, and the time of a loss still covers them all", () => {
  const kept = new Acknowledged("t/0");
  for (let at = 0; at < 100_000; at++) {
    const span = { firstSecond: second + at, lastSecond: second + at, place: undefined };
    kept.add(at, { count: 1, span });
  }
  assert.equal(kept.end, 100_000);
  assert.ok(kept.size <= 512, `${kept.size} stretches`);
  const loss = kept.compare(50_000);
  assert.match(loss?.text ?? "", /offsets 50000 to 99999/);
  const [, from = "", to = ""] = /--from (\S+) --to (\S+)/.exec(loss?.remedy ?? "") ?? [];
  assert.ok(Date.parse(from) <= (second + 50_000) * 1000);
  assert.equal(Date.parse(to), (second + 100_000) * 1000);
  assert.equal(kept.compare(50_000), undefined);
});
