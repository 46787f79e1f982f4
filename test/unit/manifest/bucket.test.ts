import assert from "node:assert/strict";
import { test } from "node:test";
import { bucketEndMs, bucketOf, bucketPattern, bucketStartMs, hourOfBucket } from "../../../daemon/manifest/bucket.ts";

test("a bucket is the UTC minute of the second that an id begins with, and none without one", () => {
  assert.equal(bucketOf("1764496859.1234"), "2025-11-30T10:00Z");
  assert.equal(bucketOf("1764496860.0"), "2025-11-30T10:01Z");
  assert.equal(bucketOf("0.0"), "1970-01-01T00:00Z");
  assert.equal(bucketOf("9999999999.1"), "2286-11-20T17:46Z");
  for (const id of [
    "",
    "1764496800",
    "1764496800.",
    ".5",
    "sha256:0123456789abcdef",
    "17644968000.1",
    "1e9.1",
    " 1.1",
    "1.1\n",
  ])
    assert.equal(bucketOf(id), "none", id);
});

test("minutes and hours have a beginning and an end", () => {
  const tenMs = Date.UTC(2026, 10, 29, 10);
  assert.deepEqual(["2026-11-29T10:00Z", "2026-11-29T10Z"].map(bucketStartMs), [tenMs, tenMs]);
  assert.deepEqual(["2026-11-29T10:00Z", "2026-11-29T10Z"].map(bucketEndMs), [tenMs + 60_000, tenMs + 3_600_000]);
  assert.deepEqual(["2026-11-29T10:59Z", "2026-11-29T10Z", "none"].map(hourOfBucket), [
    "2026-11-29T10Z",
    "2026-11-29T10Z",
    "none",
  ]);
  for (const text of ["none", "2026-02-31T10Z", "2026-13-01T10Z", "2026-02-29T10:00Z"])
    assert.ok(Number.isNaN(bucketStartMs(text)), text);
  for (const text of ["2026-11-29T24Z", "2026-11-29T10:60Z", "2026-11-29", "None"])
    assert.doesNotMatch(text, bucketPattern);
});
