/** scripts/install --manifests: the key that signs manifests, and the configuration that names it. */
import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey } from "node:crypto";
import { stat } from "node:fs/promises";
import { test } from "node:test";
import { InstallWorld, skip } from "../rig/install-world.ts";

const given = ["--broker", "kafka.example.org:9093", "--customer-id", "abc-1"];
const withManifests = [...given, "--manifests", "wazuh-manifests"];
const keyPath = "etc/wazuh-dfn/manifest.pem";
const section = 'manifest:\n  topic: "wazuh-manifests"\n  key_file: "/etc/wazuh-dfn/manifest.pem"\n';

/** As `wazuh-dfn verify --key` takes it. */
function publicPartOf(pem: string): string {
  return createPublicKey(createPrivateKey(pem)).export({ format: "der", type: "spki" }).toString("base64");
}

test(
  "--manifests makes a key for the forwarder alone, names it, and prints its public part; again, nothing changes; --purge removes it",
  { skip },
  async () => {
    await using world = await InstallWorld.create();
    const before = await world.snapshot();
    const planned = await world.install([...withManifests, "--dry-run"]);
    assert.match(planned.output, /^would write \/etc\/wazuh-dfn\/manifest\.pem \(0400\)$/m);
    assert.deepEqual(await world.snapshot(), before);

    const first = await world.install(withManifests);
    assert.equal(first.code, 0, first.output);
    assert.match(first.output, /^write \/etc\/wazuh-dfn\/manifest\.pem \(0400\)$/m);
    const uid = Number(/^wazuh-dfn:x:(\d+):/m.exec(await world.tree.read("etc/passwd"))?.[1]);
    const { mode, uid: owner, gid } = await stat(world.tree.join(keyPath));
    assert.deepEqual([mode & 0o777, owner, gid], [0o400, uid, 0]);
    const pem = await world.tree.read(keyPath);
    assert.equal(createPrivateKey(pem).asymmetricKeyType, "ed25519");
    assert.ok((await world.tree.read("etc/wazuh-dfn/config.yaml")).endsWith(section));
    assert.ok(first.output.includes(`manifests of this node: ${publicPartOf(pem)}\n`), first.output);
    assert.match(first.output, /by another way than Kafka: wazuh-dfn verify --key NODE=KEY/);
    assert.doesNotMatch(first.output, /PRIVATE KEY|manifests are off/);

    const installed = await world.snapshot();
    const second = await world.install(["--manifests", "wazuh-manifests"]);
    assert.match(second.output, /nothing was changed/);
    assert.ok(second.output.includes(publicPartOf(pem)), second.output);
    assert.doesNotMatch((await world.install([])).output, /manifests/);
    assert.deepEqual(await world.snapshot(), installed);

    assert.equal((await world.uninstall([])).code, 0);
    assert.equal(await world.tree.read(keyPath), pem);
    assert.equal((await world.install(withManifests)).code, 0);
    assert.equal(await world.tree.read(keyPath), pem);
    assert.equal((await world.uninstall(["--purge"])).code, 0);
    assert.deepEqual(await world.snapshot(), before);
  },
);

test(
  "a configuration that exists is not changed: the key is made, and the lines for the configuration are printed",
  { skip },
  async () => {
    await using world = await InstallWorld.create();
    assert.equal((await world.install(given)).code, 0);
    const config = await world.tree.read("etc/wazuh-dfn/config.yaml");
    const { code, output } = await world.install(["--manifests", "wazuh-manifests"]);
    assert.equal(code, 0, output);
    assert.equal(await world.tree.read("etc/wazuh-dfn/config.yaml"), config);
    assert.match(output, /^manifests are off until \/etc\/wazuh-dfn\/config\.yaml has these lines/m);
    assert.ok(output.includes(section), output);
    assert.ok(output.includes(publicPartOf(await world.tree.read(keyPath))), output);
  },
);

test("a key that was there before stays as it is, also after uninstall", { skip }, async () => {
  await using world = await InstallWorld.create();
  assert.equal((await world.install(withManifests)).code, 0);
  const pem = await world.tree.read(keyPath);
  assert.equal((await world.uninstall(["--purge"])).code, 0);
  await world.tree.write(keyPath, pem, 0o440, 0, 0);
  const { code, output } = await world.install(withManifests);
  assert.equal(code, 0, output);
  assert.equal(await world.tree.read(keyPath), pem);
  const { mode, uid } = await stat(world.tree.join(keyPath));
  assert.deepEqual([mode & 0o777, uid], [0o440, 0]);
  assert.ok(output.includes(publicPartOf(pem)), output);
  assert.equal((await world.uninstall([])).code, 0);
  assert.equal(await world.tree.read(keyPath), pem);
});

test("a section about manifests with another key is kept, and no key is made", { skip }, async () => {
  await using world = await InstallWorld.create();
  const own = "manifest: { topic: m, key_file: /etc/wazuh-dfn/other.pem }\n";
  await world.tree.write("etc/wazuh-dfn/config.yaml", `dfn: { customer_id: abc }\n${own}`, 0o644);
  const { code, output } = await world.install(["--manifests", "wazuh-manifests"]);
  assert.equal(code, 0, output);
  assert.match(output, /has a section about manifests and is kept: --manifests is ignored/);
  await assert.rejects(stat(world.tree.join(keyPath)));
});

test(
  "a run that fails leaves no key behind; a topic that is not one, or the customer's, is refused",
  { skip },
  async () => {
    await using world = await InstallWorld.create();
    const before = await world.snapshot();
    for (const [topic, text] of [
      ["a b", /--manifests "a b" is not a topic/],
      ["abc-1", /--manifests abc-1 is the topic of the customer id/],
    ] as const) {
      const wrong = await world.install([...given, "--manifests", topic]);
      assert.equal(wrong.code, 64, wrong.output);
      assert.match(wrong.output, text);
    }
    await world.tree.write("var/ossec/var/run/falls", "", 0o600);
    const failed = await world.install(withManifests);
    assert.equal(failed.code, 74, failed.output);
    assert.match(failed.output, /write \/etc\/wazuh-dfn\/manifest\.pem/);
    assert.deepEqual(await world.snapshot(), before);
  },
);
