import assert from "node:assert/strict";
import { test } from "node:test";
import { FingerprintHash, fingerprintOf } from "../../../daemon/pairing/fingerprint.ts";
import { seededRandom } from "../../rig/random.ts";

test("fingerprints are what they always were: saved windows hold them", () => {
  const ordinary = ["wazuh-manager", "1763700000.1234567", "2026-11-21T03:00:00.123+0100", "001", "60122", ""];
  assert.deepEqual(fingerprintOf(ordinary, 0), { high: 2180678586, low: 4109166838 });
  assert.deepEqual(fingerprintOf([], 0), { high: 243406415, low: 1233749040 });
  assert.deepEqual(fingerprintOf([""], 0), { high: 2197004096, low: 295027867 });
  assert.deepEqual(fingerprintOf(["Jürgen 😀", "\u0000", ""], 7), { high: 3602546675, low: 3551074177 });
  assert.deepEqual(fingerprintOf(["a"], 0xffffffff), { high: 3352345415, low: 4267191789 });
});

test("the fingerprint of a part is the same from its text and from its bytes, and a hash can be used again", () => {
  const random = seededRandom(11);
  const hash = new FingerprintHash();
  for (let round = 0; round < 500; round++) {
    const parts = Array.from({ length: Math.floor(random() * 6) }, () =>
      String.fromCharCode(...Array.from({ length: Math.floor(random() * 30) }, () => Math.floor(random() * 128))),
    );
    const seed = Math.floor(random() * 2 ** 32);
    hash.begin(seed);
    for (const part of parts) {
      const bytes = Buffer.from(`<${part}>`);
      if (random() < 0.5) hash.text(part);
      else hash.ascii(bytes, 1, bytes.length - 1);
    }
    hash.end();
    assert.deepEqual({ high: hash.high >>> 0, low: hash.low >>> 0 }, fingerprintOf(parts, seed));
  }
});

test("a fingerprint depends on where one part ends and the next begins", () => {
  assert.notDeepEqual(fingerprintOf(["ab", "c"], 0), fingerprintOf(["a", "bc"], 0));
  assert.notDeepEqual(fingerprintOf(["ab", ""], 0), fingerprintOf(["ab"], 0));
  assert.notDeepEqual(fingerprintOf(["ab"], 0), fingerprintOf(["ab"], 1));
  assert.deepEqual(fingerprintOf(["ab", "c"], 0), fingerprintOf(["ab", "c"], 0));
});

test("the fingerprints of ids as a busy manager assigns them are as different as random ones", () => {
  const count = 200_000;
  const seen = new Set<bigint>();
  const highs = new Set<number>();
  const lows = new Set<number>();
  let offset = 0;
  for (let i = 0; i < count; i++) {
    const second = 1_763_700_000 + Math.floor(i / 500);
    offset += 900 + (i % 13);
    const time = `2026-11-21T03:${String(Math.floor(i / 30_000) % 60).padStart(2, "0")}:00.${i % 1000}+0100`;
    const { high, low } = fingerprintOf(["manager", `${second}.${offset}`, time, "001", "60122"], 0);
    seen.add((BigInt(high) << 32n) | BigInt(low));
    highs.add(high);
    lows.add(low);
  }
  assert.equal(seen.size, count);
  // Of 32 random bits each, about 4.7 would be the same.
  assert.ok(count - highs.size < 30, `${count - highs.size} high halves repeat`);
  assert.ok(count - lows.size < 30, `${count - lows.size} low halves repeat`);
});
