/**
 * Compares the digests of a native file with those that JavaScript makes, and hands it batches with bytes changed, cut off and
 * repeated, for a test that checks whether the process survives: `node native-batches.js FILE SEED BATCHES`.
 */
import type { Header, SinkRecord } from "../../daemon/contract.ts";
import { headerNames } from "../../daemon/header-names.ts";
import { loadNativeFile } from "../../daemon/os/native.ts";
import { batchDigests } from "../../daemon/proof/batch-digests.ts";
import { headRoomBytes } from "../../daemon/records/batch-memory.ts";
import { encodeRecords } from "../../daemon/records/record-buffer.ts";
import { present } from "./present.ts";
import { seededRandom } from "./random.ts";

const [, , file = "", seed = "", batches = ""] = process.argv;
const native = loadNativeFile(file);
const random = seededRandom(Number(seed));

function below(limit: number): number {
  return Math.floor(random() * limit);
}

function bytesOf(maxLength: number): Buffer {
  const bytes = Buffer.alloc(below(maxLength));
  for (let at = 0; at < bytes.length; at++)
    bytes[at] = random() < 0.1 ? present([0x0a, 0x5c, 0x00, 0xff][below(4)]) : below(128);
  return bytes;
}

/** Headers are text. */
function textOf(maxLength: number): string {
  return bytesOf(maxLength).toString();
}

function record(): SinkRecord {
  const names = [headerNames.node, headerNames.handler, headerNames.id, headerNames.source, "another"];
  const headers: Header[] = [];
  for (let left = below(6); left > 0; left--) headers.push([present(names[below(5)]), Buffer.from(textOf(40))]);
  const value = random() < 0.1 ? null : bytesOf(random() < 0.1 ? 20_000 : 200);
  return { key: random() < 0.1 ? null : bytesOf(10), headers, value, ...(random() < 0.7 && { id: textOf(30) }) };
}

function damaged(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  for (let left = 1 + below(4); left > 0 && copy.length > 0; left--) copy[below(copy.length)] = below(256);
  if (random() < 0.3) return Buffer.from(copy.subarray(0, below(copy.length + 1)));
  return random() < 0.2 ? Buffer.concat([copy, copy]) : copy;
}

let same = 0;
let refused = 0;
for (let batch = 0; batch < Number(batches); batch++) {
  const records = Array.from({ length: below(20) }, record);
  const { encoded, count } = encodeRecords(records);
  const bytes = Buffer.from(encoded.subarray(headRoomBytes));
  const topic = textOf(20);
  const made = await native.recordDigests(topic, count, bytes);
  if (made?.equals(batchDigests({ topic, count, bytes })) !== true) throw new Error(`batch ${batch} has other digests`);
  same += 1;
  const bad = damaged(bytes);
  const asked = Math.min(count + below(2), Math.floor(bad.length / 7));
  if ((await native.recordDigests(topic, asked, bad)) === undefined) refused += 1;
}
process.stdout.write(`${same} batches alike, ${refused} refused\n`);
