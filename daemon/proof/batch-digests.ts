/** The digests of a batch's records, from the bytes that are sent. */
import { hash } from "node:crypto";
import { headerNames } from "../header-names.ts";
import { digestBytes } from "../manifest/record-digest.ts";
import { RecordCursor } from "../records/decode.ts";

/** Records of one partition as they are sent, without the room for a header in front. */
export interface DigestedBatch {
  readonly topic: string;
  readonly count: number;
  readonly bytes: Uint8Array;
}

const newline = 0x0a;
const backslash = 0x5c;
const letterN = 0x6e;
const hexDigits = 2 * digestBytes;
const names = [headerNames.handler, headerNames.node, headerNames.id].map((name) => Buffer.from(name));
const none = Buffer.alloc(0);

/**
 * The digest of each record, as `recordDigest`, in their order and one behind the other: 32 bytes each.
 * @param batch what `RecordBuffer` wrote
 */
export function batchDigests({ topic, count, bytes }: DigestedBatch): Buffer<ArrayBuffer> {
  const cursor = new RecordCursor(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const digests = Buffer.allocUnsafeSlow(count * digestBytes);
  const topicLine = Buffer.from(`${topic}\n`);
  let text = Buffer.allocUnsafeSlow(1024);
  topicLine.copy(text);
  const headers: (Buffer | null)[] = [none, none, none];
  for (let index = 0; index < count; index++) {
    cursor.begin();
    cursor.sized();
    const value = cursor.sized();
    headers.fill(none);
    for (let left = cursor.varint(); left > 0; left--) {
      const name = cursor.sized();
      const at = names.findIndex((known) => name !== null && known.equals(name));
      const header = cursor.sized();
      if (at >= 0) headers[at] = header;
    }
    // Escaped, each byte is at most two.
    const needed = headers.reduce((sum, header) => sum + 2 * (header?.length ?? 0) + 1, topicLine.length + hexDigits);
    if (needed > text.length) {
      text = Buffer.allocUnsafeSlow(2 * needed);
      topicLine.copy(text);
    }
    let end = topicLine.length;
    for (const header of headers) end = writeLine(text, end, header ?? none);
    end += text.write(hash("sha256", value ?? "", "hex"), end, "latin1");
    digests.write(hash("sha256", text.subarray(0, end), "binary"), index * digestBytes, "latin1");
  }
  return digests;
}

/** @returns where the next line begins */
function writeLine(text: Buffer, at: number, line: Buffer): number {
  let end = at;
  for (const byte of line) {
    if (byte === newline || byte === backslash) text[end++] = backslash;
    text[end++] = byte === newline ? letterN : byte;
  }
  text[end++] = newline;
  return end;
}
