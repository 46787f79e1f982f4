import assert from "node:assert/strict";
import { test } from "node:test";
import { readPublicKey } from "../../../daemon/manifest/signature.ts";
import { usualLimits } from "../../../daemon/verify/evidence.ts";
import { KnownStreams } from "../../../daemon/verify/known-streams.ts";
import { Verification, type VerifyOptions, type VerifyResult } from "../../../daemon/verify/verification.ts";
import { publicKeyText } from "../../rig/manifests/node-writer.ts";
import { MemoryTopics } from "../../rig/manifests/memory-topics.ts";
import { arithmeticAlone, sabotages } from "../../rig/manifests/sabotage.ts";
import { Scene } from "../../rig/manifests/scene.ts";
import { present } from "../../rig/present.ts";

/** Twenty minutes past an hour. */
const now = Date.UTC(2026, 10, 29, 14, 20);
const { signal } = new AbortController();

function optionsFor(scene: Scene, more: Partial<VerifyOptions> = {}): VerifyOptions {
  const keys = new Map([...scene.keys].map(([node, key]) => [node, [readPublicKey(publicKeyText(key))]]));
  return {
    manifests: "m",
    keys,
    node: undefined,
    accepted: new Set(),
    sinceMs: undefined,
    known: new KnownStreams(),
    ...more,
  };
}

function found({ findings }: VerifyResult): string[] {
  return findings.map(({ kind, node, hour }) => `${kind} ${node} ${hour}`).toSorted();
}

async function verified(
  scene: Scene,
  more?: Partial<VerifyOptions>,
  topics = new MemoryTopics(),
): Promise<VerifyResult> {
  topics.add(scene, "m");
  const verification = new Verification(optionsFor(scene, more), topics);
  await verification.read(signal);
  return verification.judge(now, signal);
}

for (const { title, make, options, expected } of sabotages) {
  test(`${title}: exactly that is found`, async () => {
    const scene = make("soc", now);
    const [, accepted] = options?.(scene) ?? [];
    const result = await verified(scene, { accepted: new Set(accepted === undefined ? [] : [accepted]) });
    const { result: word, findings = [], unknown, verdict } = expected(scene);
    assert.deepEqual(
      { word: result.result, findings: found(result) },
      { word, findings },
      JSON.stringify([result.findings, result.unknown, result.nodes], undefined, 1),
    );
    if (unknown !== undefined)
      assert.ok(
        result.unknown.some((text) => unknown.test(text)),
        result.unknown.join("\n"),
      );
    else if (!findings.some((one) => one.startsWith("manifest-missing"))) assert.deepEqual(result.unknown, []);
    const north = result.nodes.find(({ node }) => node === "north");
    if (verdict !== undefined) assert.ok((north?.verdicts[verdict] ?? 0) > 0, JSON.stringify(north));
  });
}

test("each of the cases that are not tried on a Kafka is one of those here", () => {
  const titles = new Set(sabotages.map(({ title }) => title));
  assert.equal(titles.size, sabotages.length);
  for (const title of arithmeticAlone) assert.ok(titles.has(title), title);
});

test("a bucket whose digests found no room is read again when it differs", async () => {
  for (const [title, kind] of [
    ["one record is doubled", "doubled"],
    ["a record is invented", "invented"],
    ["one record is deleted", "missing"],
  ] as const) {
    const scene = present(sabotages.find((one) => one.title === title)).make("soc", now);
    const topics = new MemoryTopics();
    topics.add(scene, "m");
    const verification = new Verification(optionsFor(scene), topics, { ...usualLimits, digests: 2 });
    await verification.read(signal);
    const { findings, digestsChecked } = await verification.judge(now, signal);
    assert.deepEqual(
      findings.map((one) => one.kind),
      [kind],
    );
    assert.ok(digestsChecked < 10, `${digestsChecked}`);
  }
});

test("a verification goes on with what has come since, and does not count twice", async () => {
  const scene = new Scene("soc", now);
  const [manifests, records] = [scene.manifests.splice(20), scene.records.splice(200)];
  const topics = new MemoryTopics();
  topics.add(scene, "m");
  const verification = new Verification(optionsFor(scene), topics);
  await verification.read(signal);
  await verification.judge(now, signal);
  topics.add({ manifests, records }, "m");
  for (let round = 0; round < 2; round++) {
    await verification.read(signal);
    const result = await verification.judge(now, signal);
    assert.deepEqual([result.result, result.findings], ["complete", []]);
    assert.ok(result.digestsChecked > 300, `${result.digestsChecked}`);
  }
});

test("more than can be kept ends with what to do, not in memory", async () => {
  const scene = new Scene("soc", now);
  const topics = new MemoryTopics();
  topics.add(scene, "m");
  const verification = new Verification(optionsFor(scene), topics, { ...usualLimits, buckets: 300 });
  await assert.rejects(verification.read(signal), /more than 300 minutes .*--since TIME, --node NODE/);
  const fewer = new Verification(optionsFor(scene), topics, { ...usualLimits, announcements: 100 });
  await assert.rejects(fewer.read(signal), /more than 100 entries of manifests/);
});

test("what came before the earliest offset is never missing", async () => {
  const scene = new Scene("soc", now);
  const topics = new MemoryTopics();
  topics.firsts.set("soc", 40);
  const result = await verified(scene, {}, topics);
  assert.deepEqual([result.result, result.findings], ["unknown", []]);
  assert.match(result.unknown.join("\n"), /no longer has everything of before/);
});

test("a node whose key was given and of which nothing is there is silent, as is one that an earlier run has seen", async () => {
  const scene = new Scene("soc", now);
  const { keys } = optionsFor(scene);
  const west = new Map([...keys, ["west", keys.get("north") ?? []] as const]);
  assert.deepEqual(found(await verified(scene, { keys: west })), ["silent west null"]);
  const whole = await verified(scene);
  const known = new KnownStreams().with(whole.streams, whole.live);
  const rest = { manifests: scene.manifests.filter(({ key }) => key !== "south"), records: [] };
  const topics = new MemoryTopics();
  topics.add(rest, "m");
  for (const [sinceMs, expected] of [
    [now - 3_600_000, "silent south null"],
    [undefined, "manifest-missing south null"],
  ] as const) {
    const verification = new Verification(optionsFor(scene, { known, sinceMs }), topics);
    await verification.read(signal);
    const { findings } = await verification.judge(now, signal);
    assert.ok(
      findings.some(({ kind, node, hour }) => `${kind} ${node} ${hour}` === expected),
      JSON.stringify(findings),
    );
  }
});
