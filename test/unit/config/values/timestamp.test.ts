import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidValue } from "../../../../daemon/config/values/problem.ts";
import { readTimestamp } from "../../../../daemon/config/values/timestamp.ts";

test("a time is read in the usual forms and in the form of Wazuh's alerts", () => {
  const cases = {
    "2026-11-21": "2026-11-21T00:00:00.000Z",
    "2026-11-21T10:00Z": "2026-11-21T10:00:00.000Z",
    "2026-11-21T10:00:00z": "2026-11-21T10:00:00.000Z",
    "2026-11-21 10:00:00+01:00": "2026-11-21T09:00:00.000Z",
    "2026-11-21T10:00:00.123+0100": "2026-11-21T09:00:00.123Z",
    "2026-11-21T10:00:00.123456789-0230": "2026-11-21T12:30:00.123Z",
    "2028-02-29": "2028-02-29T00:00:00.000Z",
  };
  for (const [text, expected] of Object.entries(cases)) assert.equal(readTimestamp(text).toISOString(), expected, text);
});

test("a time without a zone, or one that does not exist, is refused", () => {
  const cases = ["2026-11-21T10:00:00", "2026-02-29", "2026-13-01", "2026-11-21T25:00Z", "yesterday", "", "1700000000"];
  for (const text of [...cases, "2026-11-21T10:00:00+99:00"])
    assert.throws(() => readTimestamp(text), InvalidValue, text);
});
