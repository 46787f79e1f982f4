import assert from "node:assert/strict";
import { test } from "node:test";
import { LineSplitter } from "../../../../../daemon/sources/tail/log/line-splitter.ts";
import { KeepingIntake } from "../support/test-tail.ts";

/** The output when `text` arrives in pieces: each line as `offset:length:text`, and how many were ignored. */
function split(pieces: Iterable<Buffer>, maxLineBytes = 1000): { lines: string[]; ignored: number; lineStart: number } {
  const intake = new KeepingIntake();
  const splitter = new LineSplitter(intake, maxLineBytes);
  const lines: string[] = [];
  for (const piece of pieces) {
    for (const { kind, offset, length, bytes } of splitter.push(piece)) {
      lines.push(`${kind === "line" ? "" : `${kind} `}${offset}:${length}:${bytes.toString("latin1")}`);
    }
    piece.fill("#");
  }
  return { lines, ignored: intake.ignoredLines, lineStart: splitter.lineStart };
}

const text = "one\n\na quiet line\n\nthree\nquiet\nquiet\nthe end\nunfinished";
const expected = { lines: ["0:3:one", "19:5:three", "37:7:the end"], ignored: 5, lineStart: 45 };

test("lines come out whole, and irrelevant ones are counted, wherever the chunks are cut", () => {
  const bytes = Buffer.from(text);
  assert.deepEqual(split([Buffer.from(bytes)]), expected);
  for (let first = 0; first <= bytes.length; first++) {
    for (let second = first; second <= bytes.length; second++) {
      const pieces = [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)];
      assert.deepEqual(split(pieces.map((piece) => Buffer.from(piece))), expected, `cut at ${first} and ${second}`);
    }
  }
});

test("byte by byte nothing is passed on before its newline", () => {
  assert.deepEqual(split([...Buffer.from(text)].map((byte) => Buffer.from([byte]))), expected);
});

test("a line of the maximum size passes; of a longer one the beginning and the full length are reported", () => {
  const limit = "x".repeat(10);
  for (const pieceBytes of [1, 3, 7, 100]) {
    const all = Buffer.from(`${limit}\n${limit}y\nquiet${limit}\nz\n`);
    const pieces = Array.from({ length: Math.ceil(all.length / pieceBytes) }, (_, index) =>
      Buffer.from(all.subarray(index * pieceBytes, (index + 1) * pieceBytes)),
    );
    const { lines, ignored } = split(pieces, 10);
    assert.deepEqual(lines, [`0:10:${limit}`, `over-long 11:11:${limit}`, "over-long 23:15:quietxxxxx", "39:1:z"]);
    assert.equal(ignored, 0);
  }
});

test("bytes are not changed: invalid UTF-8, NUL and U+2028 are kept as they were", () => {
  const line = Buffer.from([0x7b, 0xff, 0xc3, 0x28, 0x00, 0xe2, 0x80, 0xa8, 0x0d, 0x7d]);
  const { lines } = split([Buffer.concat([line.subarray(0, 2)]), Buffer.concat([line.subarray(2), Buffer.from("\n")])]);
  assert.deepEqual(lines, [`0:10:${line.toString("latin1")}`]);
});

test("after a reset the unfinished line is forgotten", () => {
  const splitter = new LineSplitter(new KeepingIntake(), 100);
  assert.deepEqual([...splitter.push(Buffer.from("unfinished"))], []);
  assert.equal(splitter.rest().length, 10);
  splitter.reset(500);
  const [piece] = [...splitter.push(Buffer.from("new\n"))];
  assert.deepEqual([piece?.offset, piece?.bytes.toString()], [500, "new"]);
  assert.equal(splitter.rest().length, 0);
});

test("a long line made of many chunks belongs to its receiver: later chunks do not change it", () => {
  const splitter = new LineSplitter(new KeepingIntake(), 16_000_000);
  const taken: Buffer[] = [];
  for (const letter of ["a", "b", "c"]) {
    for (let chunk = 0; chunk < 30; chunk++) {
      for (const { bytes } of splitter.push(Buffer.alloc(100_000, letter))) assert.fail(`${bytes.length} bytes`);
    }
    for (const { bytes, isOwn } of splitter.push(Buffer.from("\nshort\n"))) {
      if (bytes.length > 5) assert.equal(isOwn, true);
      taken.push(isOwn ? bytes : Buffer.from(bytes));
    }
  }
  assert.deepEqual(
    taken.map((bytes) => [bytes.length, bytes.every((byte) => byte === bytes[0]), String.fromCharCode(bytes[0] ?? 0)]),
    ["a", "b", "c"].flatMap((letter) => [
      [3_000_000, true, letter],
      [5, false, "s"],
    ]),
  );
});
