import assert from "node:assert/strict";
import { LineReader, type SocketLine } from "../../../daemon/sources/socket/line-reader.ts";
import { chunksOf, drawOf, linesOf } from "../chunks.ts";
import { alerts, alertWords } from "../seeds.ts";
import type { Target } from "../target.ts";

/** Framing of the socket's lines: the same lines however the bytes arrive, and never more memory than the limit. */
export const lineReader: Target = {
  name: "line-reader",
  seeds: [
    ...alerts.slice(0, 3),
    Buffer.from("one\ntwo\r\n\n\r\nthree"),
    Buffer.alloc(20_000, "x"),
    Buffer.alloc(300, "\n"),
  ],
  words: [...alertWords, "\n", "\r\n", "\n\n", "\0"],
  testInputs: 300,
  open: () => ({ judge, work: (input) => read(input, 1000, 1 << 20) }),
};

/** The room that all clients share. */
class Room {
  readonly #limit: number;
  used = 0;
  refusals = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  take(bytes: number): boolean {
    assert.ok(bytes >= 0);
    if (this.used + bytes > this.#limit) {
      this.refusals += 1;
      return false;
    }
    this.used += bytes;
    return true;
  }

  release(bytes: number): void {
    this.used -= bytes;
    assert.ok(this.used >= 0, "more is returned than was taken");
  }
}

function read(input: Buffer, maxLineBytes: number, limit: number): { pieces: SocketLine[]; room: Room } {
  const room = new Room(limit);
  const reader = new LineReader(maxLineBytes, room);
  const pieces: SocketLine[] = [];
  const keep = (piece: SocketLine): void => {
    pieces.push(piece);
    room.release(piece.heldBytes);
  };
  for (const chunk of chunksOf(input, drawOf(input))) {
    for (const piece of reader.push(chunk)) keep(piece);
    chunk.fill("#");
  }
  const last = reader.end();
  if (last !== undefined) keep(last);
  reader.dispose();
  return { pieces, room };
}

function judge(input: Buffer): string {
  const draw = drawOf(Buffer.concat([input, Buffer.from("limits")]));
  const maxLineBytes = 1 + draw(draw(2) === 0 ? 64 : 16_384);
  const limit = 4096 + draw(32_768);
  const { pieces, room } = read(input, maxLineBytes, limit);
  assert.equal(room.used, 0, "all claims are returned");
  const { lines, rest } = linesOf(input);
  const expected = rest.length > 0 ? [...lines, rest] : lines;
  assert.equal(pieces.length, expected.length);
  const kinds = new Set<string>();
  for (const [index, line] of expected.entries()) {
    const piece = pieces[index];
    kinds.add(piece?.kind ?? "");
    if (piece?.kind === "no-room") {
      assert.ok(room.refusals > 0 && piece.length === line.length);
    } else if (line.length > maxLineBytes) {
      assert.ok(piece?.kind === "over-long" && piece.length === line.length);
      assert.ok(piece.head.equals(line.subarray(0, maxLineBytes)));
    } else {
      assert.ok(piece?.kind === "line");
      assert.ok(piece.bytes.equals(line.at(-1) === 0x0d ? line.subarray(0, -1) : line));
    }
  }
  return [...kinds].toSorted().join(", ");
}
