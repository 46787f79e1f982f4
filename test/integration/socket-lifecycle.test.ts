import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, linkSync, statSync, symlinkSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { test } from "node:test";
import { tailOffMarker } from "../../integration/protocol.ts";
import { DfnError, type Code } from "../../daemon/errors.ts";
import { affordableConnections } from "../../daemon/sources/socket/socket-source.ts";
import { alertBytes } from "../rig/delivery.ts";
import { eventually } from "../rig/eventually.ts";
import { SocketWorld } from "../rig/socket-world.ts";

function failsWith(code: Code, pattern: RegExp) {
  return (reason: unknown): boolean => {
    assert.ok(reason instanceof DfnError);
    assert.equal(reason.code, code);
    assert.match(reason.message, pattern);
    return true;
  };
}

/** A socket file whose process is gone: bound, and linked to the path before its server removed it. */
async function leaveStale(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const server = createServer();
  server.listen(`${path}.bound`);
  await once(server, "listening");
  linkSync(`${path}.bound`, path);
  server.close();
  await once(server, "close");
}

test("the socket file has its permissions, and is gone after the end", async () => {
  await using world = await SocketWorld.listen({ mode: 0o640 });
  assert.equal(statSync(world.path).mode & 0o777, 0o640);
  assert.ok(statSync(world.path).isSocket());
  await world.source[Symbol.asyncDispose]();
  assert.equal(existsSync(world.path), false);
});

test("a socket file that a dead process left is replaced", async () => {
  await using world = await SocketWorld.prepare();
  await leaveStale(world.path);
  assert.ok(existsSync(world.path));
  await world.source.listen();
  await using client = await world.connect();
  assert.equal(await client.ask(alertBytes("1.1")), "accepted 1.1");
});

test("a living listener is not replaced, and continues", async () => {
  await using living = await SocketWorld.listen();
  await using second = await SocketWorld.prepare({ path: living.path });
  await assert.rejects(second.source.listen(), failsWith("UNAVAILABLE", /another process listens/));
  await second.source[Symbol.asyncDispose]();
  await using client = await living.connect();
  assert.equal(await client.ask(alertBytes("1.1")), "accepted 1.1");
});

test("a path with something else at it is refused, and what is there is left alone", async () => {
  await using world = await SocketWorld.prepare();
  await mkdir(dirname(world.path));
  await writeFile(world.path, "precious");
  await assert.rejects(world.source.listen(), failsWith("IO", /is not a socket: remove it/));
  assert.equal(await readFile(world.path, "utf8"), "precious");
  await using other = await SocketWorld.prepare();
  await mkdir(dirname(other.path));
  symlinkSync(world.path, other.path);
  await assert.rejects(other.source.listen(), failsWith("IO", /is not a socket/));
  await using inside = await SocketWorld.prepare({ path: `${world.path}/alerts.sock` });
  await assert.rejects(inside.source.listen(), failsWith("IO", /sources\.socket\.path/));
});

test("a path longer than the system allows for sockets is refused and named", async () => {
  await using world = await SocketWorld.prepare();
  await using long = await SocketWorld.prepare({ path: world.temp.join("x".repeat(120)) });
  await assert.rejects(long.source.listen(), failsWith("IO", /xxx/));
});

test("whether the tail is off is recorded next to the socket, and stays there while the forwarder is stopped", async () => {
  await using world = await SocketWorld.listen({ hasTail: false });
  const marker = tailOffMarker(world.path);
  assert.equal(statSync(marker).mode & 0o777, 0o644);
  await world.source[Symbol.asyncDispose]();
  assert.ok(existsSync(marker));
  await using later = await SocketWorld.listen({ path: world.path, hasTail: true });
  assert.equal(existsSync(marker), false);
  assert.equal(later.source.connections, 0);
});

test("draining accepts no more clients and lines, and drops each client once its answers are written", async () => {
  await using world = await SocketWorld.listen({ hasTail: false });
  world.sink.isHolding = true;
  await using waiting = await world.connect();
  await using idle = await world.connect();
  await waiting.send(Buffer.concat([alertBytes("1.1"), Buffer.from("\n"), alertBytes("1.2").subarray(0, 10)]));
  await eventually("the alert", () => world.sink.held.length === 1);
  world.source.drain();
  await assert.rejects(world.connect());
  await eventually("the idle client dropped", () => idle.isClosed);
  assert.equal(waiting.socket.readableEnded, false);
  await waiting.send(Buffer.concat([alertBytes("1.2").subarray(10), Buffer.from("\n")]));
  world.sink.release();
  await eventually("the waiting client dropped", () => waiting.isClosed);
  assert.deepEqual(waiting.answers, ["delivered 1.1"]);
  assert.equal(world.delivery.counters.socket.read, 1);
});

test("dispose is safe before listening, after a failure, while draining and twice", async () => {
  await using world = await SocketWorld.prepare();
  await world.source[Symbol.asyncDispose]();
  await using draining = await SocketWorld.listen();
  await using client = await draining.connect();
  draining.source.drain();
  draining.source.drain();
  await draining.source[Symbol.asyncDispose]();
  await draining.source[Symbol.asyncDispose]();
  await eventually("the client dropped", () => client.isClosed);
  await using busy = await SocketWorld.listen();
  await using silent = await busy.connect();
  const disposed = busy.source[Symbol.asyncDispose]();
  await eventually("the silent client dropped", () => silent.isClosed);
  await disposed;
  await using empty = await SocketWorld.listen();
  empty.source.drain();
  await empty.source[Symbol.asyncDispose]();
});

test("the clients allowed leave descriptors for everything else", async () => {
  assert.equal(await affordableConnections(1), 1);
  const most = await affordableConnections(Number.MAX_SAFE_INTEGER);
  const limits = await readFile("/proc/self/limits", "utf8");
  const soft = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1]);
  assert.ok(soft >= 200, `the test needs a limit of at least 200 open files, here it is ${soft}`);
  assert.ok(most >= 16 && most <= soft - 100, `${most} of ${soft}`);
});
