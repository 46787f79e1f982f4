import assert from "node:assert/strict";
import { test } from "node:test";
import { differences } from "../../bench/compare/compare.ts";
import type { Shipped } from "../../bench/compare/shipped.ts";
import type { RecordDigest } from "../../rig/digest-topic.ts";

const records: readonly RecordDigest[] = [0, 1, 2].map((offset) => ({ offset, key: "k", headers: "h", value: "v" }));

function shipped(topic: string, change: Partial<RecordDigest> = {}, kept = records.length): Shipped {
  const changed = records.slice(0, kept).map((record) => (record.offset === 1 ? { ...record, ...change } : record));
  const digest = { records: kept, values: "", all: JSON.stringify(changed) };
  return { topics: [{ handlers: "windows", topic, digest, records: changed }], deadLetters: ["one", "two"] };
}

test("two builds that shipped the same do not differ", () => {
  assert.deepEqual(differences(shipped("a"), shipped("b")), []);
});

test("the first record that differs is named, with the part that does", () => {
  for (const part of ["key", "headers", "value"] as const) {
    const text = `windows: 3 and 3 records, the ${part} at offset 1 differs`;
    const record = { topics: ["a", "b"], part, offset: 1 };
    assert.deepEqual(differences(shipped("a"), shipped("b", { [part]: "other" })), [{ text, record }]);
  }
});

test("a record that only one build shipped is a difference", () => {
  assert.deepEqual(differences(shipped("a"), shipped("b", {}, 2)), [
    { text: "windows: 3 and 2 records, the other build's end before offset 2" },
  ]);
  assert.deepEqual(differences(shipped("a", {}, 2), shipped("b")), [
    { text: "windows: 2 and 3 records, ours end before offset 2" },
  ]);
});

test("dead letters that differ or are missing are a difference", () => {
  const ours = shipped("a");
  for (const [deadLetters, text] of [
    [["one", "three"], "2 and 2, the first that differs: two and three"],
    [["one"], "2 and 1, the first that differs: two and none"],
    [["one", "two", "three"], "2 and 3, the first that differs: none and three"],
  ] as const) {
    assert.deepEqual(differences(ours, { ...ours, deadLetters }), [{ text: `dead letters: ${text}` }]);
  }
});
