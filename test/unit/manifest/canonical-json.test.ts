import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalJson, isTooDeep, NotCanonical } from "../../../daemon/manifest/canonical-json.ts";
import { runPython } from "../../rig/manifests/python.ts";

test("members are in the order of RFC 8785, section 3.2.3, and strings have the escapes of 3.2.2.2", () => {
  const example = {
    "\u20ac": "Euro Sign",
    "\r": "Carriage Return",
    "\ufb33": "Hebrew Letter Dalet With Dagesh",
    "1": "One",
    "\u{1f600}": "Emoji: Grinning Face",
    "\u0080": "Control",
    "\u00f6": "Latin Small Letter O With Diaeresis",
  };
  const names = [...canonicalJson(example).matchAll(/"([^"]+)"[,}]/g)].map(([, text]) => text);
  assert.deepEqual(names, [
    "Carriage Return",
    "One",
    "Control",
    "Latin Small Letter O With Diaeresis",
    "Euro Sign",
    "Emoji: Grinning Face",
    "Hebrew Letter Dalet With Dagesh",
  ]);
  assert.equal(canonicalJson('\u20ac$\u000f\nA\'B"\\\\"/'), String.raw`"€$\u000f\nA'B\"\\\\\"/"`);
  assert.equal(
    canonicalJson([56, { d: true, 10: null, 1: [], b: undefined }, -0]),
    '[56,{"1":[],"10":null,"d":true},0]',
  );
});

test("what the canonical form here does not have is refused", () => {
  for (const value of [1.5, 2 ** 53, -(2 ** 53), Number.NaN, Infinity, "\ud800", "a\udc00b", { "\ud800": 1 }, 1n])
    assert.throws(() => canonicalJson(value), NotCanonical);
  assert.equal(canonicalJson(2 ** 53 - 1), "9007199254740991");
  const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);
  assert.equal(canonicalJson(nested(16)), `${"[".repeat(16)}1${"]".repeat(16)}`);
  assert.throws(() => canonicalJson(nested(17)), NotCanonical);
});

test("nesting is measured without recursion, and brackets in strings do not count", () => {
  assert.equal(isTooDeep("[".repeat(16)), false);
  assert.equal(isTooDeep('{"a":'.repeat(17)), true);
  assert.equal(isTooDeep("[".repeat(1_000_000)), true);
  assert.equal(isTooDeep(`["${"[".repeat(20)}\\"${"{".repeat(20)}"]`), false);
  assert.equal(isTooDeep("[[],[]],".repeat(20)), false);
});

test("Python's json, set to the same rules, writes the same text for random values", () => {
  let seed = 7;
  const random = (below: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % below;
  const units = ["a", "B", "\u0000", "\u001f", "\u007f", "é", "\u2028", "\ufffd", "\u{1f600}", "\\", '"', "/", "\n"];
  const word = (): string => Array.from({ length: random(6) }, () => units[random(units.length)]).join("");
  const value = (depth: number): unknown => {
    const kind = random(depth > 3 ? 4 : 6);
    if (kind === 0) return word();
    if (kind === 1) return (random(2 ** 30) - 2 ** 29) * 2 ** 20;
    if (kind === 2) return random(2) === 0;
    if (kind === 3) return null;
    const many = Array.from({ length: random(5) });
    return kind === 4
      ? many.map(() => value(depth + 1))
      : Object.fromEntries(many.map(() => [word(), value(depth + 1)]));
  };
  const values = Array.from({ length: 500 }, () => value(0));
  const program = `
import json, sys
def order(v):
    if isinstance(v, list): return [order(x) for x in v]
    if isinstance(v, dict): return {k: order(v[k]) for k in sorted(v, key=lambda k: k.encode("utf-16-be"))}
    return v
for v in json.load(sys.stdin):
    print(json.dumps(json.dumps(order(v), ensure_ascii=False, separators=(",", ":"))))
`;
  const theirs = runPython(program, JSON.stringify(values)).trimEnd().split("\n");
  assert.deepEqual(
    values.map((one) => canonicalJson(one)),
    theirs.map((line): unknown => JSON.parse(line)),
  );
});
