import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { Couples } from "../../../daemon/delivery/couples.ts";
import { fingerprint } from "../../../daemon/delivery/fingerprint-table.ts";
import { Pairing } from "../../../daemon/delivery/pairing.ts";
import { loadWindow, saveWindow } from "../../../daemon/state/window-file.ts";
import { TempDir } from "../../rig/temp-dir.ts";
import { RecordingLog } from "../../unit/sources/tail/support/recording-log.ts";
import { hostileJson, jsonWords } from "../seeds.ts";
import type { Subject, Target } from "../target.ts";

const capacity = 40;
const aheadLimit = 20;
const entries = Array.from({ length: 60 }, (_, index) => [
  index * 7919,
  index,
  index % 3,
  index % 2,
  1_763_700_000 + index,
]);

/** The saved pairing window: whatever the file holds, the window stays sound and takes new alerts. */
export const savedWindow: Target = {
  name: "window",
  seeds: [
    ...[
      JSON.stringify({ version: 1, forgottenSecond: 17, entries: entries.slice(0, 3) }),
      JSON.stringify({ version: 1, forgottenSecond: -1, entries }),
      '{"version":1,"forgottenSecond":1e308,"entries":[[1,1,0,1,-1],[1,1,1,0,-1],[1,1,32767,32767,9007199254740991]]}',
      '{"version":1,"forgottenSecond":0,"entries":[[4294967295,4294967295,0,0,0],[4294967295,4294967295,0,0,0]]}',
    ].map((text) => Buffer.from(text)),
    ...hostileJson,
  ],
  words: [...jsonWords, "[1,2,0,1,-1],", "[0,0,0,0,0],", "4294967295", "-1", "null", "1e308"],
  testInputs: 150,
  async open(): Promise<Subject> {
    const temp = await TempDir.create();
    return { judge: (input) => judge(input, temp), close: () => temp[Symbol.asyncDispose]() };
  },
};

async function judge(input: Buffer, temp: TempDir): Promise<string> {
  await writeFile(temp.join("window.json"), input);
  const recording = new RecordingLog();
  const window = await loadWindow(temp.path, recording.log);
  assert.equal(recording.find("warn", /left out/).length, window === undefined ? 1 : 0, "said when it is left out");
  const pairing = new Pairing(capacity, aheadLimit);
  const couples = new Couples(pairing, { isLone: false });
  couples.restore(window, 5);
  const restored = couples.save();
  assert.ok(couples.size < capacity);
  assert.equal(restored.entries.length, couples.size, "no place is taken by what is not remembered");
  for (let id = 0; id < 3 * capacity; id++) {
    const print = fingerprint(["node", String(id)], 0);
    assert.match(couples.pair("tail", print, id, undefined).kind, /first|second/);
    assert.ok(couples.knows(print), "a new alert is remembered");
    couples.pair("socket", print, id, undefined);
    assert.ok(couples.size < capacity);
  }
  await saveWindow(temp.path, restored);
  assert.deepEqual(await loadWindow(temp.path, recording.log), restored, "a window that was restored can be saved");
  return window === undefined
    ? "left out"
    : `${Math.min(restored.entries.length, 3)} of ${Math.min(window.entries.length, 3)}`;
}
