import assert from "node:assert/strict";
import { test } from "node:test";
import { alertTimeMs } from "../../../daemon/alert/alert-time.ts";

const timeOf = (timestamp: string): number => alertTimeMs(Buffer.from(`{"timestamp":"${timestamp}","rule":{}}`));

test("the time at the beginning of an alert is read with its zone and its milliseconds", () => {
  assert.equal(timeOf("2026-11-21T11:24:00.123+0100"), Date.UTC(2026, 10, 21, 10, 24, 0, 123));
  assert.equal(timeOf("2026-01-01T00:00:00.000-0330"), Date.UTC(2026, 0, 1, 3, 30));
  assert.equal(timeOf("2026-11-21T11:24:00.999+0000"), Date.UTC(2026, 10, 21, 11, 24, 0, 999));
});

test("what has another form has no time", () => {
  for (const other of ["", "2026-11-21T11:24:00Z", "no time at all, but long enough", "2026-11-21T11:24:00.123*0100"]) {
    assert.ok(Number.isNaN(timeOf(other)), other);
  }
  for (const bytes of ["", "{}", '{"timestamp":"', `{"rule":1,"timestamp":"2026-11-21T11:24:00.123+0100"}`]) {
    assert.ok(Number.isNaN(alertTimeMs(Buffer.from(bytes))), bytes);
  }
});
