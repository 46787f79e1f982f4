import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { constants, gzipSync, inflateRawSync } from "node:zlib";
import { GzipFile } from "../../../daemon/disk/gzip-file.ts";
import { seededRandom } from "../../rig/random.ts";

function textOf(lines: number): Buffer {
  const all = Array.from({ length: lines }, (_, i) => `${i} ${createHash("sha256").update(String(i)).digest("hex")}\n`);
  return Buffer.from(all.join(""));
}

async function read(input: Buffer): Promise<{ bytes: Buffer; end: string }> {
  const file = new GzipFile((into, position) => Promise.resolve(input.copy(into, 0, position)));
  const parts: Buffer[] = [];
  try {
    for (;;) {
      const found = await file.read();
      if (found.kind === "bytes") parts.push(Buffer.from(found.bytes));
      else
        return {
          bytes: Buffer.concat(parts),
          end: found.kind === "end" ? `end ${found.ignoredBytes}` : found.reason.kind,
        };
    }
  } finally {
    file.close();
  }
}

const text = textOf(4000);
const whole = gzipSync(text);
const second = textOf(50);
const empty = gzipSync("");

test("what gzip(1) accepts is read whole: padding of zeros, garbage, several and empty members", async () => {
  const inputs: readonly (readonly [string, Buffer, string])[] = [
    ["one member", whole, "end 0"],
    ["several members", Buffer.concat([whole, gzipSync(second), whole]), "end 0"],
    ["empty members", Buffer.concat([empty, whole, empty, empty]), "end 0"],
    ["nothing", empty, "end 0"],
    ...[1, 512, 40_960].map(
      (zeros) => [`${zeros} zeros`, Buffer.concat([whole, Buffer.alloc(zeros)]), "end 0"] as const,
    ),
    ["zeros and garbage", Buffer.concat([whole, Buffer.alloc(99), Buffer.from("garbage")]), "end 7"],
    ...[1, 2, 100, 50_000].map((bytes) => {
      return [`${bytes} bytes of garbage`, Buffer.concat([whole, Buffer.alloc(bytes, "g")]), `end ${bytes}`] as const;
    }),
  ];
  for (const [name, input, end] of inputs) {
    const found = await read(input);
    const { stdout } = spawnSync("gzip", ["-dc"], { input, maxBuffer: 1 << 26 });
    assert.ok(found.bytes.equals(stdout), name);
    assert.equal(found.end, end, name);
  }
});

test("a member after a padding of zeros is read, although gzip(1) leaves it out", async () => {
  const found = await read(Buffer.concat([whole, Buffer.alloc(40_960), gzipSync(second)]));
  assert.ok(found.bytes.equals(Buffer.concat([text, second])));
});

test("every byte that can be decompressed is returned, wherever the file is cut", async () => {
  const input = Buffer.concat([whole, gzipSync(second)]);
  for (let length = 0; length < input.length; length += length < 40 || length > input.length - 40 ? 1 : 9973) {
    if (length === whole.length) continue;
    const found = await read(input.subarray(0, length));
    const isByte = length === whole.length + 1;
    assert.equal(found.end, isByte ? "end 1" : "cut", `cut at ${length}`);
    const deflated = whole.subarray(10, Math.min(length, whole.length - 8));
    const expected = length <= 10 ? Buffer.alloc(0) : inflateRawSync(deflated, { finishFlush: constants.Z_SYNC_FLUSH });
    assert.ok(found.bytes.subarray(0, expected.length).equals(expected), `cut at ${length}`);
  }
});

test("of a file with a flipped bit, or one overwritten in the middle, all that zlib makes of the bytes before is returned, and the file counts as damaged", async () => {
  const random = seededRandom(12);
  for (let turn = 0; turn < 30; turn++) {
    const at = 10 + Math.floor(random() * (whole.length - 10));
    const input = Buffer.from(whole);
    input[at] = (input[at] ?? 0) ^ (1 << Math.floor(random() * 8));
    // A flipped bit alone often shows only in the checksum at the end.
    if (turn % 2 === 1) input.fill(0xff, at, at + 200);
    const found = await read(input);
    const before = input.subarray(10, Math.min(at, whole.length - 8));
    const sound = inflateRawSync(before, { finishFlush: constants.Z_SYNC_FLUSH });
    assert.ok(found.bytes.length >= sound.length, `bit at ${at}: ${found.bytes.length} of ${sound.length}`);
    assert.ok(found.bytes.subarray(0, sound.length).equals(sound), `bit at ${at}`);
    assert.match(found.end, /damaged|cut/, `bit at ${at}`);
  }
});

test("a wrong checksum or length of the last member is reported, and costs nothing of its content", async () => {
  for (const at of [whole.length - 8, whole.length - 1]) {
    const input = Buffer.from(whole);
    input[at] = (input[at] ?? 0) ^ 1;
    const found = await read(input);
    assert.equal(found.end, "damaged");
    assert.ok(found.bytes.equals(text));
  }
});

test("what a damaged member says after a whole one costs nothing of the whole one", async () => {
  for (const bytes of [
    [0x1f, 0x8b, 9],
    [0x1f, 0x8b, 8, 0xe0, 0, 0, 0, 0, 0, 3],
    [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xff],
  ]) {
    const found = await read(Buffer.concat([whole, Buffer.from(bytes), Buffer.alloc(20, 0xff)]));
    assert.equal(found.end, "damaged");
    assert.ok(found.bytes.equals(text));
  }
});
