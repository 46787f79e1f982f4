import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Kafka } from "../rig/kafka.ts";
import { arithmeticAlone, sabotages } from "../rig/manifests/sabotage.ts";
import { sharedKafka } from "../rig/shared-kafka.ts";
import { foundIn, keysOf, VerifyWorld } from "./verify-world.ts";

let kafka: Kafka;

before(async () => {
  kafka = await sharedKafka();
});
after(() => kafka[Symbol.asyncDispose]());

const codes = { complete: 0, incomplete: 1, unknown: 69, unproven: 69 } as const;

for (const { title, make, options, expected } of sabotages) {
  if (arithmeticAlone.has(title)) continue;
  test(`on a real Kafka, ${title}: verify names that node, hour and kind, and nothing else`, async () => {
    await using world = await VerifyWorld.create(kafka);
    const scene = make(world.topic, Date.now());
    await world.send(scene);
    const verified = await world.verify(...keysOf(scene), ...(options?.(scene) ?? []));
    const { result, findings = [], unknown } = expected(scene);
    // What the broker does not say the hour of has the one in which it came.
    const found = foundIn(verified).map((one) =>
      one.startsWith("manifest-foreign") ? one.replace(/ \S+$/, " null") : one,
    );
    const seen = { result: verified.result, code: verified.code, findings: found };
    assert.deepEqual(seen, { result, code: codes[result], findings }, JSON.stringify(verified, undefined, 1));
    assert.deepEqual(verified.warnings, []);
    if (unknown !== undefined)
      assert.ok(
        verified.unknown.some((text) => unknown.test(text)),
        verified.unknown.join("\n"),
      );
    assert.ok(verified.records > 300, `${verified.records} records were read`);
  });
}
