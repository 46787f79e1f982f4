import assert from "node:assert/strict";
import { test } from "node:test";
import { DamagedArchives, maxDamaged } from "../../../../../daemon/sources/tail/position/damaged.ts";
import { parseStem } from "../../../../../daemon/sources/tail/log/dated-name.ts";
import type { OpenLogFile } from "../../../../../daemon/sources/tail/log/log-file.ts";

function archive(day: number): Pick<OpenLogFile, "origin" | "stat"> {
  const name = parseStem(`2026/${day > 28 ? "Dec" : "Nov"}/ossec-alerts-${String((day % 28) + 1).padStart(2, "0")}`);
  const origin = { file: `/${day}.gz`, id: `1:${day}`, name, head: Buffer.from(`${day}`), isCompressed: true };
  const stat = { id: origin.id, size: 10, changedNs: 1n };
  return { origin, stat };
}

test("if there are too many damaged archives the oldest are given up one by one, and named", () => {
  const damaged = new DamagedArchives();
  const givenUp: string[] = [];
  for (let day = 1; day <= maxDamaged + 3; day++) {
    givenUp.push(...damaged.note(archive(day), day, day).map(({ file }) => file));
  }
  assert.deepEqual(givenUp, ["/1.gz", "/2.gz", "/3.gz"]);
  assert.equal(damaged.all.length, maxDamaged);
  assert.equal(damaged.snapshot(1000).length, maxDamaged);
});
