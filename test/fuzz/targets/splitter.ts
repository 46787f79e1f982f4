import assert from "node:assert/strict";
import { LineSplitter } from "../../../daemon/sources/tail/log/line-splitter.ts";
import { chunksOf, drawOf, linesOf } from "../chunks.ts";
import type { Draw } from "../mutator.ts";
import { alerts, alertWords } from "../seeds.ts";
import type { Target } from "../target.ts";

/** Lines with an x are relevant. */
const relevant = 0x78;
/** Maximum size of the unfinished line, in addition to twice the limit of a line. */
const spareBytes = 64 * 1024;
/** A carry that has grown to this is given up when its line is over. */
const keptBytes = 1024 * 1024;

/** Lines of the log: each relevant or over-long one comes out once, with its offset, however the chunks are cut. */
export const splitter: Target = {
  name: "splitter",
  seeds: [
    ...alerts.slice(0, 3),
    Buffer.from("x one\n\nquiet\n\nx three\nquiet\nquiet\nthe x\nunfinished x"),
    Buffer.from("quiet\n".repeat(2000)),
    Buffer.from("x\n".repeat(2000)),
    Buffer.alloc(90_000, "long x"),
  ],
  words: [...alertWords, "\n", "\n\n", "x", "\r\n", "\0"],
  testInputs: 300,
  open: () => ({ judge, work: (input) => split(input, 1000, drawOf(input)) }),
};

interface Split {
  readonly out: string[];
  readonly ignored: number;
  readonly lineStart: number;
  readonly rest: Buffer;
}

function split(input: Buffer, maxLineBytes: number, draw: Draw): Split {
  let ignored = 0;
  let searched = 0;
  const filter = {
    next(bytes: Buffer, from: number, end: number): number {
      assert.ok(from <= end && end <= bytes.length);
      const hit = bytes.subarray(0, end).indexOf(relevant, from);
      searched += (hit < 0 ? end : hit) - from;
      return hit;
    },
    ignored(lines: number): void {
      assert.ok(lines > 0);
      ignored += lines;
    },
  };
  const parts = new LineSplitter(filter, maxLineBytes);
  const out: string[] = [];
  for (const chunk of chunksOf(input, draw)) {
    for (const { kind, offset, length, bytes } of parts.push(chunk)) {
      out.push(`${kind} ${offset} ${length} ${bytes.toString("latin1")}`);
    }
    chunk.fill("#");
    assert.ok(parts.rest().bytes.buffer.byteLength <= Math.max(spareBytes, keptBytes, 2 * maxLineBytes), "the carry");
  }
  assert.ok(searched <= input.length, "no byte is searched twice");
  return { out, ignored, lineStart: parts.lineStart, rest: Buffer.from(parts.rest().bytes) };
}

function judge(input: Buffer): string {
  const draw = drawOf(input);
  const maxLineBytes = 1 + draw(draw(2) === 0 ? 64 : 16_384);
  const { lines, rest } = linesOf(input);
  const expected: string[] = [];
  let quiet = 0;
  let offset = 0;
  for (const line of lines) {
    const kind = line.length > maxLineBytes ? "over-long" : "line";
    if (kind === "line" && !line.includes(relevant)) quiet += 1;
    else expected.push(`${kind} ${offset} ${line.length} ${line.toString("latin1", 0, maxLineBytes)}`);
    offset += line.length + 1;
  }
  const found = split(input, maxLineBytes, draw);
  assert.deepEqual(found.out, expected);
  assert.deepEqual([found.ignored, found.lineStart], [quiet, offset]);
  assert.ok(found.rest.equals(rest.subarray(0, maxLineBytes)));
  return `${Math.min(expected.length, 3)} pieces, ${Math.min(quiet, 2)} quiet, ${expected.some((it) => it.startsWith("over")) ? "over-long" : ""}`;
}
