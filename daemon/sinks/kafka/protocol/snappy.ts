import { BlockOutput } from "./block-output.ts";

/** How the Java library frames snappy: this, two version numbers of four bytes, then blocks behind their lengths. */
const magic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const framingHeaderBytes = 16;
const longestPreamble = 5;

/**
 * Decodes snappy as Kafka's clients write it: one raw block (librdkafka and others), or framed blocks (Java, brokers).
 * Format: github.com/google/snappy, format_description.txt; framing: org.xerial.snappy.SnappyOutputStream.
 * @param maxBytes what it may come to
 * @throws OutputFull if it is more; RangeError for what is damaged
 */
export function decodeSnappy(bytes: Buffer, maxBytes: number): Buffer {
  const output = new BlockOutput(bytes.length, maxBytes);
  if (!isMagicAt(bytes, 0)) {
    decodeBlock(bytes, output);
    return output.bytes;
  }
  for (let at = 0; at < bytes.length;) {
    // Streams may be joined: each begins with the header.
    if (isMagicAt(bytes, at)) {
      at += framingHeaderBytes;
      continue;
    }
    if (at + 4 > bytes.length) throw new RangeError("the compressed bytes end too early");
    const length = bytes.readInt32BE(at);
    at += 4;
    if (length < 0 || at + length > bytes.length) throw new RangeError("a block that is longer than what is there");
    decodeBlock(bytes.subarray(at, at + length), output);
    at += length;
  }
  return output.bytes;
}

function isMagicAt(bytes: Buffer, at: number): boolean {
  return bytes.subarray(at, at + magic.length).equals(magic);
}

function decodeBlock(bytes: Buffer, output: BlockOutput): void {
  output.startBlock();
  const { length, next } = readPreamble(bytes);
  const end = output.length + length;
  let at = next;
  while (at < bytes.length) {
    const tag = bytes[at]!;
    at += 1;
    const kind = tag & 3;
    if (kind === 0) {
      let count = tag >> 2;
      if (count >= 60) {
        const sizeBytes = count - 59;
        count = littleEndian(bytes, at, sizeBytes);
        at += sizeBytes;
      }
      output.literals(bytes, at, count + 1);
      at += count + 1;
    } else if (kind === 1) {
      output.repeat(((tag >> 5) << 8) | littleEndian(bytes, at, 1), ((tag >> 2) & 7) + 4);
      at += 1;
    } else {
      const distanceBytes = kind === 2 ? 2 : 4;
      output.repeat(littleEndian(bytes, at, distanceBytes), (tag >> 2) + 1);
      at += distanceBytes;
    }
  }
  if (output.length !== end) throw new RangeError("a block of another length than it says");
}

/** The length that the block comes to, seven bits a byte. */
function readPreamble(bytes: Buffer): { readonly length: number; readonly next: number } {
  let length = 0;
  for (let at = 0; at < longestPreamble; at++) {
    const byte = littleEndian(bytes, at, 1);
    length += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) return { length, next: at + 1 };
  }
  throw new RangeError("a length of more than five bytes");
}

function littleEndian(bytes: Buffer, at: number, count: number): number {
  if (at + count > bytes.length) throw new RangeError("the compressed bytes end too early");
  return bytes.readUIntLE(at, count);
}
