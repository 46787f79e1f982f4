import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { appendFile, readFile, rename, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { test } from "node:test";
import { readSegment, segmentsOf } from "../../daemon/dead-letters/segments.ts";
import { DeadLetterStore, type NewDeadLetter } from "../../daemon/dead-letters/store.ts";
import { silentLog } from "../../daemon/telemetry/log.ts";
import { eventually } from "../rig/eventually.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { bytesIn, lettersIn } from "./dead-letter-files.ts";

const roomy = { maxBytes: 1_000_000_000, segmentBytes: 1_000_000 };

function letter(offset: number, bytes = Buffer.from(`raw ${offset}`)): NewDeadLetter {
  const place = { file: "alerts.json", offset, length: bytes.length };
  return { source: "tail", reason: "not-json", detail: "unexpected end", place, bytes };
}

test("an entry is in the file, whole, once it counts as stored", async () => {
  const startedAt = Date.now();
  await using temp = await TempDir.create();
  await using store = new DeadLetterStore(temp.join("state", "dead"), roomy, silentLog);
  const odd = Buffer.from([0, 0xff, 0x0a, 0xe2, 0x80, 0xa8, 0x22]);
  await store.add({ ...letter(7, odd), handler: "windows", detail: 'line\u2028with "odd" signs\nin it' });
  const [entry, ...others] = await lettersIn(temp.join("state", "dead"));
  assert.ok(entry !== undefined);
  assert.equal(others.length, 0);
  assert.ok(Date.parse(entry.time) >= startedAt && Date.parse(entry.time) <= Date.now());
  assert.deepEqual(entry, {
    version: 1,
    time: entry.time,
    source: "tail",
    reason: "not-json",
    detail: 'line\u2028with "odd" signs\nin it',
    handler: "windows",
    place: { file: "alerts.json", offset: 7, length: 7 },
    raw: odd.toString("base64"),
  });
});

test("bytes of every size are kept unchanged, alone and together with others", async () => {
  await using temp = await TempDir.create();
  await using store = new DeadLetterStore(temp.path, { ...roomy, segmentBytes: 100_000_000 }, silentLog);
  const sizes = [0, 1, 49_151, 49_152, 49_153, 786_300, 1_048_576, 3_145_729];
  const all = sizes.map((size) => randomBytes(size));
  await Promise.all(all.map((bytes, index) => store.add(letter(index, bytes))));
  const kept = (await lettersIn(temp.path)).map(({ raw = "" }) => Buffer.from(raw, "base64"));
  assert.ok(kept.every((bytes, index) => all[index]?.equals(bytes)));
  assert.equal(kept.length, sizes.length);
});

test("the entry of an over-long line says how much of it was kept", async () => {
  await using temp = await TempDir.create();
  await using store = new DeadLetterStore(temp.path, roomy, silentLog);
  const place = { file: "alerts.json", offset: 0, length: 20_000_000 };
  await store.add({ ...letter(0, Buffer.from("head")), reason: "over-long", place });
  const [entry] = await lettersIn(temp.path);
  assert.deepEqual([entry?.keptBytes, entry?.place.length], [4, 20_000_000]);
});

test("only the owner may read the store: it contains the contents of alerts", async () => {
  await using temp = await TempDir.create();
  const directory = temp.join("dead");
  await using store = new DeadLetterStore(directory, roomy, silentLog);
  await store.add(letter(1));
  assert.equal((await stat(directory)).mode & 0o777, 0o700);
  const [segment = ""] = await segmentsOf(directory);
  assert.equal((await stat(segment)).mode & 0o777, 0o600);
});

test("entries that arrive together are stored in order, and so are those that arrive meanwhile", async () => {
  await using temp = await TempDir.create();
  await using store = new DeadLetterStore(temp.path, { ...roomy, segmentBytes: 3000 }, silentLog);
  const stored: number[] = [];
  const waits: Promise<unknown>[] = [];
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 50; i++) waits.push(store.add(letter(round * 50 + i)).then(() => stored.push(round * 50 + i)));
    await waits.at(-50 + (round % 50));
  }
  await Promise.all(waits);
  const expected = Array.from({ length: 1000 }, (_, i) => i);
  assert.deepEqual(stored, expected);
  assert.deepEqual(
    (await lettersIn(temp.path)).map(({ place }) => place.offset),
    expected,
  );
  assert.ok((await segmentsOf(temp.path)).length > 3);
});

test("above its limit the store gives up the oldest raw bytes and keeps every position", async () => {
  await using temp = await TempDir.create();
  const limits = { maxBytes: 60_000, segmentBytes: 10_000 };
  await using store = new DeadLetterStore(temp.path, limits, silentLog);
  for (let i = 0; i < 60; i++) await store.add(letter(i, Buffer.alloc(1500, i)));
  await store[Symbol.asyncDispose](); // Space is freed after an entry is stored.
  const letters = await lettersIn(temp.path);
  assert.deepEqual(
    letters.map(({ place }) => place.offset),
    Array.from({ length: 60 }, (_, i) => i),
  );
  const kept = letters.flatMap(({ raw, place }) => (raw === undefined ? [] : [place.offset]));
  assert.equal(store.rawGivenUp, 60 - kept.length);
  assert.ok(store.rawGivenUp > 0);
  assert.deepEqual(
    kept,
    Array.from({ length: kept.length }, (_, i) => 60 - kept.length + i),
    "the newest are kept",
  );
  assert.ok((await bytesIn(temp.path)) <= limits.maxBytes + limits.segmentBytes);
});

test("a segment that another living process writes is not rewritten; a dead one's is", async () => {
  await using temp = await TempDir.create();
  const child = spawn("sleep", ["1000"]);
  try {
    const place = { file: "/f", offset: 1, length: 1 };
    const entry = { version: 1, time: "t", source: "tail", reason: "torn", detail: "d", place };
    const line = `${JSON.stringify({ ...entry, raw: "x".repeat(5000) })}\n`;
    const living = temp.join(`2026-01-01T00-00-00-000Z-${child.pid}-0.ndjson`);
    const dead = temp.join("2026-01-02T00-00-00-000Z-4194304-0.ndjson");
    await writeFile(living, line);
    await writeFile(dead, line);
    await using store = new DeadLetterStore(temp.path, { maxBytes: 100, segmentBytes: 100_000 }, silentLog);
    await store.add(letter(1));
    await store.add(letter(2));
    assert.equal(await readFile(living, "utf8"), line);
    assert.ok((await readFile(dead, "utf8")).length < 200);
    assert.equal(store.rawGivenUp, 1);
  } finally {
    child.kill();
    await once(child, "exit");
  }
});

test("an entry whose file was removed at that moment is stored in a new one", async () => {
  await using temp = await TempDir.create();
  const directory = temp.join("dead");
  await using store = new DeadLetterStore(directory, roomy, silentLog);
  await store.add(letter(1));
  const [segment = ""] = await segmentsOf(directory);
  await rename(segment, temp.join(basename(segment)));
  await store.add(letter(2));
  assert.deepEqual(
    (await lettersIn(directory)).map(({ place }) => place.offset),
    [2],
  );
});

test("what a killed process left half written is reported and skipped; the entries around it are read", async () => {
  await using temp = await TempDir.create();
  {
    await using store = new DeadLetterStore(temp.path, roomy, silentLog);
    await store.add(letter(1));
    await store.add(letter(2));
  }
  const [segment = ""] = await segmentsOf(temp.path);
  await appendFile(segment, '{"version":1,"time":"20');
  const bad: number[] = [];
  const offsets: number[] = [];
  for await (const { letter } of readSegment(segment, (number) => bad.push(number))) offsets.push(letter.place.offset);
  assert.deepEqual([offsets, bad], [[1, 2], [3]]);
  await using store = new DeadLetterStore(temp.path, roomy, silentLog);
  await store.add(letter(3));
  assert.equal((await segmentsOf(temp.path)).length, 2);
});

test("dispose finishes what waits, is safe before the first entry and twice, and nothing is stored after it", async () => {
  await using temp = await TempDir.create();
  const unused = new DeadLetterStore(temp.join("unused"), roomy, silentLog);
  await unused[Symbol.asyncDispose]();
  await unused[Symbol.asyncDispose]();
  const store = new DeadLetterStore(temp.path, roomy, silentLog);
  const waits = Array.from({ length: 100 }, (_, i) => store.add(letter(i)));
  await store[Symbol.asyncDispose]();
  await Promise.all(waits);
  void store.add(letter(100)).then(() => assert.fail("stored after dispose"));
  await store[Symbol.asyncDispose]();
  assert.equal((await lettersIn(temp.path)).length, 100);
});

test("if the directory cannot be created an entry stays open until it can be", async () => {
  await using temp = await TempDir.create();
  const obstacle = temp.join("state");
  await writeFile(obstacle, "a file in place of the directory");
  await using store = new DeadLetterStore(join(obstacle, "dead"), roomy, silentLog);
  const stored = store.add(letter(1));
  assert.match(await eventually("the trouble", () => store.trouble), /ENOTDIR/);
  await rename(obstacle, temp.join("elsewhere"));
  await stored;
  assert.equal(store.trouble, undefined);
  assert.equal((await lettersIn(join(obstacle, "dead"))).length, 1);
});
