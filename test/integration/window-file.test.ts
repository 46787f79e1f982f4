import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import type { SavedWindow } from "../../daemon/delivery/couples.ts";
import { loadWindow, removeWindow, saveWindow } from "../../daemon/state/window-file.ts";
import { RecordingLog } from "../unit/sources/tail/support/recording-log.ts";
import { TempDir } from "../rig/temp-dir.ts";

const window: SavedWindow = {
  version: 1,
  forgottenSecond: 17,
  entries: [
    [0xffffffff, 0, 1, 0, 1_763_700_000],
    [5, 6, 0, 1, -1],
  ],
};

test("a saved window is read back as it was", async () => {
  await using temp = await TempDir.create();
  const recording = new RecordingLog();
  await saveWindow(temp.path, window);
  assert.deepEqual(await loadWindow(temp.path, recording.log), window);
  await saveWindow(temp.path, { ...window, entries: [] });
  assert.deepEqual((await loadWindow(temp.path, recording.log))?.entries, []);
  assert.deepEqual(recording.lines, []);
});

test("no window is nothing odd, and taking away one that is not there neither", async () => {
  await using temp = await TempDir.create();
  const recording = new RecordingLog();
  assert.equal(await loadWindow(temp.path, recording.log), undefined);
  await removeWindow(temp.path);
  await saveWindow(temp.path, window);
  await removeWindow(temp.path);
  assert.deepEqual(await readdir(temp.path), []);
  assert.deepEqual(recording.lines, []);
});

test("a window cut off at any byte is left out with a warning", async () => {
  await using temp = await TempDir.create();
  await saveWindow(temp.path, window);
  const [name = ""] = await readdir(temp.path);
  const text = await readFile(temp.join(name), "utf8");
  for (let length = 0; length < text.length; length++) {
    const recording = new RecordingLog();
    await writeFile(temp.join(name), text.slice(0, length));
    assert.equal(await loadWindow(temp.path, recording.log), undefined);
    assert.equal(recording.find("warn", /left out/).length, 1);
  }
});

test("a window with numbers that the table cannot hold is left out", async () => {
  await using temp = await TempDir.create();
  await saveWindow(temp.path, window);
  const [name = ""] = await readdir(temp.path);
  const odd = [
    [1.5, 0, 1, 0, 1],
    [-1, 0, 1, 0, 1],
    [2 ** 32, 0, 1, 0, 1],
    [1, 0, -1, 0, 1],
    [1, 0, 0, 40_000, 1],
    [1, 0, 0, 1, -2],
    [1, 0, 0, 0, 1],
    [1, 0, 0, 1],
    ["1", 0, 0, 1, 1],
  ];
  for (const entry of odd) {
    await writeFile(temp.join(name), JSON.stringify({ ...window, entries: [entry] }));
    assert.equal(await loadWindow(temp.path, new RecordingLog().log), undefined, JSON.stringify(entry));
  }
  for (const other of [{ ...window, version: 2 }, { ...window, forgottenSecond: null }, [], null]) {
    await writeFile(temp.join(name), JSON.stringify(other));
    assert.equal(await loadWindow(temp.path, new RecordingLog().log), undefined);
  }
});
