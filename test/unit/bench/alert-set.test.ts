import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { writeAlertSet } from "../../bench/alert-set.ts";
import { TempDir } from "../../rig/temp-dir.ts";

test("a set names the values that a topic must hold: of each line, of the relevant ones, and their records", async () => {
  await using directory = await TempDir.create();
  const set = writeAlertSet(directory.join("alerts.json"), { lines: 95, relevantEvery: 10 });
  const lines = readFileSync(set.path, "utf8").split(/(?<=\n)/);
  const relevant = lines.filter((_, index) => index % 10 === 0);
  const records = readFileSync(set.recordsPath, "utf8").split(/(?<=\n)/);
  assert.deepEqual(set.values, {
    lines: { count: 95, sha256: sha256(lines) },
    "relevant lines": { count: 10, sha256: sha256(relevant) },
    records: { count: 10, sha256: sha256(records) },
  });
  for (const [index, line] of relevant.entries()) {
    const alert: { readonly timestamp: string; readonly data: unknown } = JSON.parse(line);
    const record: typeof alert = JSON.parse(records[index] ?? "");
    assert.deepEqual([record.timestamp, record.data], [alert.timestamp, alert.data]);
  }
});

function sha256(lines: readonly string[]): string {
  return createHash("sha256").update(lines.join("")).digest("hex");
}
