import assert from "node:assert/strict";
import { constants, deflateRawSync, gunzipSync, gzipSync } from "node:zlib";
import { GzipFile } from "../../../daemon/disk/gzip-file.ts";
import { drawOf } from "../chunks.ts";
import type { Draw } from "../mutator.ts";
import { alerts } from "../seeds.ts";
import type { Target } from "../target.ts";

const text = Buffer.concat([...alerts.slice(0, 3), Buffer.from("line\n".repeat(300))]);
const whole = gzipSync(text);
/** Enough for what a mutation may inflate to, and for the oracle. */
const largestBytes = 64 * 1024 * 1024;

/** A gzip file: never hangs, and returns all that zlib can make of the bytes before the damage, however it is read. */
export const gunzip: Target = {
  name: "gunzip",
  seeds: [
    whole,
    Buffer.concat([whole, gzipSync("second\n"), gzipSync(""), gzipSync("third\n")]),
    Buffer.concat([whole, Buffer.alloc(512)]),
    Buffer.concat([whole, Buffer.alloc(3), gzipSync("behind zeros\n")]),
    Buffer.concat([whole, Buffer.from("garbage")]),
    Buffer.concat([whole, Buffer.from([0x1f, 0x8b, 9])]),
    whole.subarray(0, whole.length - 9),
    gzipSync(text, { level: 0 }),
    // Every optional field of a header: extra, name, comment, checksum.
    Buffer.concat([
      Buffer.from([0x1f, 0x8b, 8, 30, 0, 0, 0, 0, 0, 3, 2, 0, 0x41, 0x42]),
      Buffer.from("name\0comment\0"),
      Buffer.from([0, 0]),
      deflateRawSync("short\n"),
      whole.subarray(-8),
    ]),
  ],
  words: ["\x1f\x8b\x08\x00", "\0", "\0\0\0\0\0\0\0\0", "\x1f", "\x1f\x8b", "\x03\x00"],
  testInputs: 300,
  open: () => ({ judge }),
};

/** What zlib makes of the longest beginning in which it finds nothing wrong. */
function expectedOf(input: Buffer): Buffer {
  const attempt = (length: number): Buffer | undefined => {
    try {
      const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: largestBytes };
      return gunzipSync(input.subarray(0, length), options);
    } catch {
      return undefined;
    }
  };
  let sound = 0;
  for (let above = input.length + 1; above - sound > 1;) {
    const middle = (sound + above) >> 1;
    if (attempt(middle) === undefined) above = middle;
    else sound = middle;
  }
  return sound === 0 ? Buffer.alloc(0) : (attempt(sound) ?? Buffer.alloc(0));
}

async function judge(input: Buffer): Promise<string> {
  const expected = expectedOf(input);
  const found = await inflate(input, drawOf(input));
  assert.ok(found.bytes.subarray(0, expected.length).equals(expected), "bytes before the damage are missing");
  const isMore = found.bytes.length > expected.length;
  // zlib stops at zeros and at a header whose own checksum is wrong; we continue.
  if (isMore) assert.ok(input.includes(0x1f, 1) || (input[3] ?? 0) >= 2, "bytes that zlib does not find");
  const again = await inflate(input, () => 0);
  assert.ok(again.bytes.equals(found.bytes) && again.end === found.end, "the result depends on how the file is read");
  return `${found.end} ${isMore ? "more" : ""} ${Math.min(2, expected.length)}`;
}

async function inflate(input: Buffer, draw: Draw): Promise<{ bytes: Buffer; end: string }> {
  const parts: Buffer[] = [];
  let bytesRead = 0;
  const file = new GzipFile((into, position) => {
    const length = draw(3) === 1 ? 1 + draw(into.length) : into.length;
    bytesRead = input.copy(into, 0, position, position + Math.min(length, into.length));
    return Promise.resolve(bytesRead);
  });
  try {
    for (;;) {
      const found = await file.read();
      if (found.kind === "bytes") parts.push(Buffer.from(found.bytes));
      else
        return {
          bytes: Buffer.concat(parts),
          end: found.kind === "end" ? `end ${found.ignoredBytes > 0}` : found.reason.kind,
        };
    }
  } finally {
    file.close();
  }
}
