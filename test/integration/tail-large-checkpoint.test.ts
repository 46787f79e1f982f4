import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { test } from "node:test";
import type { Body } from "../../daemon/sources/tail/position/checkpoint.ts";
import { CheckpointStore } from "../../daemon/sources/tail/position/checkpoint-store.ts";
import { contentHash } from "../../daemon/sources/tail/log/content-hash.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { RecordingLog } from "../unit/sources/tail/support/recording-log.ts";

const identity = { id: "64768:12345678", name: "2026/Nov/ossec-alerts-21", head: contentHash(Buffer.from("head")) };

for (const [what, doneBeyond] of [
  ["in one file", [{ ...identity, offsets: Array.from({ length: 1_000_000 }, (_, at) => 5_000_000_000 + at * 700) }]],
  ["one in each of many files", Array.from({ length: 50_000 }, (_, at) => ({ ...identity, offsets: [at] }))],
] as const) {
  test(`a checkpoint with more done lines than it has room for, ${what}, is written as far as it fits and read again`, async () => {
    await using directory = await TempDir.create();
    const logged = new RecordingLog();
    const store = (): CheckpointStore => new CheckpointStore(directory.path, logged.log, () => 0);
    const body: Body = {
      position: { ...identity, file: "/alerts.json", offset: 5_000_000_000, before: identity.head },
      afterRank: 12,
      finished: [],
      doneBeyond,
      notBeforeMs: null,
      newestSecond: 1_795_000_000,
      sink: { "topic/0": 9 },
    };
    const writing = store();
    await writing.load();
    await writing.save({ ...body, doneBeyond: [] });
    await writing.save(body);
    assert.ok(statSync(directory.join("checkpoint.json")).size <= 8 * 1024 * 1024);
    assert.equal(logged.find("warn", /has room for \d+ of \d+ lines/).length, 1);
    const loaded = await store().load();
    assert.ok(loaded.kind === "ok");
    assert.deepEqual({ ...loaded.body, doneBeyond: [] }, { ...body, doneBeyond: [] });
    const kept = loaded.body.doneBeyond.flatMap(({ offsets }) => offsets);
    const given = doneBeyond.flatMap(({ offsets }) => offsets);
    assert.ok(kept.length > given.length / 4, `${kept.length} of ${given.length}`);
    assert.deepEqual(kept, given.slice(0, kept.length));
    // The older one can be kept as well, and nothing is taken for damaged.
    await writing.save({ ...body, afterRank: 13 });
    assert.deepEqual(readdirSync(directory.path).toSorted(), ["checkpoint.json", "checkpoint.json.1"]);
    assert.deepEqual(logged.find("error", /./), []);
  });
}
