import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { Pairing } from "../../../daemon/pairing/pairing.ts";
import type { Shipment } from "../../../daemon/delivery/shipment.ts";
import { packed } from "../../../daemon/pairing/copy-counts.ts";
import { fingerprintOf } from "../../../daemon/pairing/fingerprint.ts";
import { PairingWindow, savedWords } from "../../../daemon/pairing/pairing-window.ts";
import { loadWindow, saveWindow } from "../../../daemon/pairing/window-file.ts";
import { TempDir } from "../../rig/temp-dir.ts";
import { RecordingLog } from "../../unit/sources/tail/support/recording-log.ts";
import type { Subject, Target } from "../target.ts";

const capacity = 40;
const said = { high: 1, low: 2 };
const bySocket = packed({ tail: 0, socket: 1 });
const aheadLimit = 20;
/** As `Pairing.save` lays an alert out: fingerprint, copies by tail and socket, second, content. */
const entries = Array.from({ length: 60 }, (_, i) => [
  i * 7919,
  i,
  packed({ tail: i % 3, socket: i % 2 }),
  1_763_700_000 + i,
  i * 31,
  i,
]);

/** The saved pairing window with a correct checksum: whatever it holds, the window stays sound and takes new alerts. */
export const savedWindow: Target = {
  name: "window",
  seeds: [
    contentOf(17, entries.slice(0, 3)),
    contentOf(-1, entries),
    contentOf(1e308, [
      [1, 1, bySocket, 0, 0, 0],
      [1, 1, 1, 0, 5, 5],
      [1, 1, 0xffffffff, 0xffffffff, 0xffffffff, 0],
    ]),
    contentOf(0, [
      [0xffffffff, 0xffffffff, bySocket, 1, 1, 1],
      [0xffffffff, 0xffffffff, bySocket, 1, 1, 1],
    ]),
    Buffer.alloc(0),
  ],
  words: [...entries.slice(0, 4), [1, 2, bySocket, 0, 0, 0], [0, 0, 0, 0, 0, 0]].map((entry) =>
    bytesOf(entry).toString("latin1"),
  ),
  testInputs: 150,
  async open(): Promise<Subject> {
    const temp = await TempDir.create();
    await saveWindow(temp.path, { forgottenSecond: 0, words: new Uint32Array() });
    const [name = ""] = await readdir(temp.path);
    const magic = (await readFile(temp.join(name))).subarray(0, 8);
    return {
      judge: (input) => judge(input, temp, { path: temp.join(name), magic }),
      close: () => temp[Symbol.asyncDispose](),
    };
  },
};

/** What follows the checksum. */
function contentOf(forgottenSecond: number, kept: readonly (readonly number[])[]): Buffer {
  const second = Buffer.alloc(8);
  second.writeDoubleLE(forgottenSecond);
  return Buffer.concat([second, ...kept.map(bytesOf)]);
}

function bytesOf(entry: readonly number[]): Buffer {
  return Buffer.from(Uint32Array.from(entry).buffer);
}

interface WindowFile {
  readonly path: string;
  readonly magic: Buffer;
}

async function judge(input: Buffer, temp: TempDir, { path, magic }: WindowFile): Promise<string> {
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32LE(crc32(input));
  await writeFile(path, Buffer.concat([magic, checksum, input]));
  const recording = new RecordingLog();
  const window = await loadWindow(temp.path, recording.log);
  assert.equal(recording.find("warn", /ignored/).length, window === undefined ? 1 : 0, "reported when it is ignored");
  const table = new PairingWindow(capacity, aheadLimit);
  const pairing = new Pairing<Shipment>(table, { socketOnly: false });
  pairing.restore(window, 5);
  const restored = pairing.save();
  assert.ok(pairing.size < capacity);
  assert.equal(restored.words.length / savedWords, pairing.size, "nothing that is not remembered takes up a place");
  for (let id = 0; id < 3 * capacity; id++) {
    const fingerprint = fingerprintOf(["node", String(id)], 0);
    assert.match(pairing.pair("tail", fingerprint, id, said, undefined).kind, /first|duplicate/);
    assert.ok(pairing.knows(fingerprint), "a new alert is remembered");
    pairing.pair("socket", fingerprint, id, said, undefined);
    assert.ok(pairing.size < capacity);
  }
  await saveWindow(temp.path, restored);
  assert.deepEqual(await loadWindow(temp.path, recording.log), restored, "a window that was restored can be saved");
  return window === undefined
    ? "left out"
    : `${Math.min(pairing.size, 3)} of ${Math.min(window.words.length, 3 * savedWords)}`;
}
