import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { alertBytes } from "../rig/delivery.ts";
import { eventually } from "../rig/eventually.ts";
import type { LineClient } from "../rig/line-client.ts";
import { idIn } from "../rig/memory-sink.ts";
import { SocketWorld } from "../rig/socket-world.ts";

const newline = Buffer.from("\n");

/**
 * The maximum that the kernel holds of what one side of a Unix socket has sent: 208 KiB, unless somebody changed that.
 */
const heldBytes = Number(readFileSync("/proc/sys/net/core/wmem_default", "latin1"));

function linesOf(from: number, count: number): Buffer {
  const lines = Array.from({ length: count }, (_, i) => alertBytes(`1.${from + i}`, { wanted: false }));
  return Buffer.concat(lines.flatMap((line) => [line, newline]));
}

test("a client that never reads is read only as far as its answers fit, and others are served", async () => {
  await using world = await SocketWorld.listen();
  await using deaf = await world.connect({ reads: false });
  // The kernel holds a multiple of an answer's bytes, so these are more than it accepts.
  const mostLines = Math.max(60_000, heldBytes / 4);
  const count = 2 * mostLines;
  const sent = deaf.send(linesOf(0, count));
  const { socket } = world.delivery.counters;
  // It has stopped when two looks with a served client in between find the same.
  let before = -1;
  await eventually("the standstill", async () => {
    await using other = await world.connect();
    assert.equal(await other.ask(alertBytes("2.1", { wanted: false })), "ignored 2.1");
    const isStill = socket.read - before === 1;
    before = socket.read;
    return isStill;
  });
  assert.ok(socket.read < mostLines, `${socket.read} lines were taken`);
  // Once it reads, it is served to the end.
  let answers = 0;
  deaf.socket.on("data", (bytes: Buffer) => (answers += bytes.toString("latin1").split("\n").length - 1));
  await sent;
  await eventually("all answers", () => answers === count);
});

test("short lines of clients that never read wait as bytes, and of those for which there is no room the client is dropped", async () => {
  await using world = await SocketWorld.listen({ maxPartialBytes: 2_000_000 });
  const before = process.memoryUsage().heapUsed;
  // Each byte is a line, and has an answer.
  const empty = Buffer.alloc(100_000, "\n");
  const deaf: LineClient[] = [];
  for (let i = 0; i < 120; i++) {
    const client = await world.connect({ reads: false });
    deaf.push(client);
    void client.send(empty).catch(() => undefined); // It may be dropped meanwhile.
    await using other = await world.connect();
    assert.equal(await other.ask(alertBytes("2.1", { wanted: false })), "ignored 2.1");
  }
  await eventually("the clients beyond the limit dropped", () => {
    return world.source.connections > 20 && world.source.connections < 60;
  });
  const heldMegabytes = (process.memoryUsage().heapUsed - before) / 1e6;
  assert.ok(heldMegabytes < 64, `${heldMegabytes} MB`);
  await Promise.all(deaf.map((client) => client[Symbol.asyncDispose]()));
  await eventually("all gone", () => world.source.connections === 0);
  await using patient = await world.connect();
  const long = alertBytes("3.0", { x: "y".repeat(900_000), wanted: false });
  assert.equal(await patient.ask(long), "ignored 3.0");
});

test("a thousand clients at once are each answered", async () => {
  await using world = await SocketWorld.listen();
  const clients = await Promise.all(Array.from({ length: 1000 }, () => world.connect()));
  await eventually("all of them", () => world.source.connections === 1000);
  const answers = await Promise.all(clients.map((client, i) => client.ask(alertBytes(`1.${i}`, { wanted: false }))));
  assert.deepEqual(
    answers,
    clients.map((_, i) => `ignored 1.${i}`),
  );
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
  await eventually("all gone", () => world.source.connections === 0);
});

test("above the limit of connections the one that has been quiet longest is dropped", async () => {
  await using world = await SocketWorld.listen({ maxConnections: 3 });
  const clients: LineClient[] = [];
  for (let i = 0; i < 3; i++) clients.push(await world.connect());
  const [first, second, third] = clients;
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  for (const [i, client] of clients.entries()) await client.ask(alertBytes(`1.${i}`, { wanted: false }));
  await first.ask(alertBytes("1.4", { wanted: false }));
  const burst = await Promise.all([world.connect(), world.connect()]);
  await eventually("the quiet ones gone", () => second.isClosed && third.isClosed);
  for (const client of [first, ...burst]) {
    assert.equal(await client.ask(alertBytes("1.5", { wanted: false })), "ignored 1.5");
  }
  assert.equal(world.source.connections, 3);
});

test("a burst of connections never exceeds the limit", async () => {
  await using world = await SocketWorld.listen({ maxConnections: 20 });
  const burst = await Promise.all(Array.from({ length: 300 }, () => world.connect()));
  await eventually("the others gone", () => burst.filter((client) => client.isClosed).length === 280);
  assert.equal(world.source.connections, 20);
});

test("unfinished lines of many clients share one limit; a line beyond it is left to the tail", async () => {
  // What is sent is read except for what the kernel may hold of each client: at least half of ten parts, above the
  // limit.
  const partBytes = 2 * heldBytes + 24_000;
  const lineBytes = partBytes + 50_000;
  await using world = await SocketWorld.listen({ maxPartialBytes: 3 * lineBytes });
  const long = alertBytes("1.1", { wanted: false, x: "y".repeat(lineBytes) });
  const slow = await Promise.all(Array.from({ length: 10 }, () => world.connect()));
  await Promise.all(slow.map((client) => client.send(long.subarray(0, partBytes))));
  for (const client of slow) await client.send(Buffer.concat([long.subarray(partBytes), newline]));
  const answers = (await Promise.all(slow.map((client) => client.answered(1)))).flat();
  const busy = answers.filter((answer) => answer === "accepted - busy");
  assert.ok(busy.length > 0 && busy.length < 10, answers.join(", "));
  assert.equal(answers.filter((answer) => answer === "ignored 1.1").length, 10 - busy.length);
  // All of it was returned: there is room for a long line again, also after clients that vanished in mid-line.
  for (const client of slow) await client.send(long.subarray(0, partBytes));
  await Promise.all(slow.map((client) => client[Symbol.asyncDispose]()));
  await eventually("all gone", () => world.source.connections === 0);
  await using client = await world.connect();
  assert.equal(await client.ask(long), "ignored 1.1");
});

test("with the tail off, a line for which there is no room is rejected, so that its client tries again", async () => {
  await using world = await SocketWorld.listen({ hasTail: false, maxPartialBytes: 10_000 });
  await using client = await world.connect();
  assert.equal(await client.ask(alertBytes("1.1", { x: "y".repeat(500_000) })), "rejected - busy");
  assert.equal(await client.ask(alertBytes("1.2")), "delivered 1.2");
});

test("over-long lines that never end do not hold more than their share", async () => {
  await using world = await SocketWorld.listen({ maxLineBytes: 100_000, maxPartialBytes: 250_000 });
  const endless = await Promise.all(Array.from({ length: 10 }, () => world.connect()));
  for (const client of endless) await client.send("x".repeat(500_000));
  await Promise.all(endless.map((client) => client.send(newline)));
  const answers = (await Promise.all(endless.map((client) => client.answered(1)))).flat();
  const kept = answers.filter((answer) => answer === "rejected - too long: 500000 bytes");
  assert.ok(kept.length <= 2, answers.join(", "));
  assert.equal(answers.filter((answer) => answer === "accepted - busy").length, 10 - kept.length);
  assert.deepEqual(
    world.overLong,
    kept.map(() => ({ length: 500_000, keptBytes: 100_000 })),
  );
});

test("with the tail off, clients wait while the budget is spent, take no more than it, and are served then", async () => {
  await using world = await SocketWorld.listen({ hasTail: false, limitBytes: 20_000 });
  world.sink.isHolding = true;
  const clients = await Promise.all(Array.from({ length: 50 }, () => world.connect()));
  const x = "y".repeat(3000);
  await Promise.all(clients.map((client, i) => client.send(Buffer.concat([alertBytes(`1.${i}`, { x }), newline]))));
  await eventually("the budget spent", () => !world.delivery.budget.hasRoom());
  const taken = world.delivery.counters.socket.read;
  assert.ok(taken < 10, `${taken} alerts were taken`);
  await eventually("all answers", () => {
    world.sink.release();
    return clients.every((client) => client.answers.length === 1);
  });
  for (const [i, client] of clients.entries()) assert.deepEqual(client.answers, [`delivered 1.${i}`]);
  assert.equal(world.delivery.budget.usedBytes, 0);
});

test("lines that wait for room are all answered when their client has closed its sending side, the last one without newline too", async () => {
  await using world = await SocketWorld.listen({ hasTail: false, limitBytes: 2000 });
  world.sink.isHolding = true;
  await using client = await world.connect();
  const lines = Array.from({ length: 5 }, (_, at) => alertBytes(`1.${at}`, { x: "y".repeat(1000) }));
  await client.send(Buffer.concat(lines.flatMap((line) => [line, newline])).subarray(0, -1));
  client.socket.end();
  await eventually("the budget spent", () => !world.delivery.budget.hasRoom());
  await eventually("all answers", () => {
    world.sink.release();
    return client.isClosed;
  });
  assert.deepEqual(
    client.answers,
    lines.map((_, at) => `delivered 1.${at}`),
  );
});

test("clients that leave while they wait for room leave nothing behind", async () => {
  await using world = await SocketWorld.listen({ hasTail: false, limitBytes: 2000, maxPartialBytes: 300_000 });
  world.sink.isHolding = true;
  await using patient = await world.connect();
  await patient.send(
    Buffer.concat([alertBytes("1.0"), newline, alertBytes("1.1"), newline, alertBytes("1.2"), newline]),
  );
  const long = Buffer.concat([alertBytes("2.0", { x: "y".repeat(100_000) }), newline]);
  for (let i = 0; i < 10; i++) {
    const client = await world.connect();
    await client.send(long);
    await client[Symbol.asyncDispose]();
  }
  await eventually("the budget spent", () => !world.delivery.budget.hasRoom());
  assert.ok(world.delivery.counters.socket.read <= 3 + 1);
  // A client that is gone looks like one that has only closed its sending side, so its alert is accepted too, once.
  await eventually("them gone", () => {
    world.sink.release();
    return world.source.connections === 1;
  });
  assert.deepEqual(await patient.answered(3), ["delivered 1.0", "delivered 1.1", "delivered 1.2"]);
  assert.deepEqual(world.sink.records.map((record) => idIn(record)).toSorted(), ["1.0", "1.1", "1.2", "2.0"]);
  assert.equal(world.delivery.budget.usedBytes, 0);
  // All of it was returned: there is room for a long line again.
  world.sink.isHolding = false;
  assert.equal(await patient.ask(alertBytes("3.0", { x: "y".repeat(250_000) })), "delivered 3.0");
});

test("clients that are dropped return what their lines held, unfinished or whole", async () => {
  const bounds = { limitBytes: 2000, maxConnections: 4, maxPartialBytes: 600_000 };
  await using world = await SocketWorld.listen({ hasTail: false, ...bounds });
  world.sink.isHolding = true;
  world.delivery.offer("socket", alertBytes("1.0", { x: "y".repeat(5000) }));
  const line = Buffer.concat([alertBytes("1.1", { x: "y".repeat(500_000) }), newline]);
  const clients: LineClient[] = []; // There is room for the line of one of them.
  for (let i = 0; i < 20; i++) {
    const client = await world.connect();
    clients.push(client);
    await client.send(i < 10 ? line.subarray(0, 450_000) : line);
  }
  const others: LineClient[] = [];
  for (let i = 0; i < 4; i++) others.push(await world.connect());
  await eventually("them gone", () => clients.every((client) => client.isClosed));
  world.sink.isHolding = false;
  world.sink.release();
  for (const [i, other] of others.entries()) {
    assert.equal(await other.ask(alertBytes(`2.${i}`, { x: "y".repeat(500_000) })), `delivered 2.${i}`);
  }
  assert.equal(world.delivery.counters.socket.read, 5);
});

test("a client that is gone before its answer does no harm", async () => {
  await using world = await SocketWorld.listen();
  for (let i = 0; i < 20; i++) {
    const client = await world.connect({ reads: false });
    await client.send(linesOf(i * 1000, 1000));
    await client[Symbol.asyncDispose]();
  }
  await using client = await world.connect();
  assert.equal(await client.ask(alertBytes("9.9")), "accepted 9.9");
});
