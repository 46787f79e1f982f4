import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, statSync } from "node:fs";
import { request } from "node:http";
import { connect, type NetConnectOpts } from "node:net";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Metrics } from "../../daemon/status/metrics.ts";
import { StatusService, type StatusServiceParts } from "../../daemon/status/service.ts";
import { silentLog } from "../../daemon/telemetry/log.ts";
import { eventually } from "../rig/eventually.ts";
import { freePorts } from "../rig/free-ports.ts";
import { Program } from "../rig/program.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { aForwarder } from "../unit/status/a-forwarder.ts";
import { alertLine, StatusWorld } from "./status-world.ts";

const halfOpen = fileURLToPath(new URL("../rig/half-open.js", import.meta.url));
/** Another user of this machine: nobody. */
const attacker = 65534;
const paths = ["/livez", "/readyz", "/status", "/metrics"];

/** Where the status is served, as Node's clients take it. */
type Target = { readonly host: string; readonly port: number } | { readonly socketPath: string };

function get(target: Target, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({ ...target, path, agent: false }, (response) => {
      response.resume().on("end", () => resolve(response.statusCode ?? 0));
      response.on("error", reject);
    });
    asked.on("error", reject);
    asked.end();
  });
}

for (const kind of ["port", "Unix socket"] as const) {
  for (const count of [40, 200, 1000]) {
    test(`${count} half-open connections of another user keep nobody from an answer on a ${kind}, and no alert from the sink`, async () => {
      await using world = await StatusWorld.create();
      const [port = 0] = await freePorts(1);
      const isPort = kind === "port";
      const target: Target = isPort ? { host: "127.0.0.1", port } : { socketPath: world.statusSocket };
      world.configure({ fail2ban: {} }, isPort ? `127.0.0.1:${port}` : world.statusSocket);
      await world.start();
      // The socket is for its group: the user is a member of it here.
      chmodSync(world.directory.path, 0o755);
      const gid = isPort ? attacker : statSync(world.statusSocket).gid;
      const where = isPort ? port : world.statusSocket;
      await using hostile = new Program(process.execPath, [halfOpen, where, count, attacker, gid].map(String));
      await eventually("the attack", () => hostile.outputLines.includes("ready"));
      for (let round = 0; round < 5; round++) {
        for (const path of paths) assert.equal(await get(target, path), 200, path);
      }
      world.writeLog(alertLine(1_700_000_000));
      await world.sentReach(1);
      assert.equal(hostile.ended, undefined, hostile.errorLines.join("\n"));
    });
  }
}

const nothing = (): Promise<void> => Promise.resolve();

interface Offered extends AsyncDisposable {
  readonly target: Target;
}

/** The service by itself, on a port. */
async function offered(hosts: readonly string[] = [], some: Partial<StatusServiceParts> = {}): Promise<Offered> {
  const [port = 0] = await freePorts(1);
  const status = new StatusService({ facts: () => aForwarder(), refresh: nothing, metrics: new Metrics(), ...some });
  await status.listen({ kind: "tcp", host: "127.0.0.1", port }, silentLog, { hosts });
  return {
    target: { host: "127.0.0.1", port },
    [Symbol.asyncDispose]: () => status[Symbol.asyncDispose](),
  };
}

/** Sends bytes and returns everything that comes until the other side ends. */
async function raw(target: Target, text: string): Promise<string> {
  const to: NetConnectOpts = "port" in target ? target : { path: target.socketPath };
  const socket = connect(to);
  socket.on("error", () => undefined); // An early end is one, when more was sent than was read.
  let answer = "";
  socket.setEncoding("latin1").on("data", (part: string) => (answer += part));
  socket.write(text);
  await once(socket, "close");
  return answer;
}

const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);

test("on a port, Host must be its address, localhost or one of status.hosts", async () => {
  await using status = await offered(["status.example.org", "2001:db8::1"]);
  const cases: readonly (readonly [headers: string, status: number])[] = [
    ["Host: 127.0.0.1\r\n", 200],
    ["Host: 127.0.0.1:9090\r\n", 200],
    ["Host: LocalHost:1\r\n", 200],
    ["Host: localhost.\r\n", 200],
    ["Host: Status.Example.org:8443\r\n", 200],
    ["Host: [2001:DB8:0::1]:80\r\n", 200],
    ["Host: evil.example.org\r\n", 421],
    ["Host: localhost.evil.example.org\r\n", 421],
    ["Host: 127.0.0.1.nip.example\r\n", 421],
    ["Host: 127.0.0.2\r\n", 421],
    ["Host: [::1]\r\n", 421],
    ["Host: 0\r\n", 421],
    ["Host: \r\n", 400],
    ["Host: localhost:80:80\r\n", 400],
    ["Host: user@localhost\r\n", 400],
    ["Host: localhost/../evil\r\n", 400],
    ["Host: [localhost]\r\n", 400],
    ["", 400],
    ["Host: localhost\r\nHost: localhost\r\n", 400],
    ["Host: localhost\r\nhOST: evil.example.org\r\n", 400],
    ["X-Forwarded-Host: localhost\r\nForwarded: host=localhost\r\nHost: evil.example.org\r\n", 421],
  ];
  for (const [headers, expected] of cases) {
    for (const path of ["/livez", "/status", "/absent"]) {
      const answer = await raw(status.target, `GET ${path} HTTP/1.1\r\n${headers}\r\n`);
      const wanted = expected === 200 && path === "/absent" ? 404 : expected;
      assert.equal(statusOf(answer), wanted, `${path} ${headers}: ${answer}`);
    }
  }
  assert.equal(statusOf(await raw(status.target, "GET /livez HTTP/1.0\r\n\r\n")), 400);
  assert.equal(statusOf(await raw(status.target, "GET http://evil/livez HTTP/1.1\r\nHost: localhost\r\n\r\n")), 404);
});

test("on a Unix socket any Host is accepted, but never two", async () => {
  await using temp = await TempDir.create();
  await using status = new StatusService({
    facts: () => aForwarder(),
    refresh: () => Promise.resolve(),
    metrics: new Metrics(),
  });
  const target = { socketPath: temp.join("status.sock") };
  await status.listen({ kind: "unix", path: target.socketPath }, silentLog);
  assert.equal(statusOf(await raw(target, "GET /livez HTTP/1.1\r\nHost: any.example.org\r\n\r\n")), 200);
  assert.equal(statusOf(await raw(target, "GET /livez HTTP/1.0\r\n\r\n")), 200);
  assert.equal(statusOf(await raw(target, "GET /livez HTTP/1.1\r\n\r\n")), 400);
  assert.equal(statusOf(await raw(target, "GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")), 400);
});

test("names that a reload adds count at once", async () => {
  const [port = 0] = await freePorts(1);
  await using status = new StatusService({
    facts: () => aForwarder(),
    refresh: () => Promise.resolve(),
    metrics: new Metrics(),
  });
  const target = { host: "127.0.0.1", port };
  const ask = async () => statusOf(await raw(target, "GET /livez HTTP/1.1\r\nHost: new.example.org\r\n\r\n"));
  await status.listen({ kind: "tcp", ...target }, silentLog);
  assert.equal(await ask(), 421);
  await status.listen({ kind: "tcp", ...target }, silentLog, { hosts: ["new.example.org"] });
  assert.equal(await ask(), 200);
});

test("a page of another site gets nothing, and nothing allows it to", async () => {
  await using status = await offered();
  const ask = (headers: string) => raw(status.target, `GET /status HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`);
  const crossSite = await ask("Sec-Fetch-Site: cross-site\r\nOrigin: http://evil.example.org\r\n");
  assert.equal(statusOf(crossSite), 403);
  for (const site of ["same-origin", "same-site", "none"]) {
    const answer = await ask(`Sec-Fetch-Site: ${site}\r\nOrigin: http://evil.example.org\r\n`);
    assert.equal(statusOf(answer), 200, site);
    assert.match(answer, /\r\nx-content-type-options: nosniff\r\n/i);
    assert.doesNotMatch(answer, /access-control/i);
  }
  assert.match(crossSite, /\r\nx-content-type-options: nosniff\r\n/i);
  assert.doesNotMatch(crossSite, /access-control/i);
});

test("a connection gets one answer: what is sent after the first request costs nothing", async () => {
  let reads = 0;
  await using status = await offered([], { facts: () => ((reads += 1), aForwarder()) });
  const one = "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const before = reads;
  const answer = await raw(status.target, one.repeat(1000));
  assert.equal(statusOf(answer), 200);
  assert.equal(answer.match(/HTTP\/1\.1 200/g)?.length, 1);
  assert.match(answer, /\r\nconnection: close\r\n/i);
  // The clock may have made a few looks of its own meanwhile, one a second.
  assert.ok(reads - before < 100, `${reads - before} looks`);
});

test("many requests at one moment get one answer, computed after they came", async () => {
  let moment = 0;
  const gate = new EventTarget();
  const refresh = async (): Promise<void> => {
    await once(gate, "open");
  };
  await using status = await offered([], { refresh, facts: () => aForwarder({ uptimeSeconds: ++moment }) });
  const asked = Array.from({ length: 50 }, () => raw(status.target, "GET /status HTTP/1.0\r\nHost: localhost\r\n\r\n"));
  // Each of them is there when one that came later has been answered.
  assert.equal(await get(status.target, "/livez"), 200);
  const before = moment;
  gate.dispatchEvent(new Event("open"));
  const uptimes = (await Promise.all(asked)).map((answer) => Number(/"uptimeSeconds":(\d+)/.exec(answer)?.[1]));
  assert.equal(new Set(uptimes).size, 1);
  assert.ok((uptimes[0] ?? 0) > before);
});

test("huge headers, endless headers and clients that do not read are dropped, and others get their answer", async () => {
  await using status = await offered();
  const huge = await raw(status.target, `GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}\r\n\r\n`);
  assert.equal(statusOf(huge), 431);
  const many = await raw(status.target, `GET /livez HTTP/1.1\r\nHost: localhost\r\n${"x: y\r\n".repeat(5000)}\r\n`);
  assert.equal(statusOf(many), 431);
  const { target } = status;
  assert.ok("port" in target);
  let ended = 0;
  const deaf = Array.from({ length: 300 }, () => {
    const socket = connect(target);
    socket.on("error", () => undefined);
    socket.on("close", () => (ended += 1));
    socket.pause();
    socket.write("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return socket;
  });
  for (const path of paths) assert.equal(await get(target, path), 200, path);
  for (const socket of deaf) socket.resume();
  await eventually("all of them dropped", () => ended === deaf.length);
});
