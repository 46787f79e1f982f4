/** Who may send alerts: attacks by a user who may open the socket and is not in `sources.socket.allow`. */
import assert from "node:assert/strict";
import { appendFileSync, chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { test } from "node:test";
import { peerPolicy } from "../../daemon/sources/socket/peers.ts";
import { silentLog } from "../../daemon/telemetry/log.ts";
import { alertBytes, settle } from "../rig/delivery.ts";
import { InstalledCustomDfn } from "../rig/custom-dfn.ts";
import { eventually } from "../rig/eventually.ts";
import { idIn } from "../rig/memory-sink.ts";
import { otherUser, runAs, startAs } from "../rig/other-user.ts";
import { SocketWorld, type SocketWorldOptions } from "../rig/socket-world.ts";
import { alertLine, ask, StatusWorld } from "./status-world.ts";

const open = { mode: 0o666 } as const;

/** A socket that everybody may open, as members of its group may. */
async function openWorld(options: SocketWorldOptions = {}): Promise<SocketWorld> {
  const world = await SocketWorld.listen({ ...open, ...options });
  chmodSync(world.temp.path, 0o755);
  return world;
}

/** Sends lines, prints all answers until the connection ends. */
function sending(path: string, lines: readonly Buffer[]): string {
  const text = lines.map((line) => `${line.toString()}\n`).join("");
  return `
    const socket = require("node:net").connect(${JSON.stringify(path)});
    socket.on("data", (bytes) => process.stdout.write(bytes));
    socket.on("error", (reason) => process.stdout.write(reason.code));
    socket.write(${JSON.stringify(text)});
    socket.end();
  `;
}

test("a user who is not allowed gets that answer and is dropped, and nothing that it sends is accepted", async () => {
  await using world = await openWorld();
  const { output } = await runAs(otherUser, sending(world.path, [alertBytes("1.1"), Buffer.from("garbage")]));
  assert.equal(output, `rejected - user ${otherUser.uid} is not in sources.socket.allow\n`);
  await settle();
  assert.deepEqual(world.sink.records, []);
  assert.deepEqual(world.delivery.deadLetters.entries, []);
  assert.equal(world.delivery.counters.socket.read, 0);
  const [peer] = world.refused;
  assert.deepEqual([peer?.uid, peer?.gid, world.refused.length], [otherUser.uid, otherUser.gid, 1]);
  assert.ok(peer !== undefined && peer.pid > 0);
});

test("a user who is allowed by number, and the forwarder's own, may send", async () => {
  await using world = await openWorld({ allow: [String(otherUser.uid)] });
  const { output } = await runAs(otherUser, sending(world.path, [alertBytes("1.1")]));
  assert.equal(output, "accepted 1.1\n");
  await using client = await world.connect();
  assert.equal(await client.ask(alertBytes("1.2")), "accepted 1.2");
  await settle();
  assert.deepEqual(
    world.sink.records.map((record) => idIn(record)),
    ["1.1", "1.2"],
  );
});

test("a user is allowed by the name that the system knows", async () => {
  const [name = "", , uid = ""] = readFileSync("/etc/passwd", "utf8").split("\n").at(1)?.split(":") ?? [];
  await using world = await openWorld({ allow: [name, "no-such-user"] });
  const user = { uid: Number(uid), gid: otherUser.gid };
  assert.equal((await runAs(user, sending(world.path, [alertBytes("1.1")]))).output, "accepted 1.1\n");
});

test("if no user is called wazuh, the owner of the manager's sockets is used", async () => {
  await using world = await SocketWorld.prepare({ ...open, allow: ["wazuh"] });
  const sockets = world.temp.join("ossec/queue/sockets");
  mkdirSync(sockets, { recursive: true });
  chownSync(sockets, otherUser.uid, otherUser.gid);
  const policy = peerPolicy(["root", "wazuh"], world.temp.join("ossec"), silentLog);
  assert.deepEqual([...policy.uids], [0, otherUser.uid]);
});

test("hundreds of refused connections that never end keep nobody out, and are dropped", async () => {
  await using world = await openWorld({ maxConnections: 16 });
  const child = startAs(
    otherUser,
    `
    const { connect } = require("node:net");
    let open = 0, ended = 0;
    for (let i = 0; i < 500; i++) {
      const socket = connect({ path: ${JSON.stringify(world.path)}, allowHalfOpen: true });
      socket.on("error", () => undefined);
      const drip = setInterval(() => socket.write("x"), 100);
      socket.on("close", () => {
        clearInterval(drip);
        if (++ended === 500) process.stdout.write("all ended");
      });
      socket.write("x".repeat(100_000));
    }
  `,
  );
  const ended = once(child, "close");
  let output = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (output += text));
  await eventually("some of them", () => world.refused.length > 50);
  await using client = await world.connect();
  assert.equal(await client.ask(alertBytes("1.1")), "accepted 1.1");
  await eventually("the end of all", () => output === "all ended");
  assert.equal(world.source.connections, 1);
  await ended;
});

test("custom-dfn says in debug mode that it was refused, and integratord sees no error", async () => {
  await using world = await openWorld();
  using customDfn = new InstalledCustomDfn("perl");
  const alert = world.temp.join("custom-dfn-1-1.alert");
  writeFileSync(alert, `${alertBytes("1.1").toString()}\n`);
  const args = [alert, "", `unix:${world.path}`, "debug", "", "10", "3"];
  // On a busy machine the answer may take longer than the 50 ms that custom-dfn waits: then it is called again.
  const said = await eventually("an answer in time", async () => {
    const { code, stdout } = await customDfn.run(args, { uid: otherUser.uid });
    assert.equal(code, 0);
    return !stdout.includes("no answer within 50 ms") && stdout;
  });
  assert.match(said, /rejected - user 65432 is not in sources\.socket\.allow; the tail of alerts\.json has the alert/);
});

interface FileRecord {
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Tries to be first with each alert, with another host in it, and then writes the true line. @returns forged count */
async function forge(world: StatusWorld, user: { uid: number; gid: number }): Promise<FileRecord[]> {
  const count = 50;
  const lines = Array.from({ length: count }, (_, i) => alertLine(1_763_700_000 + i));
  const forged = lines.map((line) => Buffer.from(line.replace('"name":"host"', '"name":"mallory"')));
  await runAs(user, sending(world.alertSocket, forged));
  appendFileSync(world.alertsJson, lines.map((line) => `${line}\n`).join(""));
  const genuine = (): FileRecord[] =>
    readFileSync(world.records, "utf8")
      .trimEnd()
      .split("\n")
      .map((line): FileRecord => JSON.parse(line));
  await eventually("the true alerts", () => {
    const found = genuine().filter(({ value }) => !value.includes("mallory"));
    return found.length === count;
  });
  return genuine().filter(({ value }) => value.includes("mallory"));
}

/** The status once nothing is in flight: records are in the file a moment before they are acknowledged. */
function settledStatus(world: StatusWorld) {
  return eventually("all acknowledged", async () => {
    const status = JSON.parse((await ask(world.statusSocket, "/status")).body);
    return status.sources.tail.inFlight + status.sources.socket.inFlight === 0 && status;
  });
}

test("a forger who may open the socket gets no record into the sink, and hides none", async () => {
  await using world = await StatusWorld.create();
  chmodSync(world.directory.path, 0o755);
  const forwarder = await world.start();
  chmodSync(world.alertSocket, 0o666);
  assert.deepEqual(await forge(world, otherUser), []);
  const status = await settledStatus(world);
  assert.equal(status.sources.tail.acknowledged, 50);
  assert.equal(status.socket.refused, 1);
  assert.equal(status.socket.contradicted, 0);
  await forwarder.waitForLog(/not in sources\.socket\.allow was refused/);
  assert.match((await ask(world.statusSocket, "/metrics")).body, /^wazuh_dfn_socket_refused_total 1$/m);
});

test("an allowed user who sends copies that differ from the log's hides no alert, and the difference is reported", async () => {
  await using world = await StatusWorld.create();
  const forwarder = await world.start();
  const forged = await forge(world, { uid: 0, gid: 0 });
  assert.equal(forged.length, 50);
  const status = await settledStatus(world);
  assert.equal(status.socket.contradicted, 50);
  assert.equal(status.health.state, "degraded");
  assert.match(status.health.reasons[0].text, /^50 copies of alerts on the socket differed from alerts\.json/);
  for (const { read, ignored, paired, inFlight, acknowledged, deadLettered } of Object.values<Record<string, number>>(
    status.sources,
  )) {
    assert.equal(read, (ignored ?? 0) + (paired ?? 0) + (inFlight ?? 0) + (acknowledged ?? 0) + (deadLettered ?? 0));
  }
  assert.equal(status.sources.socket.acknowledged, 50);
  assert.equal(status.sources.tail.acknowledged, 50);
  const line = await forwarder.waitForLog(/differs from its line in alerts\.json/);
  assert.match(line, /"level":"?(error|50)/);
});
