import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import type { SourceLocation } from "../../daemon/contract.ts";
import { replayFile, type ReplayIntake } from "../../daemon/sources/replay/replay.ts";
import { eventually } from "../rig/eventually.ts";
import { TempDir } from "../rig/temp-dir.ts";

const options = { maxLineBytes: 1000 };

/** Takes lines with an `x`. */
class Lines implements ReplayIntake {
  readonly texts: string[] = [];
  readonly places: SourceLocation[] = [];
  readonly overLongs: { head: string; place: SourceLocation }[] = [];
  ignoredLines = 0;
  /** How many lines are accepted at once before the source has to wait a while; 0: it never has to. */
  strideLines = 0;
  #waitedAt = -1;

  next(bytes: Buffer, from: number, end: number): number {
    const at = bytes.indexOf("x", from);
    return at < end ? at : -1;
  }

  ignored(lines: number): void {
    this.ignoredLines += lines;
  }

  deliver(bytes: Buffer, place: SourceLocation): boolean {
    this.texts.push(bytes.toString());
    this.places.push(place);
    return true;
  }

  overLong(head: Buffer, place: SourceLocation): void {
    this.overLongs.push({ head: head.toString(), place });
  }

  room(): Promise<void> | undefined {
    const lines = this.texts.length;
    if (this.strideLines === 0 || lines % this.strideLines > 0 || this.#waitedAt === lines) return undefined;
    this.#waitedAt = lines;
    return new Promise((resolve) => setImmediate(resolve));
  }
}

function manyLines(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `x${i} ${createHash("sha256").update(String(i)).digest("hex")}`);
}

test("plain and compressed files give the same lines and positions, including a last line without a newline", async () => {
  await using temp = await TempDir.create();
  const text = "x1\nnothing\n\nx2 \u00e9\nx3";
  const compressed = Buffer.concat([gzipSync(text.slice(0, 5)), gzipSync(text.slice(5))]);
  await writeFile(temp.join("plain"), text);
  await writeFile(temp.join("named-otherwise"), compressed);
  for (const name of ["plain", "named-otherwise"]) {
    const lines = new Lines();
    const progress = { bytes: 0 };
    await replayFile({ path: temp.join(name) }, options, lines, progress);
    assert.deepEqual(lines.texts, ["x1", "x2 \u00e9", "x3"]);
    assert.deepEqual(
      lines.places.map(({ file, offset, length }) => [file, offset, length]),
      [
        [temp.join(name), 0, 2],
        [temp.join(name), 12, 5],
        [temp.join(name), 18, 2],
      ],
    );
    assert.equal(lines.ignoredLines, 2);
    assert.equal(progress.bytes, Buffer.byteLength(text));
  }
});

const whole = (id: number): string =>
  JSON.stringify({ id: `${id}.1`, timestamp: "2026-11-21T12:00:00.000+0000", x: id });

test("the last line of a log that is being written is waited for, and what follows it is left out", async () => {
  await using temp = await TempDir.create();
  const path = temp.join("alerts.json");
  for (const lines of [0, 200]) {
    const before = Array.from({ length: lines }, (_, id) => `${whole(id)}\n`).join("");
    const last = whole(lines);
    await writeFile(path, before + last.slice(0, 30));
    const taken = new Lines();
    const progress = { bytes: 0 };
    const end = replayFile({ path }, { ...options, unfinishedMs: 60_000 }, taken, progress);
    await eventually("the end of what is there", () => progress.bytes === before.length + 30);
    for (let turn = 0; turn < 20; turn++) await readFile(path); // The replay finds the end of the file meanwhile.
    await appendFile(path, last.slice(30, 40));
    await eventually("a little more", () => progress.bytes === before.length + 40);
    await appendFile(path, `${last.slice(40)}\n${whole(lines + 1).slice(0, 20)}`);
    const { kind, failure } = await end;
    assert.deepEqual([kind, failure], ["whole", undefined]);
    assert.equal(taken.texts.length, lines + 1);
    assert.equal(taken.texts.at(-1), last);
  }
});

test("a last line that stays unfinished is judged like any other, and a whole one without a newline is not waited for", async () => {
  await using temp = await TempDir.create();
  await writeFile(temp.join("torn"), `${whole(1)}\n${whole(2).slice(0, 60)}`);
  const torn = new Lines();
  await replayFile({ path: temp.join("torn") }, { ...options, unfinishedMs: 1 }, torn, { bytes: 0 });
  assert.deepEqual(torn.texts, [whole(1), whole(2).slice(0, 60)]);
  await writeFile(temp.join("whole"), whole(3));
  const bare = new Lines();
  await replayFile({ path: temp.join("whole") }, { ...options, unfinishedMs: 3_600_000 }, bare, { bytes: 0 });
  assert.deepEqual(bare.texts, [whole(3)]);
});

test("lines longer than the limit are reported separately, and the next one is read normally", async () => {
  await using temp = await TempDir.create();
  await writeFile(temp.join("f"), `x${"y".repeat(5000)}\nx2\nx${"z".repeat(10)}`);
  const lines = new Lines();
  await replayFile({ path: temp.join("f") }, { maxLineBytes: 10 }, lines, { bytes: 0 });
  assert.deepEqual(lines.texts, ["x2"]);
  assert.deepEqual(
    lines.overLongs.map(({ head, place }) => [head, place.offset, place.length]),
    [
      ["xyyyyyyyyy", 0, 5001],
      ["xzzzzzzzzz", 5005, 11],
    ],
  );
});

test("empty files hold no alerts", async () => {
  await using temp = await TempDir.create();
  await writeFile(temp.join("empty"), "");
  await writeFile(temp.join("empty.gz"), gzipSync(""));
  for (const name of ["empty", "empty.gz"]) {
    const lines = new Lines();
    const end = await replayFile({ path: temp.join(name) }, options, lines, { bytes: 0 });
    assert.deepEqual([end.kind, lines.texts], ["empty", []]);
  }
});

test("a file that cannot be read is named", async () => {
  await using temp = await TempDir.create();
  for (const path of [temp.join("missing"), temp.path]) {
    const { failure } = await replayFile({ path }, options, new Lines(), { bytes: 0 });
    assert.equal(failure?.code, "IO");
    assert.ok(failure?.message.includes(path));
  }
});

test("of a damaged archive everything before the damage is delivered, however slow the sink is", async () => {
  await using temp = await TempDir.create();
  const expected = manyLines(20_000);
  const whole = gzipSync(`${expected.join("\n")}\n`);
  const corrupt = Buffer.from(whole);
  corrupt.fill(0x55, whole.length >> 1, (whole.length >> 1) + 64);
  await writeFile(temp.join("cut"), whole.subarray(0, whole.length - 2000));
  await writeFile(temp.join("corrupt"), corrupt);
  const runs: Record<string, number[]> = { cut: [], corrupt: [] };
  for (const [name, counts] of Object.entries(runs)) {
    for (const strideLines of [0, 100]) {
      const lines = new Lines();
      lines.strideLines = strideLines;
      const { kind, failure } = await replayFile({ path: temp.join(name) }, options, lines, { bytes: 0 });
      assert.deepEqual([kind, failure?.code], ["failed", "DATA"]);
      const sound = lines.texts.findIndex((text, i) => text !== expected[i]);
      counts.push(sound < 0 ? lines.texts.length : sound);
    }
  }
  assert.ok((runs["cut"]?.[0] ?? 0) > 19_000, `${runs["cut"]?.[0]} lines`);
  assert.ok((runs["corrupt"]?.[0] ?? 0) > 9000, `${runs["corrupt"]?.[0]} lines`);
  for (const [fast, slow] of Object.values(runs)) assert.equal(slow, fast);
});
