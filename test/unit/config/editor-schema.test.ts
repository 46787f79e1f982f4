import assert from "node:assert/strict";
import { test } from "node:test";
import { editorSchema } from "../../../daemon/config/editor-schema.ts";
import { printedSettings } from "../../../daemon/config/schema.ts";
import type { JsonSchema } from "../../../daemon/config/values/file-form.ts";
import { InvalidValue } from "../../../daemon/config/values/problem.ts";
import { type PrintedSettings, isSection } from "../../../daemon/config/values/printed.ts";
import { readDuration, readSize } from "../../../daemon/config/values/units.ts";
import { configOf } from "./written.ts";

const root = editorSchema();

/** The schema at a name in dots; of a section that may be switched, the section. */
function at(name: string): JsonSchema {
  return name.split(".").reduce<JsonSchema>((form, step) => {
    const found = sectionOf(form)?.properties?.[step];
    assert.ok(typeof found === "object", `${name}: there is no ${step}`);
    return found;
  }, root);
}

function sectionOf(form: JsonSchema): JsonSchema | undefined {
  return [form, ...(form.anyOf ?? [])].find(({ properties }) => properties !== undefined);
}

/** Every setting, each with a value other than its default. */
const full = `dfn: { customer_id: "0123", own_network: 192.0.2.0/24 }
wazuh: { home: /opt, queue: /q, feedback: off }
sources:
  socket: { path: /s, mode: "0600", group: g, allow: [1], max_line: 1MiB, max_connections: 1 }
  tail: { path: /t, wait: 1s, start: beginning, poll: 1s, max_line: 1MiB }
sink:
  kafka:
    brokers: [a:1]
    client_id: c
    tls: { ca: /a, ca_only: on, cert: /c, key: /k, passphrase_file: /p, server_name: s, min_version: TLSv1.3, ciphers: a }
    sasl: { mechanism: plain, username: u, password_file: /p }
    compression: none
    linger: 0
    batch_bytes: 1KB
    batch_records: 1
    max_in_flight: 1
    request_timeout: 1s
handlers:
  windows: { event_ids: 1 }
  passthrough: { topic: t, level: 1, groups: g, rule_ids: 1, location: l }
state_dir: /s
status: { listen: /l, hosts: h }
log: { level: debug, statistics: 0 }
limits: { memory: 1MiB }
`;

function namesOf(settings: PrintedSettings, prefix = ""): string[] {
  return Object.entries(settings).flatMap(([name, value]) => [
    `${prefix}${name}`,
    ...(isSection(value) ? namesOf(value, `${prefix}${name}.`) : []),
  ]);
}

test("the JSON Schema has every setting, with a description, and no other name is allowed", () => {
  const names = namesOf(printedSettings(configOf(full)));
  assert.ok(names.length > 60, `${names.length} names`);
  for (const name of names) {
    assert.ok((at(name).description ?? "").length > 10, `${name} has no description`);
    const section = sectionOf(at(name));
    if (section !== undefined) assert.equal(section.additionalProperties, false, name);
  }
  assert.deepEqual(at("sink.kafka.sasl.password"), { not: {} });
});

test("the JSON Schema asks for what is required, and lets everything else be empty", () => {
  const required = (name: string) => sectionOf(name === "" ? root : at(name))?.required;
  assert.deepEqual(required(""), ["dfn"]);
  assert.deepEqual(required("dfn"), ["customer_id"]);
  assert.deepEqual(required("sink.kafka"), ["brokers"]);
  assert.deepEqual(required("sink.kafka.sasl"), ["mechanism", "username"]);
  assert.deepEqual(required("handlers.passthrough"), ["topic"]);
  assert.deepEqual(required("sources.socket"), []);
  assert.deepEqual(at("wazuh").type, ["object", "null"]);
  assert.deepEqual(at("wazuh.home").type, ["string", "null"]);
  assert.deepEqual(at("sources.socket").anyOf?.at(-1), { type: "null" });
  assert.deepEqual(at("log.level").enum, ["debug", "info", "warn", "error", null]);
});

test("the JSON Schema has defaults, words of switches, and ranges of numbers", () => {
  assert.equal(at("sink.kafka.linger").default, "20ms");
  assert.deepEqual(at("sink.kafka.tls").anyOf?.[0], { enum: ["on", "off", true, false] });
  const { minimum, maximum } = at("sink.kafka.max_in_flight");
  assert.deepEqual([minimum, maximum], [1, 5]);
  assert.match(at("sink.kafka.linger").description ?? "", /From 0 to 10s\.$/);
});

/** Whether a reader takes a text, whatever its range. */
function isRead(read: () => number): boolean {
  try {
    read();
    return true;
  } catch (error) {
    assert.ok(error instanceof InvalidValue);
    return false;
  }
}

test("the patterns of durations and sizes accept what is read, and nothing else", () => {
  const any = { least: 0, most: Number.MAX_SAFE_INTEGER };
  const texts = [
    "0",
    "0.0",
    "00",
    "5",
    "5s",
    " 5 S ",
    "1.5m",
    "1.",
    ".5s",
    "-1s",
    "2D",
    "1ms",
    "1Ms",
    "1 h",
    "1w",
    "",
    "s",
  ];
  texts.push("1B", "900KB", "900kb", "64 MiB", "1gib", "1K", "1e3B", "1.1234567s", "1KB 2KB");
  const duration = new RegExp(at("sources.tail.wait").pattern ?? "^$", "u");
  const size = new RegExp(at("limits.memory").pattern ?? "^$", "u");
  for (const text of texts) {
    assert.equal(
      duration.test(text),
      isRead(() => readDuration(text, any)),
      `duration ${text}`,
    );
    assert.equal(
      size.test(text),
      isRead(() => readSize(text, any)),
      `size ${text}`,
    );
  }
});
