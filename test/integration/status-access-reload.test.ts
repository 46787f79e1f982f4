import assert from "node:assert/strict";
import { renameSync, statSync, writeFileSync } from "node:fs";
import { connect, type PeerCertificate } from "node:tls";
import { once } from "node:events";
import { test } from "node:test";
import { eventually } from "../rig/eventually.ts";
import { forwarderBundle } from "../rig/forwarder-bundle.ts";
import { Program } from "../rig/program.ts";
import { wazuhDfn } from "./cli.ts";
import { AccessWorld, tapToken, token } from "./status-access-world.ts";
import { ask } from "./status-world.ts";

async function serialOn(port: number): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const certificate: PeerCertificate = socket.getPeerCertificate();
  socket.destroy();
  return certificate.serialNumber;
}

test("a real forwarder: SIGHUP reads token and certificate again, ends the streams of the old token, and keeps what it has when the new ones are wrong", async () => {
  await using world = await AccessWorld.create();
  const { pki, port, server, directory } = world;
  const settings = {
    dfn: { customer_id: "acme" },
    wazuh: { home: directory.join("ossec"), feedback: "off" },
    sources: { socket: "off" },
    sink: { file: { path: directory.join("records") } },
    state_dir: directory.join("state"),
    status: {
      listen: `0.0.0.0:${port}`,
      tls: { cert: server.cert, key: server.key },
      token_file: pki.path("token"),
      rate: "1000/s",
    },
    log: { level: "debug" },
  };
  const config = directory.join("config.yaml");
  writeFileSync(config, JSON.stringify(settings));
  await using program = new Program(process.execPath, [forwarderBundle, "run", "--config", config]);
  await program.waitForLog(/"msg":"started"/);
  assert.equal(await world.statusOf("/status", { token }), 200);

  // The commands and the contents of alerts have the Unix socket, whatever the port asks for.
  const socket = directory.join("state/status.sock");
  assert.equal(statSync(socket).mode & 0o777, 0o660);
  assert.equal((await ask(socket, "/status")).status, 200);
  const shown = await wazuhDfn(["status", "--json", "--config", config]);
  assert.equal(JSON.parse(shown.stdout).pid, program.pid);

  const stream = await world.open("/events", { token });
  let hasEnded = false;
  stream.on("error", () => undefined); // Its end is not a proper one.
  stream.on("close", () => (hasEnded = true)).resume();
  const before = await serialOn(port);
  const renewed = await pki.make("renewed");
  renameSync(renewed.cert, server.cert);
  renameSync(renewed.key, server.key);
  writeFileSync(pki.path("token"), `${tapToken}\n`);
  program.signal("SIGHUP");
  await eventually("the new token", async () => (await world.statusOf("/status", { token: tapToken })) === 200);
  assert.equal(await world.statusOf("/status", { token }), 401);
  await eventually("the end of the stream", () => hasEnded);
  assert.notEqual(await serialOn(port), before);

  writeFileSync(pki.path("token"), "too short");
  program.signal("SIGHUP");
  await program.waitForLog(/changed settings are wrong and were not applied/);
  assert.equal(await world.statusOf("/status", { token: tapToken }), 200);
  const log = program.errorLines.join("\n");
  assert.match(log, /status\.token_file: \S+ holds 9 characters/);
  for (const text of [log, shown.stdout, (await ask(socket, "/metrics")).body]) {
    assert.doesNotMatch(text, /t0ken-of-the|too short/);
  }
});
