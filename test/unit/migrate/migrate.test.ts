import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Config } from "../../../daemon/config/schema.ts";
import { inspectText } from "../../../daemon/config/inspect.ts";
import { migrate, type Fate, type Migration } from "../../../daemon/migrate/migrate.ts";
import { pythonNames } from "../../../daemon/migrate/python-settings.ts";
import { present } from "../../rig/present.ts";

/** Name, type, default and environment variable of every setting, from the Python daemon's documentation. */
const settings = readFileSync("test/data/migrate/settings.tsv", "utf8")
  .trimEnd()
  .split("\n")
  .slice(1)
  .map((line) => {
    const [name = "", type = "", preset = "", variable = ""] = line.split("\t");
    return { name, type, preset: preset.replace(/^'|'$/g, ""), variable };
  });

const least = "dfn: { dfn_broker: 'kafka.example.org:443', dfn_id: acme, dfn_cert: '', dfn_key: '' }\n";

function from(text: string, env: Record<string, string> = {}, file = "old.yaml"): Migration {
  return migrate({ text, file, env, result: "new.yaml" });
}

function fateOf({ fates }: Migration, name: string): Fate {
  return present(fates.find(({ setting }) => setting === name));
}

/** A file with one setting in addition to what is required. */
function fileWith(name: string, value: string): string {
  const steps = name.split(".");
  const lines = steps.map((step, depth) => `${"  ".repeat(depth)}${step}:`);
  const one = `${lines.join("\n")} ${value}\n`;
  if (steps[0] !== "dfn") return least + one;
  const others: Record<string, string> = {
    dfn_broker: "kafka.example.org:443",
    dfn_id: "acme",
    dfn_cert: "",
    dfn_key: "",
  };
  delete others[steps[1] ?? ""];
  return (
    one +
    Object.entries(others)
      .map(([other, text]) => `  ${other}: '${text}'\n`)
      .join("")
  );
}

test("the table of settings covers the whole documentation", () => {
  assert.equal(settings.length, 62);
  assert.deepEqual(
    settings.map(({ name }) => name),
    pythonNames,
  );
});

for (const { name, type, preset, variable } of settings) {
  test(`${name} has a rule, from the file and from ${variable}, and the result can be read`, () => {
    const isSection = type.startsWith("dict");
    const value = preset === "None" ? "" : preset;
    const inFile = from(fileWith(name, isSection ? "{ linger_ms: 7, acks: 1 }" : JSON.stringify(value)));
    const fate = fateOf(inFile, name);
    assert.match(fate.origin, /^old\.yaml:\d+$/);
    assert.notEqual(fate.kind, "unknown");
    assert.ok(fate.becomes.length > 0 || fate.why !== "", "nothing is said of it");
    assert.ok(fate.kind !== "taken" || fate.becomes.length > 0 || name === "wazuh.json_alert_file");
    const inEnvironment = from(least, { [variable]: isSection ? '{"linger_ms": 7, "acks": 1}' : value });
    assert.equal(fateOf(inEnvironment, name).origin, `environment variable ${variable}`);
    assert.deepEqual(fateOf(inEnvironment, name).becomes, fate.becomes);
    for (const { text, problems, fates } of [inFile, inEnvironment]) {
      if (name === "dfn.dfn_id") continue; // Without one the result is not complete: see below.
      assert.deepEqual(problems, [], text);
      const { config } = inspectText({ text, file: "new.yaml", env: {}, sets: [] });
      assert.ok(config, text);
      assert.ok(!fates.some(({ kind }) => kind === "unknown"));
    }
  });
}

test("the settings that are taken over mean the same", () => {
  const text = `
wazuh: { unix_socket_path: /srv/ossec/queue/sockets/queue, json_alert_file: /srv/ossec/logs/alerts/alerts.json,
         json_alert_file_poll_interval: 0.5 }
dfn: { dfn_broker: "a.example:443,b.example:443", dfn_id: "0123", dfn_ca: /c/ca.pem, dfn_cert: /c/cert.pem, dfn_key: /c/key.pem }
kafka: { timeout: 90, compression_type: GZIP, producer_config: { linger_ms: 15, max_request_size: 500000, client_id: us } }
log: { interval: 0, level: CRITICAL }
health: { api: { enabled: true, host: localhost, port: 9000 } }
misc: { own_network: 192.0.2.0/24 }
`;
  const migrated = from(text);
  const { config } = inspectText({ text: migrated.text, file: "new.yaml", env: {}, sets: [] });
  assert.ok(config, migrated.text);
  assert.equal(config.wazuh.home, "/srv/ossec");
  assert.equal(config.sources.tail?.path, "/srv/ossec/logs/alerts/alerts.json");
  assert.equal(config.sources.tail?.pollMs, 500);
  assert.deepEqual(config.dfn, { customerId: "0123", ownNetwork: ["192.0.2.0/24"] });
  assert.ok(config.sink.kind === "kafka");
  const { brokers, tls, requestTimeoutMs, compression, lingerMs, batchBytes, clientId } = config.sink.kafka;
  assert.deepEqual(brokers, ["a.example:443", "b.example:443"]);
  assert.deepEqual([tls?.ca, tls?.caOnly, tls?.cert, tls?.key], [["/c/ca.pem"], false, "/c/cert.pem", "/c/key.pem"]);
  assert.deepEqual(
    [requestTimeoutMs, compression, lingerMs, batchBytes, clientId],
    [90_000, "gzip", 15, 500_000, "us"],
  );
  assert.deepEqual(config.log, { level: "error", statisticsMs: 0 });
  assert.deepEqual(config.status.listen, { kind: "tcp", host: "127.0.0.1", port: 9000 });
  assert.ok(
    migrated.fates.every(({ kind }) => kind === "taken"),
    JSON.stringify(migrated.fates),
  );
});

function wazuhOf(migrated: Migration): Config["wazuh"] | undefined {
  const { config } = inspectText({ text: migrated.text, file: "new.yaml", env: {}, sets: [] });
  assert.equal(fateOf(migrated, "wazuh.unix_socket_path").kind, "taken");
  return config?.wazuh;
}

test("Wazuh's queue is taken over: below the home, at another path, over TCP, from the file and the environment", () => {
  const written = (value: string) => wazuhOf(from(`${least}wazuh: { unix_socket_path: ${value} }\n`));
  const feedback = "on";
  const path = "/srv/ossec/queue/sockets/queue";
  assert.deepEqual(written(path), { home: "/srv/ossec", queue: { kind: "unix", path }, feedback });
  const other = { home: "/var/ossec", queue: { kind: "unix", path: "/run/queue" }, feedback };
  assert.deepEqual(written("/run/queue"), other);
  const relay = { home: "/var/ossec", queue: { kind: "tcp", host: "10.0.0.1", port: 1514 }, feedback };
  assert.deepEqual(written("[10.0.0.1, 1514]"), relay);
  assert.deepEqual(wazuhOf(from(least, { WAZUH_UNIX_SOCKET_PATH: '["10.0.0.1", 1514]' })), relay);
  assert.deepEqual(written('["2001:db8::1", 1514]')?.queue, { kind: "tcp", host: "2001:db8::1", port: 1514 });
});

test("without certificates in the file those that the Python daemon uses by default are taken over", () => {
  const { text } = from("dfn: { dfn_broker: 'a:1', dfn_id: acme }\n");
  assert.match(text, /cert: \/opt\/wazuh-dfn\/certs\/dfn-cert\.pem/);
  const off = from("dfn: { dfn_broker: 'a:1', dfn_id: acme, dfn_cert: null, dfn_ca: /c/ca.pem }\n");
  assert.doesNotMatch(off.text, /tls/);
  assert.match(fateOf(off, "dfn.dfn_ca").why, /TLS is off/);
});

test("the environment overrides the file", () => {
  const migrated = from(least, { DFN_CUSTOMER_ID: "other" });
  assert.match(migrated.text, /customer_id: other # dfn\.dfn_id/);
});

test("unknown settings are named with their line and the nearest name", () => {
  const migrated = from(`${least}kafka:\n  timeuot: 5\n`);
  const fate = fateOf(migrated, "kafka.timeuot");
  assert.deepEqual([fate.kind, fate.origin], ["unknown", "old.yaml:3"]);
  assert.match(fate.why, /was kafka\.timeout meant\?/);
});

test("a required setting that was nowhere is in the result without a value, and is named with its line", () => {
  const { text, problems, fates } = from("log: { level: INFO }\n");
  assert.deepEqual(problems.map(({ setting, message }) => `${setting}: ${message}`).toSorted(), [
    "dfn.customer_id: is missing; it is required",
    "sink.kafka.brokers: is missing; it is required",
  ]);
  assert.match(text, /customer_id: # required/);
  assert.deepEqual(
    fates.filter(({ kind }) => kind === "by-hand").map(({ setting }) => setting),
    ["dfn.dfn_broker", "dfn.dfn_id"],
  );
});

test("a setting that cannot be taken over unchanged is left to the administrator", () => {
  const cases: [string, RegExp][] = [
    ["wazuh: { unix_socket_path: [10.0.0.1] }", /is not a host and a port: set wazuh\.queue/],
    ["wazuh: { integration_name: mine }", /change rules of yours that expect "mine"/],
    ["wazuh: { store_failed_alerts: yes, failed_alerts_path: /f }", /wazuh-dfn replay \/f\/\*/],
    [
      "health: { api: { enabled: true, host: 0.0.0.0 } }",
      /other machines reach the status only with status\.tls, and status\.token_file/,
    ],
    ["kafka: { timeout: soon }", /is not a number of seconds/],
    ["kafka: { producer_config: { sasl_plain_password: hunter2, ssl_context: x } }", /ssl_context: has no counterpart/],
    ["log: { level: LOUD }", /"LOUD" is not a level/],
  ];
  for (const [text, why] of cases) {
    const migrated = from(`${least}${text}\n`);
    const byHand = migrated.fates.filter(({ kind }) => kind === "by-hand");
    assert.ok(
      byHand.some((fate) => why.test(fate.why)),
      `${text}: ${JSON.stringify(migrated.fates)}`,
    );
  }
});

test("passwords and tokens are neither shown nor written", () => {
  const text = `${least}kafka: { producer_config: { sasl_mechanism: PLAIN, sasl_plain_username: u, sasl_plain_password: hunter2 } }
health: { api: { auth_token: hunter2 } }\n`;
  const both = [from(text), from(least, { KAFKA_PRODUCER_CONFIG: '{"sasl_plain_password": "hunter2"}' })];
  for (const migrated of both) assert.doesNotMatch(JSON.stringify(migrated), /hunter2/);
  assert.match(both[0]?.text ?? "", /password_file: \/etc\/wazuh-dfn\/password/);
});

test("a file is read as TOML if its name ends in .toml, and a file that is neither TOML nor YAML is refused with its line", () => {
  const toml = '[dfn]\ndfn_broker = "a:1"\ndfn_id = "acme"\n[health.api]\nport = 9000\n';
  const migrated = from(toml, {}, "old.toml");
  assert.deepEqual(migrated.problems, []);
  assert.equal(fateOf(migrated, "health.api.port").origin, "old.toml:5");
  const broken = from("dfn: [", {});
  assert.equal(broken.text, "");
  assert.equal(broken.problems[0]?.origin?.kind, "file");
});
