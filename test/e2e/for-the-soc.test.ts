import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createPublicKey } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { repositoryRoot } from "../../scripts/repository.ts";
import type { Kafka } from "../rig/kafka.ts";
import { runPython } from "../rig/manifests/python.ts";
import { Scene } from "../rig/manifests/scene.ts";
import { present } from "../rig/present.ts";
import { readTopic } from "../rig/read-topic.ts";
import { sharedKafka } from "../rig/shared-kafka.ts";
import { keysOf, VerifyWorld } from "./verify-world.ts";

let kafka: Kafka;

before(async () => {
  kafka = await sharedKafka();
});
after(() => kafka[Symbol.asyncDispose]());

/** The lines of docs/for-the-soc.md. */
function documentedLines(): string {
  const text = readFileSync(join(repositoryRoot, "docs/for-the-soc.md"), "utf8");
  return present(/```python\n([\s\S]*?)```/.exec(text)?.[1]);
}

/** A topic as `kcat -J` prints it. */
async function kcatLines(topic: string): Promise<string[]> {
  return (await readTopic(kafka.addresses, topic)).map(({ partition, offset, key, headers, value }) => {
    const flat = headers.flatMap(([name, one]) => [name, one?.toString() ?? ""]);
    const texts = { key: key?.toString() ?? null, payload: value?.toString() ?? null };
    return JSON.stringify({ topic, partition, offset, ...(flat.length > 0 && { headers: flat }), ...texts });
  });
}

async function checked(world: VerifyWorld): Promise<string[]> {
  const lines = [...(await kcatLines(world.manifests)), ...(await kcatLines(world.topic))];
  return runPython(documentedLines(), lines.join("\n"), [world.manifests]).trimEnd().split("\n");
}

test("the documented lines of Python find what verify finds in the same topics", async () => {
  await using world = await VerifyWorld.create(kafka);
  const scene = new Scene(world.topic, Date.now());
  const whole = { manifests: scene.manifests, records: scene.records };
  const gone = scene.records[scene.one("north", 70)];
  await world.send({ ...whole, records: scene.records.filter((record) => record !== gone) });
  const verified = await world.verify(...keysOf(scene));
  const lines = await checked(world);
  assert.ok(lines.length > 300, lines.join("\n"));
  const [found] = verified.findings;
  const bucket = present(found && "buckets" in found ? found : undefined);
  const differing = lines.filter((line) => line.includes(" differs "));
  assert.equal(verified.findings.length, 1);
  const { topic, node, handler, buckets }: Record<string, unknown> = { ...bucket };
  assert.ok(Array.isArray(buckets));
  assert.equal(differing.length, 1, differing.join("\n"));
  const [, name, announced, there] = /^(.*) differs (\d+) (\d+)$/.exec(differing[0] ?? "") ?? [];
  assert.equal(name, `${String(topic)} ${String(node)} ${String(handler)} ${buckets[0]}`);
  assert.equal(Number(announced), Number(there) + 1);
  await world.send({ manifests: [], records: [present(gone)] });
  assert.equal((await world.verify(...keysOf(scene))).result, "complete");
  assert.deepEqual(
    (await checked(world)).filter((line) => !line.includes(" complete ")),
    [],
  );
});

test("openssl verifies a signature in the documented way", async () => {
  await using world = await VerifyWorld.create(kafka);
  const { manifests, keys } = new Scene(world.topic, Date.now());
  const { value, key } = present(manifests[5]);
  const signature = present(/"signature":"([^"]+)"/.exec(value.toString())?.[1]);
  const path = (name: string): string => world.directory.join(name);
  writeFileSync(path("form.json"), value.toString().replace(`"signature":"${signature}",`, ""));
  writeFileSync(path("signature"), Buffer.from(signature, "base64"));
  writeFileSync(path("node.pem"), createPublicKey(present(keys.get(key))).export({ format: "pem", type: "spki" }));
  const files = ["-inkey", path("node.pem"), "-rawin", "-in", path("form.json"), "-sigfile", path("signature")];
  const said = execFileSync("openssl", ["pkeyutl", "-verify", "-pubin", ...files], { encoding: "utf8" });
  assert.match(said, /Signature Verified Successfully/);
});
