/** What a connection of the Kafka sink leaves behind when it ends: nothing that could arrive later. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { connect, createServer } from "node:tls";
import { resetOnClose } from "../../daemon/os/reset-on-close.ts";
import { writeRecords } from "../rig/batches.ts";
import { makeCertificates } from "../rig/certificates.ts";
import { eventually } from "../rig/eventually.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { openSink, record } from "../unit/sinks/kafka/rig.ts";
import { ScriptedBroker } from "../unit/sinks/kafka/scripted-broker.ts";

test("a connection to a broker ends with a reset: what was in flight is not delivered for a process that is gone", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address]);
  broker.react = () => "silence";
  const written = writeRecords(sink, "t", 0, [record("a")]);
  const rejected = assert.rejects(written);
  await eventually("the request", () => broker.produced.length === 1);
  await sink[Symbol.asyncDispose]();
  await rejected;
  await eventually("a reset of every connection", () => broker.resets === broker.connections);
});

test("the socket under a TLS connection gets the same option", async () => {
  await using directory = await TempDir.create();
  const { server: keys } = await makeCertificates(directory.path);
  const pem = readFileSync(keys.store);
  const server = createServer({ key: pem, cert: pem }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const client = connect({ port: address.port, host: "127.0.0.1", rejectUnauthorized: false });
  try {
    await once(client, "secureConnect");
    assert.equal(resetOnClose(client), true);
    client.destroy();
    assert.equal(resetOnClose(client), false);
  } finally {
    client.destroy();
    server.close();
  }
});
