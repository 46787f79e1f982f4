import assert from "node:assert/strict";
import { test } from "node:test";
import { readSegment, segmentsOf } from "../../daemon/dead-letters/segments.ts";
import { DeadLetterStore, type NewDeadLetter } from "../../daemon/dead-letters/store.ts";
import { RecordingLog } from "../unit/sources/tail/support/recording-log.ts";
import { eventually } from "../rig/eventually.ts";
import { mayMount, SmallDisk } from "../rig/small-disk.ts";

const skip = mayMount ? false : "only root may mount a small file system";

function letter(offset: number, bytes = 9000): NewDeadLetter {
  const place = { file: "alerts.json", offset, length: bytes };
  return { source: "tail", reason: "refused", detail: "too large", place, bytes: Buffer.alloc(bytes, offset) };
}

async function offsetsIn(directory: string): Promise<{ offsets: number[]; bad: number[] }> {
  const offsets: number[] = [];
  const bad: number[] = [];
  for (const segment of await segmentsOf(directory)) {
    for await (const { letter } of readSegment(segment, (number) => bad.push(number))) {
      offsets.push(letter.place.offset);
    }
  }
  return { offsets, bad };
}

test(
  "on a full disk entries stay open, half-written ones are cut off, and all are stored once there is space",
  { skip },
  async () => {
    await using disk = await SmallDisk.mount(4 * 1024 * 1024);
    const { log, ...recording } = recordingLog();
    await using store = new DeadLetterStore(disk.join("dead"), { maxBytes: 1e9, segmentBytes: 1e6 }, log);
    await store.add(letter(0));
    await disk.fillUpTo(8192);
    let stored = 0;
    const waits = [1, 2, 3].map((offset) => store.add(letter(offset)).then(() => (stored += 1)));
    assert.match(await eventually("the trouble", () => store.trouble), /ENOSPC/);
    assert.equal(store.troubleCode, "dead-letters-disk-full");
    assert.equal(stored, 0);
    assert.deepEqual(await offsetsIn(disk.join("dead")), { offsets: [0], bad: [] });
    await disk.free();
    await Promise.all(waits);
    assert.deepEqual(await offsetsIn(disk.join("dead")), { offsets: [0, 1, 2, 3], bad: [] });
    assert.equal(recording.count("error"), 1);
  },
);

test("without space to compact, the entries are stored once, and not again and again", { skip }, async () => {
  await using disk = await SmallDisk.mount(4 * 1024 * 1024);
  const { log, ...recording } = recordingLog();
  await using store = new DeadLetterStore(disk.join("dead"), { maxBytes: 30_000, segmentBytes: 10_000 }, log);
  // The positions of the first segment alone need more than is left on the disk.
  await Promise.all(Array.from({ length: 100 }, (_, i) => store.add(letter(i, 80))));
  await store.add(letter(100, 500));
  await disk.fillUpTo(12_288);
  await store.add(letter(101, 3000));
  await store.add(letter(102, 500));
  await disk.free();
  await store.add(letter(103, 500));
  assert.deepEqual(await offsetsIn(disk.join("dead")), { offsets: Array.from({ length: 104 }, (_, i) => i), bad: [] });
  assert.ok(recording.count("warn") > 0);
});

test("a stop while the disk is full does not hang, and what is open stays open", { skip }, async () => {
  await using disk = await SmallDisk.mount(1024 * 1024);
  const store = new DeadLetterStore(disk.join("dead"), { maxBytes: 1e9, segmentBytes: 1e6 }, recordingLog().log);
  await store.add(letter(0));
  await disk.fillUpTo(0);
  void store.add(letter(1)).then(() => assert.fail("stored on a full disk"));
  await eventually("the trouble", () => store.trouble);
  await store[Symbol.asyncDispose]();
  assert.deepEqual(await offsetsIn(disk.join("dead")), { offsets: [0], bad: [] });
});

function recordingLog() {
  const recording = new RecordingLog();
  return { log: recording.log, count: (level: string) => recording.find(level, /./).length };
}
