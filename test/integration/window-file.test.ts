import assert from "node:assert/strict";
import { readdir, readFile, truncate, writeFile } from "node:fs/promises";
import { test } from "node:test";
import type { SavedWindow } from "../../daemon/pairing/pairing.ts";
import { loadWindow, removeWindow, saveWindow } from "../../daemon/pairing/window-file.ts";
import { RecordingLog } from "../unit/sources/tail/support/recording-log.ts";
import { TempDir } from "../rig/temp-dir.ts";

const window: SavedWindow = { forgottenSecond: 17, words: Uint32Array.of(0xffffffff, 0, 1, 0x7fff7fff, 5, 6, 7, 8) };

test("a saved window is read back as it was", async () => {
  await using temp = await TempDir.create();
  const recording = new RecordingLog();
  await saveWindow(temp.path, window);
  assert.deepEqual(await loadWindow(temp.path, recording.log), window);
  const empty = { forgottenSecond: -1, words: new Uint32Array() };
  await saveWindow(temp.path, empty);
  assert.deepEqual(await loadWindow(temp.path, recording.log), empty);
  assert.deepEqual(recording.lines, []);
});

test("a missing window is nothing unusual, and neither is removing one that does not exist", async () => {
  await using temp = await TempDir.create();
  const recording = new RecordingLog();
  assert.equal(await loadWindow(temp.path, recording.log), undefined);
  await removeWindow(temp.path);
  await saveWindow(temp.path, window);
  await removeWindow(temp.path);
  assert.deepEqual(await readdir(temp.path), []);
  assert.deepEqual(recording.lines, []);
});

test("a window that is damaged at any byte, or truncated there, is left out with a warning", async () => {
  await using temp = await TempDir.create();
  await saveWindow(temp.path, window);
  const [name = ""] = await readdir(temp.path);
  const whole = await readFile(temp.join(name));
  for (let at = 0; at < whole.length; at++) {
    const flipped = Buffer.from(whole);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
    for (const damaged of [whole.subarray(0, at), flipped]) {
      const recording = new RecordingLog();
      await writeFile(temp.join(name), damaged);
      assert.equal(await loadWindow(temp.path, recording.log), undefined);
      assert.equal(recording.find("warn", /ignored/).length, 1);
    }
  }
});

test("a window whose forgottenSecond is not a number is left out", async () => {
  await using temp = await TempDir.create();
  await saveWindow(temp.path, { ...window, forgottenSecond: Number.NaN });
  assert.equal(await loadWindow(temp.path, new RecordingLog().log), undefined);
});

test("a file that is too large for a window is not read at all", async () => {
  await using temp = await TempDir.create();
  await saveWindow(temp.path, window);
  const [name = ""] = await readdir(temp.path);
  // Longer than Node can read into one buffer: it is left out because of its size, not because of a read error.
  await truncate(temp.join(name), 2 ** 33);
  const recording = new RecordingLog();
  assert.equal(await loadWindow(temp.path, recording.log), undefined);
  assert.equal(recording.find("warn", /cannot be read and is ignored/).length, 1);
});
