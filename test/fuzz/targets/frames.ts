import assert from "node:assert/strict";
import { FrameReader } from "../../../daemon/sinks/kafka/connection/frame-reader.ts";
import { chunksOf, drawOf } from "../chunks.ts";
import type { Target } from "../target.ts";

const maxFrameBytes = 1000;

/** What a broker, or whoever answers instead, sends: frames come out the same however the network cuts the bytes. */
export const frames: Target = {
  name: "frames",
  seeds: [
    frame(4),
    Buffer.concat([frame(4), frame(5), frame(900)]),
    Buffer.concat([frame(maxFrameBytes), frame(maxFrameBytes + 1)]),
    // A telnet server's negotiation, TLS's answer to something else, HTTP.
    Buffer.from("fffd18fffd20", "hex"),
    Buffer.from("15030300020246", "hex"),
    Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"),
  ],
  words: ["\0\0\0\x03", "\0\0\0\x04", "\0\0\0\0", "\x7f\xff\xff\xff", "\xff\xff\xff\xff", "\x80\0\0\0", "\0\0\x03\xe8"],
  testInputs: 300,
  open: () => ({ judge, work: (input) => read(chunksOf(input, drawOf(input))) }),
};

function frame(bytes: number): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes);
  return Buffer.concat([length, Buffer.alloc(bytes, "f")]);
}

interface Read {
  readonly found: readonly Buffer[];
  readonly isRefused: boolean;
}

function read(chunks: Iterable<Buffer>): Read {
  const reader = new FrameReader(() => maxFrameBytes);
  const found: Buffer[] = [];
  try {
    for (const chunk of chunks) for (const one of reader.push(chunk)) found.push(Buffer.from(one));
  } catch (reason) {
    assert.ok(reason instanceof RangeError);
    return { found, isRefused: true };
  }
  return { found, isRefused: false };
}

/** The same in a simpler way: everything is there at once. */
function expected(input: Buffer): Read {
  const found: Buffer[] = [];
  let at = 0;
  while (input.length - at >= 4) {
    const length = input.readInt32BE(at);
    if (length < 4 || length > maxFrameBytes) return { found, isRefused: true };
    if (input.length - at < 4 + length) break;
    found.push(input.subarray(at, at + 4 + length));
    at += 4 + length;
  }
  return { found, isRefused: false };
}

function judge(input: Buffer): string {
  const result = read(chunksOf(input, drawOf(input)));
  assert.deepEqual(result, expected(input));
  return `${Math.min(result.found.length, 3)} frames${result.isRefused ? ", refused" : ""}`;
}
