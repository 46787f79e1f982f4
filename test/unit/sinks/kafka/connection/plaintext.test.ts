import assert from "node:assert/strict";
import { test } from "node:test";
import { isLoopback, plaintextWarning } from "../../../../../daemon/sinks/kafka/connection/plaintext.ts";
import { Lines, openSink } from "../rig.ts";

test("what stays on this machine is distinguished from what leaves it", () => {
  for (const broker of ["127.0.0.1:1", "127.255.0.9:1", "[::1]:1", "localhost:1", "LOCALHOST.:1", "a.localhost:1"]) {
    assert.equal(isLoopback(broker), true, broker);
  }
  for (const broker of [
    "128.0.0.1:1",
    "[::2]:1",
    "localhost.example.org:1",
    "mylocalhost:1",
    "10.0.0.1:1",
    "0.0.0.0:1",
  ]) {
    assert.equal(isLoopback(broker), false, broker);
  }
  assert.equal(plaintextWarning(["127.0.0.1:1", "[::1]:1"]), undefined);
});

test("the log says once, as a warning, that alerts leave this machine without TLS", async () => {
  const lines = new Lines();
  await using sink = openSink(["127.0.0.1:1", "192.0.2.1:9092", "192.0.2.2:9092"], {}, lines.log);
  sink.open();
  const said = lines.matching(/without TLS/);
  assert.equal(said.length, 1);
  assert.match(
    said[0] ?? "",
    /^warn Kafka: alerts travel without TLS to 192\.0\.2\.1:9092, 192\.0\.2\.2:9092: .*set sink\.kafka\.tls/,
  );
  const local = new Lines();
  await using quiet = openSink(["127.0.0.1:1"], {}, local.log);
  assert.deepEqual(local.matching(/without TLS/), []);
  assert.equal(quiet.status().isConnected, false);
});
