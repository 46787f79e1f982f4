import assert from "node:assert/strict";
import { test } from "node:test";
import { configOf, least, problemsOf } from "./written.ts";

test("all problems of a YAML file are reported at once, in the order of its lines", () => {
  const text = `dfn:
  customer_id: a b
  own_networks: 192.0.2.0/24
  own_network: [192.0.2.1/24, nonsense]
wazuh: { feedback: maybe }
sources:
  socket: off
  tail: false
sink:
  kafka:
    broker: x
  file: { path: x }
handlers:
  windows: off
  fail2ban: no
log: { level: inf, statistics: 5 }
snik: 1
`;
  assert.deepEqual(problemsOf(text), [
    'c.yaml:2: dfn.customer_id: "a b" is not a topic name; use 1 to 249 of a-z, A-Z, 0-9, ".", "_" and "-"',
    "c.yaml:3: dfn.own_networks: unknown setting; did you mean own_network?",
    'c.yaml:4: dfn.own_network[0]: "192.0.2.1/24" is an address in a network, not the network itself; write 192.0.2.0/24',
    'c.yaml:4: dfn.own_network[1]: "nonsense" is not a network; use e.g. 192.0.2.0/24 or 2001:db8::/32',
    'c.yaml:5: wazuh.feedback: "maybe" is not allowed; use one of on, errors, off',
    "c.yaml:6: sources: every source is off, so no alert would ever come; leave one of them on",
    "c.yaml:9: sink: more than one sink is configured; keep one, and switch the others off (kafka: off)",
    "c.yaml:10: sink.kafka.brokers: is missing; it is required",
    "c.yaml:11: sink.kafka.broker: unknown setting; did you mean brokers?",
    "c.yaml:15: handlers.fail2ban: a section of settings is expected here",
    'c.yaml:16: log.level: "inf" is not allowed; use one of debug, info, warn, error',
    'c.yaml:16: log.statistics: "5" has no unit; use a duration such as 100ms, 5s, 10m, 1h or 2d, from 0 to 1d',
    "c.yaml:17: snik: unknown setting; did you mean sink?",
  ]);
});

test("problems in a TOML file have the line of their setting, including values in lists and inline tables", () => {
  const text = `[dfn]
customer_id = 12
[sink.kafka]
brokers = [
  "a:1",
  "b"]
tls = { ca_olny = true }
[sources]
socket.mode = 0o660
tail = false
[log]
level = """
loud"""
`;
  assert.deepEqual(problemsOf(text, { file: "c.toml" }), [
    'c.toml:4: sink.kafka.brokers[1]: "b" has no port; use host:port, for instance kafka.example.org:9093 or [2001:db8::1]:9093',
    "c.toml:7: sink.kafka.tls.ca_olny: unknown setting; did you mean ca_only?",
    'c.toml:9: sources.socket.mode: "432" is not a mode; use text such as "0660"',
    'c.toml:12: log.level: "loud" is not allowed; use one of debug, info, warn, error',
  ]);
});

test("problems in the environment and the command line name their origin instead of a line", () => {
  const env = { WAZUH_DFN_LOG__LEVEL: "inf", WAZUH_DFN_STATEDIR: "/x", WAZUH_DFN_SOURCES__TIAL: "off" };
  const sets = ["log.statistics=3", "nonsense", "sink.kafka.brokers=a"];
  assert.deepEqual(problemsOf(least, { env, sets }), [
    "environment variable WAZUH_DFN_STATEDIR: unknown setting; did you mean WAZUH_DFN_STATE_DIR?",
    '--set "nonsense": write NAME=VALUE, for instance --set log.level=debug',
    "environment variable WAZUH_DFN_SOURCES__TIAL: sources.tial: unknown setting; did you mean tail?",
    '--set sink.kafka.brokers: sink.kafka.brokers[0]: "a" has no port; use host:port, for instance kafka.example.org:9093 or [2001:db8::1]:9093',
    'environment variable WAZUH_DFN_LOG__LEVEL: log.level: "inf" is not allowed; use one of debug, info, warn, error',
    '--set log.statistics: "3" has no unit; use a duration such as 100ms, 5s, 10m, 1h or 2d, from 0 to 1d',
  ]);
});

test("a missing required setting is named, with the section that it belongs to if that is present", () => {
  assert.deepEqual(problemsOf(""), [
    "c.yaml: dfn.customer_id: is missing; it is required",
    "c.yaml: sink: no sink is configured; write kafka: { brokers: [host:port] }, or file: { path: records.ndjson }",
  ]);
  assert.deepEqual(problemsOf("dfn:\n  customer_id:\nsink:\n  kafka:\n    sasl: { username: u }\n"), [
    "c.yaml:2: dfn.customer_id: is missing; it is required",
    "c.yaml:4: sink.kafka.brokers: is missing; it is required",
    "c.yaml:5: sink.kafka.sasl.mechanism: is missing; it is required",
  ]);
});

test("for a file that is not YAML, that alone is reported", () => {
  const lines = problemsOf("dfn: [\n");
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", /^c\.yaml:\d: not valid YAML: /);
});

test("names that every object has are unknown settings like any other", () => {
  assert.deepEqual(problemsOf(`${least}__proto__: { a: 1 }\nconstructor: 1\n"a\\nb": 1\n`), [
    "c.yaml:3: __proto__: unknown setting; there are: dfn, wazuh, sources, sink, handlers, state_dir, status, manifest, log, limits",
    "c.yaml:4: constructor: unknown setting; there are: dfn, wazuh, sources, sink, handlers, state_dir, status, manifest, log, limits",
    'c.yaml:5: "a\\nb": unknown setting; there are: dfn, wazuh, sources, sink, handlers, state_dir, status, manifest, log, limits',
  ]);
});

test("no message repeats what the section with the password contains", () => {
  const sasl = "sasl: { mechanism: hunter2, username: [hunter2], password: hunter2, pasword_file: hunter2 }";
  const text = `dfn: { customer_id: x }\nsink:\n  kafka:\n    brokers: a:1\n    ${sasl}\n`;
  const lines = problemsOf(text, { sets: ["sink.kafka.sasl.password=hunter2"] });
  assert.equal(lines.length, 4);
  assert.match(lines.join("\n"), /a password does not belong here.*WAZUH_DFN_SINK__KAFKA__SASL__PASSWORD/);
  assert.doesNotMatch(lines.join("\n"), /hunter2/);
  assert.doesNotMatch(problemsOf(text.replace(sasl, "sasl: hunter2")).join("\n"), /hunter2/);
});

test("the password's own environment variable is not a setting and raises no problem", () => {
  const env = { WAZUH_DFN_SINK__KAFKA__SASL__PASSWORD: "hunter2" };
  assert.doesNotMatch(JSON.stringify(configOf(least, { env })), /hunter2/);
});
