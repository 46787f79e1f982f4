import { BlockOutput } from "./block-output.ts";

const frameMagic = 0x184d2204;
const flags = { independent: 0x20, blockChecksum: 0x10, contentSize: 0x08, contentChecksum: 0x04, dictionary: 0x01 };
const uncompressedBlock = 0x80000000;
/** A repetition has at least this many bytes; its length counts from there. */
const shortestMatch = 4;

/**
 * Decodes LZ4 frames, as Kafka's clients and brokers write them (github.com/lz4/lz4, lz4_Frame_format.md and
 * lz4_Block_format.md). Their checksums are ignored: the batch around them has one, which the broker looks at.
 * @param maxBytes what it may come to
 * @throws OutputFull if it is more; RangeError for what is damaged, or needs a dictionary
 */
export function decodeLz4(bytes: Buffer, maxBytes: number): Buffer {
  const output = new BlockOutput(bytes.length, maxBytes);
  let at = 0;
  do at = decodeFrame(bytes, at, output);
  while (at < bytes.length);
  return output.bytes;
}

/** @returns the place behind the frame */
function decodeFrame(bytes: Buffer, from: number, output: BlockOutput): number {
  const flag = need(bytes, from, 7)[4]!;
  if (bytes.readUInt32LE(from) !== frameMagic || flag >> 6 !== 1) throw new RangeError("this is not an LZ4 frame");
  if ((flag & flags.dictionary) !== 0) throw new RangeError("an LZ4 frame that needs a dictionary");
  let at = from + 6 + ((flag & flags.contentSize) === 0 ? 0 : 8) + 1;
  output.startBlock();
  for (;;) {
    const word = need(bytes, at, 4).readUInt32LE(0);
    at += 4;
    if (word === 0) break;
    const isPlain = word >= uncompressedBlock;
    const length = isPlain ? word - uncompressedBlock : word;
    const block = need(bytes, at, length);
    if ((flag & flags.independent) !== 0) output.startBlock();
    if (isPlain) output.literals(block, 0, length);
    else decodeBlock(block, output);
    at += length + ((flag & flags.blockChecksum) === 0 ? 0 : 4);
  }
  return at + ((flag & flags.contentChecksum) === 0 ? 0 : 4);
}

function decodeBlock(block: Buffer, output: BlockOutput): void {
  let at = 0;
  /** The rest of a length whose four bits are full: bytes are added up to the first that is not 255. */
  const more = (): number => {
    for (let sum = 0; ;) {
      if (at === block.length) throw new RangeError("the compressed bytes end too early");
      const byte = block[at]!;
      at += 1;
      sum += byte;
      if (byte !== 255) return sum;
    }
  };
  while (at < block.length) {
    const token = block[at]!;
    at += 1;
    const literals = token >> 4 === 15 ? 15 + more() : token >> 4;
    output.literals(block, at, literals);
    at += literals;
    // The last sequence of a block has no repetition.
    if (at === block.length) return;
    if (at + 2 > block.length) throw new RangeError("the compressed bytes end too early");
    const distance = block.readUInt16LE(at);
    at += 2;
    output.repeat(distance, shortestMatch + ((token & 15) === 15 ? 15 + more() : token & 15));
  }
}

function need(bytes: Buffer, at: number, count: number): Buffer {
  if (at + count > bytes.length) throw new RangeError("the compressed bytes end too early");
  return bytes.subarray(at, at + count);
}
