import assert from "node:assert/strict";
import { appendFileSync, linkSync, mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { test } from "node:test";
import { UnchangedCheck } from "../../../../../daemon/sources/tail/log/unchanged-check.ts";
import { eventually } from "../../../../rig/eventually.ts";
import { present } from "../../../../rig/present.ts";
import { TempDir } from "../../../../rig/temp-dir.ts";
import { statIfPresent } from "../../../../../daemon/disk/file-stat.ts";

const content = '{"a":1}\n';

/** A file whose last change is long enough ago, and an unchanged check that has recorded it. */
async function recordedFile(directory: TempDir): Promise<{ path: string; unchangedCheck: UnchangedCheck }> {
  const path = directory.join("log", "alerts.json");
  mkdirSync(dirname(path));
  writeFileSync(path, content);
  const unchangedCheck = new UnchangedCheck();
  await eventually("the last change is old enough", async () => {
    unchangedCheck.take(present(await statIfPresent(path)), content.length);
    return unchangedCheck.holds(path);
  });
  return { path, unchangedCheck };
}

const changes: readonly [string, (path: string) => void][] = [
  ["is appended to", (path) => appendFileSync(path, content)],
  [
    "is overwritten with the same number of bytes",
    (path) => writeFileSync(path, content.toUpperCase(), { flag: "r+" }),
  ],
  ["is truncated", (path) => truncateSync(path, 1)],
  ["is gone", (path) => rmSync(path)],
  ["gets another link", (path) => linkSync(path, `${path}.dated`)],
  [
    "is another of the same size",
    (path) => {
      writeFileSync(`${path}.new`, content);
      renameSync(`${path}.new`, path);
    },
  ],
  [
    "is behind a path whose directory no longer is one",
    (path) => {
      rmSync(dirname(path), { recursive: true });
      writeFileSync(dirname(path), "");
    },
  ],
];

for (const [what, change] of changes) {
  test(`a file that ${what} is not unchanged`, async () => {
    await using directory = await TempDir.create();
    const { path, unchangedCheck } = await recordedFile(directory);
    assert.equal(unchangedCheck.holds(path), true);
    change(path);
    assert.equal(unchangedCheck.holds(path), false);
  });
}

test("a file that was longer than what was read is not unchanged", async () => {
  await using directory = await TempDir.create();
  const { path, unchangedCheck } = await recordedFile(directory);
  unchangedCheck.take(present(await statIfPresent(path)), content.length - 1);
  assert.equal(unchangedCheck.holds(path), false);
});

test("a file that changed just now is not unchanged: the next change might show the same time", async () => {
  await using directory = await TempDir.create();
  const { path, unchangedCheck } = await recordedFile(directory);
  const seen = present(await statIfPresent(path));
  const changedMs = Number(seen.changedNs / 1_000_000n);
  unchangedCheck.take(seen, content.length, changedMs + 10);
  assert.equal(unchangedCheck.holds(path), false);
  unchangedCheck.take(seen, content.length, changedMs + 100);
  assert.equal(unchangedCheck.holds(path), true);
});
