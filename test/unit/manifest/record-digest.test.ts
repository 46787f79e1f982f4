import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { seededRandom } from "../../rig/random.ts";
import { digestOfAll, DigestSum, recordDigest } from "../../../daemon/manifest/record-digest.ts";
import { runPython } from "../../rig/manifests/python.ts";

const program = `
import hashlib, json, sys
total, digests = 0, []
for topic, handler, node, id, value in json.load(sys.stdin):
    esc = lambda s: s.replace("\\\\", "\\\\\\\\").replace("\\n", "\\\\n")
    lines = [topic, esc(handler), esc(node), esc(id), hashlib.sha256((value or "").encode()).hexdigest()]
    digests.append(hashlib.sha256("\\n".join(lines).encode()).digest())
total = sum(int.from_bytes(d, "big") for d in digests) % 2**256
print(json.dumps([[d.hex() for d in digests], "%064x" % total, hashlib.sha256(b"".join(sorted(digests))).hexdigest()]))
`;

const parts = ["", "windows", "node-1", "a\nb", "a\\nb", "\\", "\n", "é\u{1f600}", "1764496800.1", "a\\\nb"];
const records = Array.from({ length: 400 }, (_, at) => ({
  topic: `t${at % 3}`,
  handler: parts[at % 10] ?? "",
  node: parts[Math.floor(at / 10) % 10] ?? "",
  id: parts[Math.floor(at / 40) % 10] ?? "",
  value: at % 7 === 0 ? null : `{"n":${at},"é":"\u{1f600}"}`,
}));
const [theirs, sum, digest]: [string[], string, string] = JSON.parse(
  runPython(
    program,
    JSON.stringify(records.map(({ topic, handler, node, id, value }) => [topic, handler, node, id, value])),
  ),
);
const ours = records.map((record) =>
  recordDigest({ ...record, value: record.value === null ? null : Buffer.from(record.value) }),
);

test("Python computes the same digests, sum and digest of all, for texts that need escapes too", () => {
  assert.deepEqual(
    ours.map((one) => one.toString("hex")),
    theirs,
  );
  const total = new DigestSum();
  for (const one of ours) total.addBytes(one, 0);
  assert.equal(total.hex, sum);
  const atOnce = new DigestSum();
  atOnce.addAll(Buffer.concat(ours));
  assert.equal(atOnce.hex, sum);
  assert.equal(digestOfAll(Buffer.concat(ours)), digest);
  assert.equal(digestOfAll(Buffer.concat(ours.toReversed())), digest);
});

test("digests that begin with the same bytes are sorted by the others, and equal ones are all there", () => {
  const alike = [0, 1, 255].flatMap((first) =>
    [7, 3, 200, 3, 0, 128].map((last) => Buffer.concat([Buffer.alloc(31, first), Buffer.of(last)])),
  );
  const sorted = alike.toSorted((a, b) => a.compare(b));
  assert.equal(digestOfAll(Buffer.concat(alike)), createHash("sha256").update(Buffer.concat(sorted)).digest("hex"));
  assert.equal(digestOfAll(Buffer.alloc(0)), createHash("sha256").digest("hex"));
});

test("any number of digests is sorted, also where many share their first bits", () => {
  const random = seededRandom(5);
  for (const count of [1, 2, 3, 31, 64, 1000, 5000, 33_000, 70_000]) {
    const shared = random() < 0.5 ? 0 : 1;
    const all = Array.from({ length: count }, (_, at) => {
      const digest = Buffer.from(Uint8Array.from({ length: 32 }, () => Math.floor(random() * 256)));
      return at % 7 < 3 ? digest.fill(shared, 0, 2 + (at % 5)) : digest;
    });
    const sorted = Buffer.concat(all.toSorted((a, b) => a.compare(b)));
    assert.equal(digestOfAll(Buffer.concat(all)), createHash("sha256").update(sorted).digest("hex"), `${count}`);
  }
});

test("a sum is not told a digest that is cut off", () => {
  assert.throws(() => new DigestSum().addBytes(Buffer.alloc(40), 9), RangeError);
});

test("a sum carries through all limbs, and wraps at 2^256", () => {
  const most = "f".repeat(64);
  const one = "1".padStart(64, "0");
  const total = new DigestSum(most);
  total.add(new DigestSum(one));
  assert.equal(total.hex, "0".repeat(64));
  total.subtract(new DigestSum(one));
  assert.equal(total.hex, most);
  total.addBytes(Buffer.from(most, "hex"), 0);
  assert.equal(total.hex, `${"f".repeat(63)}e`);
  assert.ok(total.equals(new DigestSum(`${"f".repeat(63)}e`)));
  assert.ok(!total.equals(new DigestSum(most)));
});

test("more digests than are added at once have the sum that they have one by one", () => {
  const count = 2 ** 20 + 3;
  const most = new DigestSum();
  most.addAll(Buffer.alloc(32 * count, 0xff));
  // Each is -1 modulo 2^256.
  assert.equal(most.hex, (2n ** 256n - BigInt(count)).toString(16).padStart(64, "0"));
});

test("additions and subtractions of any order give what BigInt gives", () => {
  const all = new DigestSum();
  let big = 0n;
  for (const [at, hex] of theirs.entries()) {
    const isLess = at % 3 === 1;
    if (isLess) all.subtract(new DigestSum(hex));
    else all.add(new DigestSum(hex));
    big += isLess ? -BigInt(`0x${hex}`) : BigInt(`0x${hex}`);
    assert.equal(all.hex, BigInt.asUintN(256, big).toString(16).padStart(64, "0"));
  }
});
