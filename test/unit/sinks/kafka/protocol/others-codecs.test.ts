import assert from "node:assert/strict";
import { test } from "node:test";
import { decompress } from "../../../../../daemon/sinks/kafka/protocol/compression.ts";
import { seededRandom } from "../../../../rig/random.ts";
import { int32 } from "../wire.ts";

const snappy = 2;
const lz4 = 3;
const text = "abcabcabcabcabcabcabcabcabcabcabcabcabcabcX";

/** "abc" as it is, 39 bytes from three back, "X". */
const snappyBlock = Buffer.from([43, 2 << 2, 0x61, 0x62, 0x63, (38 << 2) | 2, 3, 0, 0, 0x58]);
const javaHeader = Buffer.concat([Buffer.from("\x82SNAPPY\x00", "latin1"), int32(1, 1)]);
/** The same: three literals and a match of 4 + 15 + 20, then a last literal. */
const lz4Block = Buffer.from([0x3f, 0x61, 0x62, 0x63, 3, 0, 20, 0x10, 0x58]);

/** @param flag of the frame; the blocks are written without checksums and the content without its size */
function lz4Frame(blocks: readonly { readonly bytes: Buffer; readonly isPlain?: boolean }[], flag = 0x60): Buffer {
  const parts = blocks.flatMap(({ bytes, isPlain = false }) => [littleEndian(bytes.length, isPlain), bytes]);
  return Buffer.concat([Buffer.from([0x04, 0x22, 0x4d, 0x18, flag, 0x40, 0]), ...parts, Buffer.alloc(4)]);
}

function littleEndian(length: number, isPlain: boolean): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(length + (isPlain ? 0x80000000 : 0));
  return bytes;
}

const plain = Buffer.from("plain");
const wholes: readonly [what: string, codec: number, bytes: Buffer, expected: string][] = [
  ["snappy, a block alone", snappy, snappyBlock, text],
  [
    "snappy as Java frames it, two streams joined",
    snappy,
    Buffer.concat([
      javaHeader,
      int32(snappyBlock.length),
      snappyBlock,
      javaHeader,
      int32(snappyBlock.length),
      snappyBlock,
    ]),
    text + text,
  ],
  [
    "lz4 with a block that is not compressed",
    lz4,
    lz4Frame([{ bytes: lz4Block }, { bytes: plain, isPlain: true }]),
    `${text}plain`,
  ],
  [
    "lz4 whose second block repeats what is in the first",
    lz4,
    lz4Frame([{ bytes: plain, isPlain: true }, { bytes: Buffer.from([0x00, 5, 0, 0x10, 0x58]) }], 0x40),
    "plainplaiX",
  ],
  [
    "lz4, two frames",
    lz4,
    Buffer.concat([lz4Frame([{ bytes: lz4Block }]), lz4Frame([{ bytes: lz4Block }])]),
    text + text,
  ],
];

for (const [what, codec, bytes, expected] of wholes) {
  test(`what others compress is read: ${what}`, async () => {
    assert.equal(String(await decompress(codec, bytes, 1000)), expected);
    assert.equal(await decompress(codec, bytes, expected.length - 1), undefined, "more than it may come to");
    assert.equal(String(await decompress(codec, bytes, expected.length)), expected);
  });

  test(`cut anywhere it is reported as damaged, never as shorter: ${what}`, async () => {
    for (let length = 0; length < bytes.length; length++) {
      const cut = bytes.subarray(0, length);
      const read = await decompress(codec, cut, 1000).catch((reason: unknown) => reason);
      // At the boundary of two streams, the first is whole.
      if (Buffer.isBuffer(read)) assert.ok(expected.startsWith(String(read)) && read.length % text.length === 0);
      else assert.ok(read instanceof RangeError, `${length}: ${String(read)}`);
    }
  });
}

test("lz4 blocks that are independent do not reach into the one before", async () => {
  const frame = lz4Frame([{ bytes: plain, isPlain: true }, { bytes: Buffer.from([0x00, 5, 0, 0x10, 0x58]) }]);
  await assert.rejects(decompress(lz4, frame, 1000), { name: "RangeError" });
});

test("a few bytes that decompress to gigabytes are given up at the limit", async () => {
  const bomb = Buffer.concat([
    Buffer.from([0x1f, 0x61, 1, 0]),
    Buffer.alloc(1_000_000, 0xff),
    Buffer.from([0, 0x10, 0x58]),
  ]);
  assert.equal(await decompress(lz4, lz4Frame([{ bytes: bomb }]), 10_000_000), undefined);
  const copies = Buffer.alloc(3_000_000, Buffer.from([(63 << 2) | 2, 1, 0]));
  const many = Buffer.concat([Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0x61]), copies]);
  assert.equal(await decompress(snappy, many, 10_000_000), undefined);
});

test("no input at all makes the decoders do anything but end", async () => {
  const random = seededRandom(1);
  const next = (): number => Math.floor(random() * 65_536);
  for (let round = 0; round < 2000; round++) {
    const source = round % 2 === 0 ? snappyBlock : lz4Frame([{ bytes: lz4Block }]);
    const bytes = Buffer.from(source);
    for (let hit = 0; hit < 3; hit++) bytes[next() % bytes.length] = next() & 0xff;
    const read = await decompress(round % 2 === 0 ? snappy : lz4, bytes, 100_000).catch((reason: unknown) => reason);
    assert.ok(read === undefined || Buffer.isBuffer(read) || read instanceof RangeError, String(read));
  }
});
