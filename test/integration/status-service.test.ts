import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { test } from "node:test";
import type { Facts } from "../../daemon/status/facts.ts";
import { Metrics } from "../../daemon/status/metrics.ts";
import { StatusService, type StatusServiceParts } from "../../daemon/status/service.ts";
import { silentLog } from "../../daemon/telemetry/log.ts";
import { eventually } from "../rig/eventually.ts";
import { freePorts } from "../rig/free-ports.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { aForwarder } from "../unit/status/a-forwarder.ts";
import { ask } from "./status-world.ts";

function service(some: Partial<StatusServiceParts> = {}): StatusService {
  return new StatusService({
    facts: () => aForwarder(),
    refresh: () => Promise.resolve(),
    metrics: new Metrics(),
    ...some,
  });
}

const unix = (path: string) => ({ kind: "unix", path }) as const;

test("it reports that it lives, whether it is ready, its status and its metrics", async () => {
  await using temp = await TempDir.create();
  let facts: Facts = aForwarder({ isReady: false });
  await using status = service({ facts: () => facts });
  const path = temp.join("run/status.sock");
  await status.listen(unix(path), silentLog);
  assert.equal(statSync(path).mode & 0o777, 0o660);
  assert.equal((await ask(path, "/livez")).status, 200);
  assert.equal((await ask(path, "/readyz")).status, 503);
  facts = aForwarder();
  assert.equal((await ask(path, "/readyz")).status, 200);
  const answer = JSON.parse((await ask(path, "/status?pretty")).body);
  assert.deepEqual(answer, { ...JSON.parse(JSON.stringify(facts)), health: { state: "ok", reasons: [] } });
  assert.match((await ask(path, "/metrics")).body, /^wazuh_dfn_ready 1$/m);
  assert.equal((await ask(path, "/secrets")).status, 404);
});

test("it is read-only: HEAD gives no body, and what would change something is refused", async () => {
  await using temp = await TempDir.create();
  await using status = service();
  const path = temp.join("status.sock");
  await status.listen(unix(path), silentLog);
  assert.deepEqual(await ask(path, "/livez", "HEAD"), { status: 200, body: "" });
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    assert.equal((await ask(path, "/status", method)).status, 405, method);
  }
});

test("the figures of an answer are of one moment, taken after the slow values were determined", async () => {
  await using temp = await TempDir.create();
  const events: string[] = [];
  const refresh = async (): Promise<void> => {
    events.push("refresh");
    await new Promise((resolve) => setImmediate(resolve));
    events.push("refreshed");
  };
  await using status = service({ refresh, facts: () => (events.push("facts"), aForwarder()) });
  const path = temp.join("status.sock");
  await status.listen(unix(path), silentLog);
  events.length = 0;
  await ask(path, "/metrics");
  assert.deepEqual(events.slice(0, 3), ["refresh", "refreshed", "facts"]);
});

test("a status that fails is an answer and a line in the log, not the end of the forwarder", async () => {
  await using temp = await TempDir.create();
  await using status = service({
    facts: () => {
      throw new Error("secret detail");
    },
  });
  const path = temp.join("status.sock");
  await status.listen(unix(path), silentLog);
  const { status: code, body } = await ask(path, "/status");
  assert.equal(code, 500);
  assert.doesNotMatch(body, /secret/);
  assert.equal((await ask(path, "/livez")).status, 200);
});

test("the socket of a dead process is replaced, that of a living one and any other file are not", async () => {
  await using temp = await TempDir.create();
  const path = temp.join("status.sock");
  const errors: object[] = [];
  const log = { ...silentLog, debug() {}, info() {}, warn() {}, error: (fields: object) => errors.push(fields) };
  await using first = service();
  await first.listen(unix(path), silentLog);
  await using second = service();
  await second.listen(unix(path), log);
  assert.equal(errors.length, 1);
  assert.match(JSON.stringify(errors), /another process listens/);
  assert.equal((await ask(path, "/livez")).status, 200);

  const file = temp.join("file");
  await writeFile(file, "mine");
  await second.listen(unix(file), log);
  assert.match(JSON.stringify(errors[1]), /is not a socket/);

  const stale = temp.join("stale.sock");
  await leaveStale(stale);
  await second.listen(unix(stale), log);
  assert.equal(errors.length, 2);
  assert.equal((await ask(stale, "/livez")).status, 200);
});

/** A socket file that nobody listens on, as a killed process leaves it. */
async function leaveStale(path: string): Promise<void> {
  const { link, rename } = await import("node:fs/promises");
  const server = createServer();
  server.listen(path);
  await once(server, "listening");
  await link(path, `${path}.kept`);
  server.close();
  await once(server, "close");
  await rename(`${path}.kept`, path);
}

test("another address replaces the former one, including a port of this machine", async () => {
  await using temp = await TempDir.create();
  await using status = service();
  const path = temp.join("status.sock");
  await status.listen(unix(path), silentLog);
  const [port = 0] = await freePorts(1);
  await status.listen({ kind: "tcp", host: "127.0.0.1", port }, silentLog);
  assert.equal(existsSync(path), false);
  const response = await fetch(`http://127.0.0.1:${port}/livez`);
  assert.equal(await response.text(), "alive\n");
});

test("clients that connect and say nothing, or half a request, are dropped, and others get their answer", async () => {
  await using temp = await TempDir.create();
  await using status = service();
  const path = temp.join("status.sock");
  await status.listen(unix(path), silentLog);
  let dropped = 0;
  for (let i = 0; i < 100; i++) {
    const socket = connect(path);
    socket.on("error", () => undefined); // A dropped connection may look like one.
    socket.on("close", () => (dropped += 1));
    socket.resume(); // Otherwise the end of what the service says would not be seen.
    if (i % 2 === 0) socket.write("GET /status HTTP/1.1\r\nHost: x\r\nX-Slow:");
  }
  await eventually("an answer", async () => (await ask(path, "/livez")).status === 200);
  await eventually("all of them dropped", () => dropped === 100);
});

test("a request with huge headers is refused", async () => {
  await using temp = await TempDir.create();
  await using status = service();
  const path = temp.join("status.sock");
  await status.listen(unix(path), silentLog);
  const socket = connect(path);
  socket.write(`GET /livez HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(20_000)}\r\n\r\n`);
  const [answer] = await once(socket, "data");
  assert.match(String(answer), /^HTTP\/1\.1 431 /);
  socket.destroy();
});

test("it ends although a client keeps asking, and leaves no socket file; twice is safe", async () => {
  await using temp = await TempDir.create();
  const status = service();
  const path = temp.join("status.sock");
  await status.listen(unix(path), silentLog);
  const socket = connect(path);
  await once(socket, "connect");
  socket.on("error", () => undefined);
  socket.write("GET /status HTTP/1.1\r\nHost: x\r\nX-Endless: ");
  const asking = setInterval(() => socket.write("x"), 100);
  try {
    await eventually("the request begun", async () => (await ask(path, "/livez")).status === 200);
    let hasEnded = false;
    void status[Symbol.asyncDispose]().then(() => (hasEnded = true));
    await eventually("the end", () => hasEnded);
  } finally {
    clearInterval(asking);
    socket.destroy();
  }
  await status[Symbol.asyncDispose]();
  assert.equal(existsSync(path), false);
});
