import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidValue } from "../../../../daemon/config/values/problem.ts";
import { formatDuration, formatSize, readDuration, readSize } from "../../../../daemon/config/values/units.ts";

const any = { least: 0, most: Number.MAX_SAFE_INTEGER };

test("durations become milliseconds", () => {
  const cases = { "100ms": 100, "5s": 5000, "1.5s": 1500, "10m": 600_000, "1h": 3_600_000, "2d": 172_800_000, "0": 0 };
  for (const [text, expected] of Object.entries(cases)) assert.equal(readDuration(text, any), expected, text);
});

test("sizes become bytes: KB is 1000 and KiB is 1024, in any case and with a blank", () => {
  const cases = {
    "7B": 7,
    "900KB": 900_000,
    "64MiB": 67_108_864,
    "1 gb": 1_000_000_000,
    "2gib": 2_147_483_648,
    "0": 0,
  };
  for (const [text, expected] of Object.entries(cases)) assert.equal(readSize(text, any), expected, text);
});

test("a value that is not a measure is refused, and the range is named", () => {
  const range = { least: 10, most: 60_000 };
  const allowed = "use a duration such as 100ms, 5s, 10m, 1h or 2d, from 10ms to 1m";
  const cases = {
    "5": `"5" has no unit; ${allowed}`,
    "5 parsecs": `"5 parsecs" is not a duration; ${allowed}`,
    "-5s": `"-5s" is not a duration; ${allowed}`,
    "1e3s": `"1e3s" is not a duration; ${allowed}`,
    "": `"" is not a duration; ${allowed}`,
    "9ms": `"9ms" is too small; ${allowed}`,
    "2m": `"2m" is too large; ${allowed}`,
  };
  for (const [text, message] of Object.entries(cases)) {
    assert.throws(() => readDuration(text, range), new InvalidValue(message));
  }
});

test("a formatted measure reads back as the same value", () => {
  assert.equal(formatDuration(90_000), "90s");
  assert.equal(formatDuration(0), "0");
  assert.equal(formatSize(900_000), "900KB");
  assert.equal(formatSize(16_777_216), "16MiB");
  for (const value of [0, 1, 999, 1000, 1024, 1_048_576, 123_456_789, 86_400_000]) {
    assert.equal(readDuration(formatDuration(value), any), value);
    assert.equal(readSize(formatSize(value), any), value);
  }
});
