import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { batchDigests, type DigestedBatch } from "../../../daemon/proof/batch-digests.ts";
import { Digester } from "../../../daemon/proof/digester.ts";
import { headRoomBytes } from "../../../daemon/records/batch-memory.ts";
import { encodeRecords } from "../../../daemon/records/record-buffer.ts";
import { silentLog } from "../../../daemon/telemetry/log.ts";
import { TempDir } from "../../rig/temp-dir.ts";

/** @param count of records of 2,000 bytes */
function batchOf(count: number): DigestedBatch {
  const records = Array.from({ length: count }, () => ({ key: null, headers: [], value: randomBytes(2000) }));
  const { encoded } = encodeRecords(records);
  return { topic: "t", count, bytes: encoded.subarray(headRoomBytes) };
}

test("a small batch is answered at once, large ones by a thread, each with its own digests", async () => {
  const digester = new Digester(silentLog);
  const small = batchOf(3);
  assert.deepEqual(digester.digests(small), batchDigests(small));
  const large = Array.from({ length: 12 }, (_, index) => batchOf(80 + 10 * index));
  const asked = large.map((batch) => digester.digests(batch));
  assert.ok(asked.every((one) => one instanceof Promise));
  assert.deepEqual(await Promise.all(asked), large.map(batchDigests));
  digester.dispose();
});

test("a thread that ends leaves nothing without an answer, and the log says so once", async () => {
  await using directory = await TempDir.create();
  const program = directory.join("program.cjs");
  writeFileSync(
    program,
    `require("node:worker_threads").parentPort.on("message", () => { throw new Error("broken"); });`,
  );
  const codes: unknown[] = [];
  const warn = ({ code }: { code: string }): void => void codes.push(code);
  const digester = new Digester({ ...silentLog, warn }, program);
  const batches = [batchOf(100), batchOf(200)];
  const answers = batches.map(async (batch) => digester.digests(batch));
  assert.deepEqual(await Promise.all(answers), batches.map(batchDigests));
  const later = batchOf(150);
  assert.deepEqual(digester.digests(later), batchDigests(later));
  assert.deepEqual(codes, ["digest-thread-ended"]);
  digester.dispose();
});
