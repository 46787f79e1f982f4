import assert from "node:assert/strict";
import { linkSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { DfnError } from "../../../daemon/errors.ts";
import { LogWalk, type WalkedLine } from "../../../daemon/explain/log-walk.ts";
import { TempDir } from "../../rig/temp-dir.ts";

const everyLine = {
  next: (_bytes: Buffer, from: number, end: number): number => (from < end ? from : -1),
  ignored: (): void => undefined,
};

function plain(path: string) {
  return { path, name: undefined, compressed: false };
}

test("what goes wrong where lines are taken is not taken for a fault of the file", async () => {
  await using directory = await TempDir.create();
  const path = directory.join("alerts.json");
  writeFileSync(path, "one\ntwo\n");
  const full = new DfnError("IO", "the disk is full");
  for (const take of [() => Promise.reject(full), (): never => assert.fail(full)]) {
    const walk = new LogWalk(1000, () => undefined);
    await assert.rejects(walk.file(plain(path), everyLine, take), full);
    assert.deepEqual(walk.troubles, []);
  }
});

test("a file with two names is read once, a damaged one up to the damage, and what is not there is named", async () => {
  await using directory = await TempDir.create();
  const [path, other, damaged] = ["a.json", "b.json", "c.json.gz"].map((name) => directory.join(name));
  assert.ok(path !== undefined && other !== undefined && damaged !== undefined);
  writeFileSync(path, "one\ntwo\nthree");
  linkSync(path, other);
  const whole = gzipSync("four\n".repeat(100_000));
  writeFileSync(damaged, whole.subarray(0, whole.length - 40));
  const walk = new LogWalk(1000, () => undefined);
  const lines: string[] = [];
  const take = async ({ bytes, offset }: WalkedLine): Promise<void> => {
    if (lines.length < 4) lines.push(`${offset} ${bytes.toString()}`);
  };
  for (const file of [plain(path), plain(other)]) await walk.file(file, everyLine, take);
  await walk.file({ ...plain(damaged), compressed: true }, everyLine, take);
  await walk.file(plain(directory.join("none.json")), everyLine, take);
  assert.deepEqual(lines, ["0 one", "4 two", "8 three", "0 four"]);
  assert.equal(walk.files, 2);
  assert.deepEqual(
    walk.troubles.map(({ file }) => file),
    [damaged, directory.join("none.json")],
  );
});
