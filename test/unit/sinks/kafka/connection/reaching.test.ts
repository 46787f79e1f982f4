import assert from "node:assert/strict";
import type { LookupAddress } from "node:dns";
import { createServer } from "node:net";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { describe } from "../../../../../daemon/errors.ts";
import { BrokerConnection } from "../../../../../daemon/sinks/kafka/connection/connection.ts";
import { classifyError } from "../../../../../daemon/sinks/kafka/protocol/errors.ts";
import { Names, type Resolve } from "../../../../../daemon/sinks/kafka/connection/names.ts";
import { eventually } from "../../../../rig/eventually.ts";
import { kafkaOptions, Lines, openSink, summary, write } from "../rig.ts";
import { ScriptedBroker } from "../scripted-broker.ts";

const loopback: readonly LookupAddress[] = [{ address: "127.0.0.1", family: 4 }];
/** Longer than a connection may take once the name is resolved; as when glibc moves on to the second name server. */
const slowLookupMs = 3000;

/** Ports that were free a moment ago. */
async function deadAddresses(count: number): Promise<string[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = servers.map(async (server) => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const place = server.address();
    assert.ok(place !== null && typeof place === "object");
    return place.port;
  });
  const found = await Promise.all(ports);
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
  return found.map((port) => `127.0.0.1:${port}`);
}

function connect(broker: ScriptedBroker, names: Names, host = "kafka.test"): BrokerConnection {
  const address = `${host}:${broker.address.split(":")[1] ?? ""}`;
  return new BrokerConnection(address, { options: kafkaOptions([address]), tls: () => undefined, names });
}

test("one living broker among many dead addresses is found", async () => {
  await using broker = await ScriptedBroker.start();
  const dead = await deadAddresses(13);
  await using sink = openSink([...dead, broker.address]);
  assert.deepEqual(summary(await write(sink, "a")), [0]);
});

test("the time limit for connecting starts when the name is resolved", async () => {
  await using broker = await ScriptedBroker.start();
  const names = new Names(async () => {
    await delay(slowLookupMs);
    return loopback;
  });
  const connection = connect(broker, names);
  assert.equal(connection.waitsFor, "its name to be resolved");
  await connection.opened;
  assert.equal(connection.waitsFor, undefined);
  connection.close(new Error("the test is over"));
});

test("a name that was resolved once is still reached when its name server fails or hangs", async () => {
  await using broker = await ScriptedBroker.start();
  const answers: Resolve[] = [
    async () => loopback,
    async () => Promise.reject(new Error("getaddrinfo EAI_AGAIN kafka.test")),
    async () => new Promise(() => {}),
  ];
  const names = new Names(async (host) => (answers.shift() ?? assert.fail("asked too often"))(host));
  for (let round = 0; round < 3; round++) {
    const connection = connect(broker, names);
    await connection.opened;
    connection.close(new Error("the test is over"));
  }
  assert.equal(answers.length, 0);
});

test("a name is looked up once at a time, however many want to connect", async () => {
  let questions = 0;
  const names = new Names(async () => {
    questions += 1;
    return loopback;
  });
  await Promise.all(Array.from({ length: 20 }, async () => names.resolve("kafka.test")));
  assert.equal(questions, 1);
});

test("a name that is not resolved is reported as the cause", async () => {
  await using broker = await ScriptedBroker.start();
  const names = new Names(async () => Promise.reject(new Error("getaddrinfo ENOTFOUND kafka.test")));
  const reason = await connect(broker, names).opened.catch((thrown: unknown) => thrown);
  assert.match(classifyError(reason).text, /the name kafka\.test cannot be resolved.*ENOTFOUND/);
});

test("a name with several addresses of which none answers reports a reason for each", async () => {
  const [first = ""] = await deadAddresses(1);
  const names = new Names(async () => [...loopback, { address: "::1", family: 6 }]);
  const address = `kafka.test:${first.split(":")[1] ?? ""}`;
  const connection = new BrokerConnection(address, { options: kafkaOptions([address]), tls: () => undefined, names });
  const reason = await connection.opened.catch((thrown: unknown) => thrown);
  assert.match(describe(reason), /127\.0\.0\.1/);
  assert.match(classifyError(reason).text, /^Connection error: connect E[A-Z]+ .*; connect E[A-Z]+ /);
});

test("a look-up that waits for an address is shown in the status, and continues when Kafka names another", async () => {
  await using broker = await ScriptedBroker.start();
  broker.advertisedHost = "nowhere.invalid";
  await using sink = openSink([broker.address]);
  const found = sink.lookup(["t"], { "t/0": 0 });
  const trouble = await eventually("the trouble", () => sink.status().troubles[0]);
  assert.equal(trouble.subject, "looking up what t/0 holds");
  assert.match(trouble.text, /nowhere\.invalid/);
  broker.advertisedHost = "127.0.0.1";
  assert.equal((await found).refusal, undefined);
  assert.deepEqual(sink.status().troubles, []);
});

test("an acknowledgement ends the report that no broker answers, whatever becomes of the metadata request", async () => {
  await using broker = await ScriptedBroker.start();
  const lines = new Lines();
  await using sink = openSink([broker.address], { requestTimeoutMs: 60_000 }, lines.log);
  await write(sink, "a");
  broker.hidesMetadata = true;
  broker.react = (_request, count) => (count === 2 ? { code: 6 } : "append");
  assert.deepEqual(summary(await write(sink, "b")), [1]);
  assert.deepEqual(sink.status().troubles, []);
  assert.equal(lines.matching(/^\w+ Kafka: no broker answers within 4 s/).length, 1);
  assert.equal(lines.matching(/^info Kafka: works again/).length, 1);
});

test("a report about a partition also ends when a look-up gives the last outcome and no alert follows", async () => {
  await using broker = await ScriptedBroker.start();
  await using sink = openSink([broker.address], { requestTimeoutMs: 1000 });
  await write(sink, "a");
  // Appended, and never answered; then the broker has forgotten the producer.
  let isHanging = true;
  broker.react = (_request, count) => {
    if (count === 2) return "append-and-close";
    return isHanging ? "silence" : { code: 59 };
  };
  const written = write(sink, "b");
  await eventually("the trouble", () => sink.status().troubles.some(({ subject }) => subject === "partition t/0"));
  isHanging = false;
  assert.deepEqual(summary(await written), [1]);
  await eventually("the end of the report", () => sink.status().troubles.length === 0, { withinMs: 20_000 });
});
