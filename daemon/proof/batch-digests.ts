/** The digests of a batch's records, from the bytes that are sent. */
import { hash } from "node:crypto";
import { headerNames } from "../header-names.ts";
import { digestBytes, digestOfValueHash } from "../manifest/record-digest.ts";
import { recordDigests } from "../os/record-digests.ts";
import { RecordCursor } from "../records/decode.ts";

/** Records of one partition as they are sent, without the room for a header in front. */
export interface DigestedBatch {
  readonly topic: string;
  readonly count: number;
  readonly bytes: Uint8Array;
}

/** Fewer bytes are hashed sooner than a thread is woken; a batch of that size is of 5,000 records a second, or more. */
const fewBytes = 128 * 1024;

const none: Buffer = Buffer.alloc(0);
/** The first header's name, with its length in front: zigzag, so twice as much. */
const idName = Buffer.from(`${String.fromCharCode(2 * headerNames.id.length)}${headerNames.id}`);

/**
 * The digest of each record, as `recordDigest`, in their order and one behind the other: 32 bytes each.
 * @param batch what `RecordBuffer` wrote
 */
export function batchDigests({ topic, count, bytes }: DigestedBatch): Buffer<ArrayBuffer> {
  const cursor = new RecordCursor(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const digests = Buffer.allocUnsafeSlow(count * digestBytes);
  let shared = none;
  let names = namesIn(none, 0);
  for (let index = 0; index < count; index++) {
    const end = cursor.begin();
    cursor.skip();
    const valueHash = hash("sha256", cursor.sized() ?? none, "hex");
    let left = cursor.varint();
    let id = "";
    if (left > 0 && cursor.skipIf(idName)) {
      id = cursor.sized()?.toString() ?? "";
      left -= 1;
    }
    // Behind the id the headers are nearly always those of the record before.
    if (!cursor.endsWith(shared, end)) {
      shared = cursor.upTo(end);
      names = namesIn(shared, left);
    }
    const digest = digestOfValueHash(topic, names.handler, names.node, names.id ?? id, valueHash);
    digests.write(digest, index * digestBytes, "latin1");
  }
  return digests;
}

/**
 * The same; of a large batch by the native file, in a thread of libuv's pool.
 * @param batch its bytes must not change until the answer is there
 */
export function digestsOf(batch: DigestedBatch): Buffer | Promise<Buffer> {
  const { topic, count, bytes } = batch;
  const asked = bytes.length < fewBytes ? undefined : recordDigests(topic, count, bytes);
  return asked === undefined ? batchDigests(batch) : asked.then((made) => made ?? batchDigests(batch));
}

interface Names {
  handler: string;
  node: string;
  id: string | undefined;
}

/** What headers say; the last one of a name counts. */
function namesIn(headers: Buffer, count: number): Readonly<Names> {
  const cursor = new RecordCursor(headers);
  const names: Names = { handler: "", node: "", id: undefined };
  for (let left = count; left > 0; left--) {
    const name = cursor.sized()?.toString();
    const text = cursor.sized()?.toString() ?? "";
    if (name === headerNames.handler) names.handler = text;
    else if (name === headerNames.node) names.node = text;
    else if (name === headerNames.id) names.id = text;
  }
  return names;
}
