import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { CheckpointStore } from "../../../daemon/sources/tail/position/checkpoint-store.ts";
import { decodeCheckpoint, encodeCheckpoint, type Body } from "../../../daemon/sources/tail/position/checkpoint.ts";
import { contentHash } from "../../../daemon/sources/tail/log/content-hash.ts";
import { TempDir } from "../../rig/temp-dir.ts";
import { RecordingLog } from "../../unit/sources/tail/support/recording-log.ts";
import { joinParts, partsOf } from "../parts.ts";
import { hostileJson, jsonWords } from "../seeds.ts";
import type { Subject, Target } from "../target.ts";

const head = contentHash(Buffer.from("head"));
const identity = { id: "1:18446744073709551615", name: "2026/Nov/ossec-alerts-21", head };
const body: Body = {
  position: { ...identity, file: "/alerts.json", offset: 5_000_000_000, before: head },
  afterRank: 12,
  finished: [{ ...identity, name: null, end: 7 }],
  doneBeyond: [{ ...identity, offsets: [1, 2, 3] }],
  notBeforeMs: null,
  newestSecond: 1_795_000_000,
  sink: { "topic/0": 9 },
};
const empty: Body = { ...body, position: null, finished: [], doneBeyond: [], newestSecond: null, sink: {} };
/** A checksum cannot be guessed, so whatever is valid says what one of these says. */
const genuine = new Set([body, empty].map((one) => JSON.stringify(one)));

/** `checkpoint.json` and the one before it, both hostile: loading never fails, and the next checkpoint is stored. */
export const checkpoint: Target = {
  name: "checkpoint",
  seeds: [
    joinParts([encodeCheckpoint(body, 3), encodeCheckpoint(empty, 2)]),
    joinParts([encodeCheckpoint(body, 3).slice(0, 200), encodeCheckpoint(body, 2)]),
    Buffer.from(encodeCheckpoint(body, 9).replace('"offset":5000000000', '"offset":5000000001')),
    Buffer.from(encodeCheckpoint(body, 9).replace('"version":1', '"version":2')),
    ...hostileJson,
  ],
  words: [
    ...jsonWords,
    '"version":',
    '"sequence":',
    '"body":',
    '"position":null',
    '"offsets":[',
    "\n%%\n",
    "-1",
    "1e300",
  ],
  testInputs: 60,
  async open(): Promise<Subject> {
    const temp = await TempDir.create();
    return {
      judge: (input) => judge(input, temp),
      work: (input) => decodeCheckpoint(input.toString()),
      close: () => temp[Symbol.asyncDispose](),
    };
  },
};

async function judge(input: Buffer, temp: TempDir): Promise<string> {
  const [current, previous] = partsOf(input, 2);
  await rm(temp.path, { recursive: true });
  await mkdir(temp.path);
  if (current !== undefined) await writeFile(temp.join("checkpoint.json"), current);
  if (previous !== undefined) await writeFile(temp.join("checkpoint.json.1"), previous);
  for (const file of [current, previous]) {
    const found = decodeCheckpoint(file?.toString() ?? "");
    if (found.kind === "valid")
      assert.ok(genuine.has(JSON.stringify(found.body)), "a checksum that is right by chance");
  }
  const recording = new RecordingLog();
  const store = new CheckpointStore(temp.path, recording.log, () => 0);
  const loaded = await store.load();
  if (loaded.kind === "lost" || loaded.kind === "doubtful") {
    assert.ok(recording.find("error", /./).length > 0, "it is reported that a checkpoint cannot be used");
  }
  await store.save({ ...empty, afterRank: 99 });
  const again = await new CheckpointStore(temp.path, recording.log, () => 0).load();
  assert.ok(again.kind === "ok" && again.body.afterRank === 99, "the next checkpoint is stored");
  return loaded.kind;
}
