import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { TempDir } from "../rig/temp-dir.ts";
import { wazuhDfn } from "./cli.ts";

test("check names each key of manifests that is wrong with its line and ends with 78; so does run", async () => {
  await using directory = await TempDir.create();
  const config = directory.join("config.yaml");
  const key = directory.join("manifest.pem");
  const lines = [
    "dfn: { customer_id: acme }",
    `wazuh: { home: ${directory.path}, feedback: off }`,
    "sources: { socket: off }",
    `sink: { file: { path: ${directory.join("records.ndjson")} } }`,
    `state_dir: ${directory.join("state")}`,
    `status: { listen: ${directory.join("status.sock")} }`,
    "manifest:",
    "  topic: wazuh-manifests",
    `  key_file: ${key}`,
  ];
  writeFileSync(config, `${lines.join("\n")}\n`);
  for (const path of [key, `${key}.next`]) writeFileSync(path, "hunter2\n", { mode: 0o400 });
  const checked = await wazuhDfn(["check", "--config", config]);
  assert.deepEqual([checked.code, checked.stdout], [78, ""]);
  const wrong = "this is not a private key in PEM without pass phrase; make one: openssl genpkey -algorithm ed25519";
  assert.deepEqual(checked.stderr.split("\n").slice(0, 2), [
    `${config}:9: manifest.key_file: ${key}: ${wrong}`,
    `${config}:9: manifest.key_file: ${key}.next: ${wrong}`,
  ]);
  const started = await wazuhDfn(["run", "--config", config]);
  assert.equal(started.code, 78, started.stderr);
  assert.ok(started.stderr.includes(`manifest.key_file: ${key}: ${wrong}`), started.stderr);
  assert.doesNotMatch(checked.stderr + started.stderr, /hunter2/);
});
