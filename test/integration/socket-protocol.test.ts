import assert from "node:assert/strict";
import { test } from "node:test";
import { alertBytes, settle } from "../rig/delivery.ts";
import { eventually } from "../rig/eventually.ts";
import { idIn } from "../rig/memory-sink.ts";
import { SocketWorld } from "../rig/socket-world.ts";

test("an alert is accepted, one that nobody wants is ignored, one that was brought before is a duplicate", async () => {
  await using world = await SocketWorld.listen();
  await using client = await world.connect();
  assert.equal(await client.ask(alertBytes("1.1")), "accepted 1.1");
  assert.equal(await client.ask(alertBytes("1.2", { wanted: false })), "ignored 1.2");
  assert.equal(await client.ask(alertBytes("1.1")), "duplicate 1.1 seen before");
  world.delivery.offer("tail", alertBytes("1.3"));
  assert.equal(await client.ask(alertBytes("1.3")), "duplicate 1.3");
  await settle();
  assert.deepEqual(
    world.sink.records.map((record) => idIn(record)),
    ["1.1", "1.3"],
  );
});

test("what is not an alert is rejected with the reason, and the next line is served", async () => {
  await using world = await SocketWorld.listen({ maxLineBytes: 1000 });
  await using client = await world.connect();
  assert.match(await client.ask('{"id":"1.1"'), /^rejected - not JSON: /);
  assert.match(await client.ask("[1]"), /^rejected - not JSON: /);
  assert.match(await client.ask('{"wanted":true}'), /^rejected - no id/);
  assert.match(await client.ask(""), /^rejected - empty line$/);
  assert.match(await client.ask("\r"), /^rejected - empty line$/);
  assert.equal(await client.ask("x".repeat(1001)), "rejected - too long: 1001 bytes");
  assert.equal(await client.ask("x".repeat(300_000)), "rejected - too long: 300000 bytes");
  assert.equal(await client.ask(alertBytes("1.2")), "accepted 1.2");
  assert.deepEqual(world.overLong, [
    { length: 1001, keptBytes: 1000 },
    { length: 300_000, keptBytes: 1000 },
  ]);
});

test("several lines in one write each get an answer, in order, whatever their kind", async () => {
  await using world = await SocketWorld.listen();
  await using client = await world.connect();
  const lines = [];
  const expected = [];
  for (let i = 0; i < 500; i++) {
    lines.push(alertBytes(`1.${i}`), Buffer.from("junk"), alertBytes(`2.${i}`, { wanted: false }));
    expected.push(`accepted 1.${i}`, "rejected -", `ignored 2.${i}`);
  }
  await client.send(Buffer.concat(lines.flatMap((line) => [line, Buffer.from("\n")])));
  const answers = await client.answered(1500);
  assert.deepEqual(
    answers.map((answer) => answer.split(" ").slice(0, 2).join(" ")),
    expected,
  );
});

test("thousands of short lines in one write are all answered", async () => {
  await using world = await SocketWorld.listen();
  await using client = await world.connect();
  await client.send("\n".repeat(10_000));
  assert.ok((await client.answered(10_000)).every((answer) => answer === "rejected - empty line"));
  assert.equal((await client.end()).length, 10_000);
});

test("a line that arrives byte by byte is one line, and carriage returns before newlines do not matter", async () => {
  await using world = await SocketWorld.listen();
  await using client = await world.connect();
  for (const byte of [...alertBytes("1.1"), 0x0d, 0x0a]) await client.send(Buffer.from([byte]));
  assert.deepEqual(await client.answered(1), ["accepted 1.1"]);
  await eventually("the record", () => world.sink.records.length === 1);
  assert.deepEqual(world.sink.records[0]?.value, alertBytes("1.1"));
});

test("closing the sending side may end the last line; its answer still comes", async () => {
  await using world = await SocketWorld.listen();
  await using client = await world.connect();
  await client.send(Buffer.concat([alertBytes("1.1"), Buffer.from("\n"), alertBytes("1.2")]));
  assert.deepEqual(await client.end(), ["accepted 1.1", "accepted 1.2"]);
  await using slow = await SocketWorld.listen({ hasTail: false });
  slow.sink.isHolding = true;
  await using patient = await slow.connect();
  await patient.send(alertBytes("1.3"));
  const answers = patient.end();
  await eventually("the alert", () => slow.sink.held.length === 1);
  slow.sink.release();
  assert.deepEqual(await answers, ["delivered 1.3"]);
});

test("a client that sends nothing and closes gets no answer", async () => {
  await using world = await SocketWorld.listen();
  await using client = await world.connect();
  assert.deepEqual(await client.end(), []);
});

test("a line that its client left unfinished is neither an alert nor a dead letter", async () => {
  await using world = await SocketWorld.listen();
  const whole = alertBytes("1.1", { data: { nested: { deep: 1 } } });
  for (let length = 1; length < whole.length; length += 7) {
    await using client = await world.connect();
    await client.send(whole.subarray(0, length));
    assert.deepEqual(await client.end(), ["rejected - the line was cut off"]);
  }
  {
    await using client = await world.connect();
    await client.send(whole.subarray(0, 20));
  }
  await eventually("the last client gone", () => world.source.connections === 0);
  assert.equal(world.delivery.counters.socket.read, 0);
  assert.deepEqual(world.delivery.deadLetters.entries, []);
});

test("odd bytes are passed through unchanged: NUL, invalid UTF-8, line separators of Unicode", async () => {
  await using world = await SocketWorld.listen();
  await using client = await world.connect();
  const head = alertBytes("1.1").subarray(0, -1);
  const odd = Buffer.concat([
    head,
    Buffer.from(',"x":"\u2028\\u0000'),
    Buffer.from([0xff, 0xc0, 0x80]),
    Buffer.from('"}'),
  ]);
  assert.equal(await client.ask(odd), "accepted 1.1");
  await settle();
  assert.deepEqual(world.sink.records[0]?.value, odd);
  assert.match(await client.ask(Buffer.from([0, 0, 0xff])), /^rejected - /);
});

test("a line of 16 MiB passes, one byte more is too long", async () => {
  await using world = await SocketWorld.listen({ limitBytes: 256 * 1024 * 1024 });
  await using client = await world.connect();
  const maxLineBytes = 16 * 1024 * 1024;
  const frame = alertBytes("1.1", { x: "" }).length;
  assert.equal(await client.ask(alertBytes("1.1", { x: "y".repeat(maxLineBytes - frame) })), "accepted 1.1");
  const answer = await client.ask(alertBytes("1.2", { x: "y".repeat(maxLineBytes - frame + 1) }));
  assert.equal(answer, `rejected - too long: ${maxLineBytes + 1} bytes`);
  await eventually("the record", () => world.sink.records[0]?.value?.length === maxLineBytes);
});

test("an id that would break the answer's line is answered with a dash", async () => {
  await using world = await SocketWorld.listen();
  await using client = await world.connect();
  for (const id of ["a b", "a\nb", "a\u0000b", "é", "x".repeat(5000)]) {
    assert.equal(await client.ask(alertBytes(id)), "accepted -");
  }
});

test("with the tail off, the answer comes with the outcome and in the order of the lines", async () => {
  await using world = await SocketWorld.listen({ hasTail: false });
  world.sink.isHolding = true;
  await using client = await world.connect();
  const lines = [alertBytes("1.1"), alertBytes("1.2", { wanted: false }), alertBytes("1.1"), Buffer.from("junk")];
  await client.send(Buffer.concat(lines.flatMap((line) => [line, Buffer.from("\n")])));
  await eventually("the batch", () => world.sink.held.length === 1);
  assert.deepEqual(client.answers, []);
  world.sink.release();
  const answers = await client.answered(4);
  assert.deepEqual(answers.slice(0, 3), ["delivered 1.1", "ignored 1.2", "duplicate 1.1"]);
  assert.match(answers[3] ?? "", /^rejected - /);
});

test("with the tail off, a refused record is answered accepted once its dead letter is durable", async () => {
  await using world = await SocketWorld.listen({ hasTail: false });
  world.sink.refuses = () => true;
  world.delivery.deadLetters.isHolding = true;
  await using client = await world.connect();
  await client.send(Buffer.concat([alertBytes("1.1"), Buffer.from("\n")]));
  await eventually("the dead letter", () => world.delivery.deadLetters.entries.length === 1);
  assert.deepEqual(client.answers, []);
  world.delivery.deadLetters.release();
  assert.deepEqual(await client.answered(1), ["accepted 1.1 kept as a dead letter"]);
});
