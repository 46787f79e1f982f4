import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { TempDir } from "../rig/temp-dir.ts";
import { wazuhDfn } from "./cli.ts";

test("the sample with its two required values filled in is valid and prints as settings", async () => {
  await using world = await TempDir.create();
  const { code, stdout: sample } = await wazuhDfn(["config", "sample"]);
  assert.equal(code, 0);
  const config = join(world.path, "config.yaml");
  await writeFile(config, sample);
  const sets = ["--set", "dfn.customer_id=acme", "--set", "sink.kafka.brokers=a:9093"];
  const checked = await wazuhDfn(["check", "--config", config, ...sets]);
  assert.deepEqual([checked.code, checked.stdout], [0, `${config} is valid\n`]);
  const printed = await wazuhDfn(["config", "print", "--config", config, ...sets]);
  assert.deepEqual([printed.code, printed.stderr], [0, ""]);
  assert.match(printed.stdout, /^ {2}customer_id: acme # --set dfn\.customer_id$/m);
  assert.match(printed.stdout, /^ {4}brokers: \[a:9093\] # --set sink\.kafka\.brokers$/m);
});

function object(value: unknown): Record<string, unknown> {
  assert.ok(typeof value === "object" && value !== null);
  return Object.fromEntries(Object.entries(value));
}

test("print reads the environment, and shows a password in it as a mask", async () => {
  await using world = await TempDir.create();
  const config = join(world.path, "config.toml");
  await writeFile(config, 'dfn.customer_id = "acme"\n[sink.kafka.sasl]\nmechanism = "plain"\nusername = "u"\n');
  const env = { WAZUH_DFN_SINK__KAFKA__BROKERS: "a:1,b:2", WAZUH_DFN_SINK__KAFKA__SASL__PASSWORD: "hunter2" };
  const { code, stdout, stderr } = await wazuhDfn(["config", "print", "--config", config, "--json"], env);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.doesNotMatch(stdout, /hunter2/);
  const { settings, origins: writtenAt } = object(JSON.parse(stdout));
  const kafka = object(object(object(settings)["sink"])["kafka"]);
  const origins = object(writtenAt);
  assert.deepEqual(kafka["brokers"], ["a:1", "b:2"]);
  assert.deepEqual(kafka["sasl"], { mechanism: "plain", username: "u", password: "********" });
  assert.equal(origins["sink.kafka.brokers"], "environment variable WAZUH_DFN_SINK__KAFKA__BROKERS");
  assert.equal(origins["sink.kafka.sasl.username"], `${config}:4`);
});

test("wrong settings are not printed; each problem is named on standard error", async () => {
  await using world = await TempDir.create();
  const config = join(world.path, "config.yaml");
  await writeFile(config, "dfn:\n  customer_id: a b\nsnik: {}\n");
  const { code, stdout, stderr } = await wazuhDfn(["config", "print", "--config", config]);
  assert.deepEqual([code, stdout], [78, ""]);
  assert.match(stderr, /^wazuh-dfn: the configuration .* has 3 problems:\n {2}\S+:2: dfn\.customer_id: /);
  assert.match(stderr, /:3: snik: unknown setting; did you mean sink\?\n/);
});

test("config requires an argument that says what to print", async () => {
  const none = await wazuhDfn(["config"]);
  assert.deepEqual([none.code, none.stdout], [64, ""]);
  const wrong = await wazuhDfn(["config", "smaple"]);
  assert.equal(wrong.code, 64);
  assert.equal(wrong.stderr, 'wazuh-dfn: config: there is no "smaple"; did you mean sample?\n');
});

test("schema prints a JSON Schema of the file", async () => {
  const { code, stdout, stderr } = await wazuhDfn(["config", "schema"]);
  assert.deepEqual([code, stderr], [0, ""]);
  const { $schema: dialect, properties } = object(JSON.parse(stdout));
  assert.equal(dialect, "http://json-schema.org/draft-07/schema#");
  assert.deepEqual(Object.keys(object(properties)).slice(0, 4), ["dfn", "wazuh", "sources", "sink"]);
});
