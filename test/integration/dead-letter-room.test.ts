import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readSegment, segmentsOf, compact, type DeadLetter } from "../../daemon/dead-letters/segments.ts";
import { markRemoved } from "../../daemon/dead-letters/tombstones.ts";
import { DeadLetterStore, type NewDeadLetter } from "../../daemon/dead-letters/store.ts";
import { silentLog } from "../../daemon/telemetry/log.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { bytesIn, lettersIn } from "./dead-letter-files.ts";

const limits = { maxBytes: 60_000, segmentBytes: 10_000 };

function ofTail(offset: number): NewDeadLetter {
  const bytes = Buffer.from("torn");
  const place = { file: "alerts.json", offset, length: bytes.length };
  return { source: "tail", reason: "torn", detail: "the file ended in mid-line", place, bytes };
}

function ofSocket(index: number, reason: DeadLetter["reason"] = "not-json"): NewDeadLetter {
  const bytes = Buffer.from(`no alert ${index}`);
  return { source: "socket", reason, detail: "no JSON", place: { file: "", offset: 0, length: bytes.length }, bytes };
}

/** Bytes that this process has read so far, from any source: proc(5), io. */
function bytesRead(): number {
  return Number(/^rchar: (\d+)$/m.exec(readFileSync("/proc/self/io", "latin1"))?.[1]);
}

test("lines of the socket that are not alerts do not fill the disk: above the limit the oldest of them are dropped", async () => {
  await using temp = await TempDir.create();
  await using store = new DeadLetterStore(temp.path, limits, silentLog);
  for (let i = 0; i < 20; i++) await store.add(ofTail(i));
  for (let i = 0; i < 10; i++) await store.add(ofSocket(i, "handler-error"));
  for (let i = 0; i < 3000; i++) await store.add(ofSocket(i, i % 2 === 0 ? "not-json" : "over-long"));
  await store[Symbol.asyncDispose](); // Space is freed after an entry is stored.
  assert.ok((await bytesIn(temp.path)) <= limits.maxBytes + limits.segmentBytes);
  const letters = await lettersIn(temp.path);
  const offsets = letters.flatMap(({ source, place }) => (source === "tail" ? [place.offset] : []));
  assert.deepEqual(
    offsets,
    Array.from({ length: 20 }, (_, i) => i),
    "every position is kept",
  );
  assert.equal(letters.filter(({ reason }) => reason === "handler-error").length, 10, "and every alert");
  assert.ok(letters.some(({ raw }) => raw === Buffer.from("no alert 2999").toString("base64")));
  assert.ok((await segmentsOf(temp.path)).length < 10, "segments in which nothing is left are deleted");
});

test("lines of the socket that are not alerts cost no alert its raw bytes, even when they are the newest", async () => {
  await using temp = await TempDir.create();
  await using store = new DeadLetterStore(temp.path, limits, silentLog);
  const genuine = Buffer.alloc(2000, "g");
  const place = { file: "alerts.json", offset: 0, length: genuine.length };
  const letter = { source: "tail", reason: "record-too-large", detail: "", place, bytes: genuine } as const;
  for (let i = 0; i < 21; i++) await store.add(letter);
  assert.ok((await bytesIn(temp.path)) < limits.maxBytes, "they fit by themselves");
  for (let i = 0; i < 500; i++) await store.add(ofSocket(i));
  await store.add(letter);
  const raw = (await lettersIn(temp.path)).filter(({ source, raw }) => source === "tail" && raw !== undefined);
  assert.equal(raw.length, 22);
  assert.equal(store.rawGivenUp, 0);
  assert.ok(store.nonAlertsGivenUp > 0);
});

test("a store full of positions is not read again for each new entry", async () => {
  await using temp = await TempDir.create();
  await using store = new DeadLetterStore(temp.path, limits, silentLog);
  for (let i = 0; i < 600; i++) await store.add(ofTail(i));
  const size = await bytesIn(temp.path);
  assert.ok(size > limits.maxBytes, "all of it is positions, which stay");
  const [segment = ""] = await segmentsOf(temp.path);
  await markRemoved(segment, [1, 2, 3]);
  await store.add(ofTail(600));
  const before = bytesRead();
  for (let i = 601; i < 621; i++) await store.add(ofTail(i));
  const read = bytesRead() - before;
  assert.ok(read < size, `${read} bytes were read for 20 entries, and the store has ${size}`);
  assert.equal((await lettersIn(temp.path)).length, 621 - 3);
});

test("a long entry loses its raw bytes and keeps its number; until then they stay byte for byte", async () => {
  await using temp = await TempDir.create();
  const bytes = Buffer.alloc(4_000_001, "0123456789");
  {
    await using store = new DeadLetterStore(temp.path, { maxBytes: 1e9, segmentBytes: 1e9 }, silentLog);
    await store.add(ofTail(1));
    await store.add({ ...ofTail(2), bytes });
    await store.add(ofTail(3));
  }
  const [segment = ""] = await segmentsOf(temp.path);
  const second = readFileSync(segment, "latin1").split("\n")[1];
  await markRemoved(segment, [1]);
  assert.ok(((await compact(segment, "removed"))?.bytes ?? 0) > bytes.length);
  assert.ok(readFileSync(segment, "latin1").split("\n")[1] === second);
  assert.deepEqual(Buffer.from((await lettersIn(temp.path))[0]?.raw ?? "", "base64"), bytes);
  assert.equal((await compact(segment, "raw"))?.stripped, 2);
  const numbers: [number, number, number][] = [];
  for await (const { number, letter, rawBytes } of readSegment(segment, (number) => assert.fail(`line ${number}`))) {
    numbers.push([number, letter.place.offset, rawBytes]);
  }
  assert.deepEqual(numbers, [
    [2, 2, 0],
    [3, 3, 0],
  ]);
});
