import assert from "node:assert/strict";
import { test } from "node:test";
import { configOf, least, problemsOf } from "./written.ts";

test("the command line overrides the environment, which overrides the file, which overrides the default", () => {
  const file = `${least}log: { level: warn }\n`;
  const env = { WAZUH_DFN_LOG__LEVEL: "error" };
  assert.equal(configOf(least).log.level, "info");
  assert.equal(configOf(file).log.level, "warn");
  assert.equal(configOf(file, { env }).log.level, "error");
  assert.equal(configOf(file, { env, sets: ["log.level=info", "log.level=debug"] }).log.level, "debug");
});

test("only the setting that is named is overridden", () => {
  const { socket } = configOf(`${least}sources: { socket: { path: /a, mode: "0600" } }\n`, {
    env: { WAZUH_DFN_SOURCES__SOCKET__PATH: "/b" },
    sets: ["sources.socket.max_connections=5"],
  }).sources;
  assert.deepEqual([socket?.path, socket?.mode, socket?.maxConnections], ["/b", 0o600, 5]);
});

test("lists from the environment and the command line are separated by commas", () => {
  const env = { WAZUH_DFN_DFN__OWN_NETWORK: "192.0.2.0/24, 2001:db8::/32" };
  const { dfn, sink } = configOf(least, { env, sets: ["sink.kafka.brokers=a:1,b:2"] });
  assert.deepEqual(dfn.ownNetwork, ["192.0.2.0/24", "2001:db8::/32"]);
  assert.deepEqual(sink.kind === "kafka" && sink.kafka.brokers, ["a:1", "b:2"]);
});

test("a section that the file switches off is switched on by a setting in it, and vice versa", () => {
  assert.equal(configOf(`${least}sources: { tail: off }\n`).sources.tail, undefined);
  const on = configOf(`${least}sources: { tail: off }\n`, { sets: ["sources.tail.poll=1s"] });
  assert.equal(on.sources.tail?.pollMs, 1000);
  const off = configOf(`${least}sources: { tail: { poll: 1s } }\n`, { sets: ["sources.tail=off"] });
  assert.equal(off.sources.tail, undefined);
});

test("the more specific variable wins, whatever the order", () => {
  const env = { WAZUH_DFN_SOURCES__TAIL__POLL: "2s", WAZUH_DFN_SOURCES__TAIL: "off" };
  assert.equal(configOf(least, { env }).sources.tail?.pollMs, 2000);
});

test("an empty value resets the setting to its default", () => {
  assert.equal(configOf(`${least}log: { level: warn }\n`, { sets: ["log.level="] }).log.level, "info");
  assert.deepEqual(configOf(`${least}log:\nhandlers:\n  windows:\n`).log, configOf(least).log);
});

test("the command line can replace the sink", () => {
  const { sink } = configOf(least, { sets: ["sink.kafka=off", "sink.file.path=out.ndjson"] });
  assert.deepEqual(sink, { kind: "file", file: { path: "out.ndjson" } });
});

test("variables that merely share the prefix are ignored", () => {
  const env = { WAZUH_DFN_TEST_BROKERS: "a:1", WAZUH_DFN_: "x", PATH: "/bin", WAZUH: "x" };
  assert.deepEqual(configOf(least, { env }), configOf(least));
});

test("absurdly deep names are refused", () => {
  const env = { [`WAZUH_DFN_${"A__".repeat(1000)}B`]: "x" };
  assert.match(problemsOf(least, { env }).join(), /unknown setting: too many __/);
  assert.match(problemsOf(least, { sets: [`${"a.".repeat(1000)}b=x`] }).join(), /write NAME=VALUE/);
});
