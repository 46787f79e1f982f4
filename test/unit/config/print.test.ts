import assert from "node:assert/strict";
import { test } from "node:test";
import { inspectText } from "../../../daemon/config/inspect.ts";
import { originsOf, printYaml } from "../../../daemon/config/print.ts";
import { printedSettings } from "../../../daemon/config/schema.ts";
import { mask } from "../../../daemon/config/values/printed.ts";
import { configOf, least } from "./written.ts";

const full = `dfn: { customer_id: 0123, own_network: [192.0.2.0/24, "2001:db8::/32"] }
wazuh: { home: /opt/wazuh, queue: "tcp://[2001:db8::1]:1514", feedback: errors }
sources:
  socket: { mode: "0600", max_line: 1MiB, max_connections: 7 }
  tail: { wait: 1500ms, start: 2026-11-21T10:00:00Z }
sink:
  kafka:
    brokers: [a:1, "[2001:db8::1]:2"]
    tls: { ca: [/a.pem], ca_only: on, cert: /c, key: "/k #1", server_name: k.example.org }
    sasl: { mechanism: plain, username: "on: off", password_file: /p }
handlers:
  fail2ban: off
  passthrough: { topic: raw, level: 7, groups: [a, b], rule_ids: [1, 02], location: "!^dfn$" }
status: { listen: "[::1]:9090" }
manifest: { topic: wazuh-manifests, interval: 90s, key_file: "/etc/wazuh dfn/manifest.pem" }
log: { statistics: 0 }
`;

function print(text: string, sets: string[] = [], env: Record<string, string> = {}): string {
  const { config, tree } = inspectText({ text, file: "c.yaml", env, sets });
  assert.ok(config !== undefined);
  return printYaml(printedSettings(config), tree);
}

test("printed settings read back as the same configuration", () => {
  const file = "dfn: { customer_id: x }\nsink: { file: { path: out.ndjson } }\nsources: { tail: off }\n";
  for (const text of [least, full, file]) assert.deepEqual(configOf(print(text)), configOf(text));
});

test("each printed setting says where it came from", () => {
  const printed = print(full, ["sources.tail.poll=1s"], { WAZUH_DFN_LOG__LEVEL: "warn" });
  assert.match(printed, /customer_id: "0123" # c\.yaml:1\n/);
  assert.match(printed, /group: wazuh # default\n/);
  assert.match(printed, /poll: 1s # --set sources\.tail\.poll\n/);
  assert.match(printed, /level: warn # environment variable WAZUH_DFN_LOG__LEVEL\n/);
});

test("a password in the environment is shown as a mask with the variable's name", () => {
  const text = least.replace("] }", "], sasl: { mechanism: plain, username: u } }");
  const printed = print(text, [], { WAZUH_DFN_SINK__KAFKA__SASL__PASSWORD: "hunter2" });
  assert.doesNotMatch(printed, /hunter2/);
  assert.ok(printed.includes(`password: "${mask}" # environment variable WAZUH_DFN_SINK__KAFKA__SASL__PASSWORD\n`));
});

test("origins are keyed by the setting's dotted name", () => {
  const { config, tree } = inspectText({ text: least, file: "c.yaml", env: {}, sets: [] });
  assert.ok(config !== undefined);
  const origins = originsOf(printedSettings(config), tree);
  assert.equal(origins.get("sink.kafka.brokers"), "c.yaml:2");
  assert.equal(origins.get("limits.memory"), "default");
});
