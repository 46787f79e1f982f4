import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { repositoryRoot } from "../../scripts/repository.ts";
import { sha256Hex } from "../rig/manifests/node-writer.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { forwarderBundle } from "../rig/forwarder-bundle.ts";

function run(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [forwarderBundle, "manifest", ...args], {
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

test("the public part of a key is printed as openssl has it, and the private one is not", async () => {
  await using directory = await TempDir.create();
  const path = directory.join("key.pem");
  execFileSync("openssl", ["genpkey", "-algorithm", "ed25519", "-out", path]);
  const der = execFileSync("openssl", ["pkey", "-in", path, "-pubout", "-outform", "DER"]);
  assert.deepEqual(run("key", path), {
    status: 0,
    stdout: `${der.toString("base64")}\n`,
    stderr: `SHA-256 ${sha256Hex(der)}\n`,
  });
});

test("a damaged key file is an error of the configuration, and one that is not there an error of input", async () => {
  await using directory = await TempDir.create();
  const path = directory.join("key.pem");
  assert.equal(run("key", path).status, 74);
  writeFileSync(path, "-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----\n");
  const { status, stderr } = run("key", path);
  assert.equal(status, 78);
  assert.match(stderr, /not a private key in PEM without pass phrase; make one: openssl genpkey -algorithm ed25519/);
  assert.deepEqual([run().status, run("other").status, run("schema", path).status], [64, 64, 64]);
});

test("without a file the key of the configuration is printed; without either, it says what is missing", async () => {
  await using directory = await TempDir.create();
  const path = directory.join("key.pem");
  execFileSync("openssl", ["genpkey", "-algorithm", "ed25519", "-out", path]);
  const config = directory.join("config.yaml");
  writeFileSync(config, 'dfn: { customer_id: acme }\nsink: { kafka: { brokers: ["127.0.0.1:1"] } }\n');
  const set = ["--set", "manifest.topic=m", "--set", `manifest.key_file=${path}`];
  assert.deepEqual(run("key", "--config", config, ...set), run("key", path));
  const unset = run("key", "--config", config);
  assert.deepEqual([unset.status, unset.stdout], [78, ""]);
  assert.match(unset.stderr, /manifest\.key_file is not set; name the file of the key: wazuh-dfn manifest key FILE/);
});

test("the schema is the one of the documentation", () => {
  const { status, stdout } = run("schema");
  assert.equal(status, 0);
  const documented: unknown = JSON.parse(readFileSync(join(repositoryRoot, "docs/manifest.schema.json"), "utf8"));
  assert.deepEqual(JSON.parse(stdout), documented);
});
