import assert from "node:assert/strict";
import { appendFileSync, statSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { DeadLetterStore } from "../../daemon/dead-letters/store.ts";
import { DeadLetterUsage } from "../../daemon/dead-letters/usage.ts";
import { segmentsOf } from "../../daemon/dead-letters/segments.ts";
import { silentLog } from "../../daemon/telemetry/log.ts";
import { asOfADeadProcess, list, store } from "./dead-letter-world.ts";
import { StatusWorld } from "./status-world.ts";

test("an empty segment is kept while its writer lives, and deleted by the next command after that", async () => {
  await using world = await StatusWorld.create();
  await store(world, [{ bytes: "a" }, { bytes: "b" }]);
  const [first] = await list(world);
  await world.run("dead-letter", "purge", first?.id ?? "");
  assert.equal((await list(world)).length, 1);
  await world.run("dead-letter", "purge", "--all");
  assert.equal((await segmentsOf(world.deadLetters)).length, 1, "this process is alive and may continue to write");
  await asOfADeadProcess(world);
  assert.equal((await world.run("dead-letter", "purge", "--all")).stdout, "removed 0\n");
  assert.deepEqual(await segmentsOf(world.deadLetters), [], "nobody writes to it any more");
});

test("the segment of a writer that has ended is deleted with its last entry, and not before", async () => {
  await using world = await StatusWorld.create();
  await store(world, [{ bytes: "a" }, { bytes: "b" }]);
  await asOfADeadProcess(world);
  const [first, second] = await list(world);
  await world.run("dead-letter", "purge", first?.id ?? "");
  assert.equal((await segmentsOf(world.deadLetters)).length, 1, "it still has an entry");
  await world.run("dead-letter", "purge", second?.id ?? "");
  assert.deepEqual(await segmentsOf(world.deadLetters), []);
});

test("purge selects entries by age, and with --all lines that cannot be read as well", async () => {
  await using world = await StatusWorld.create();
  await store(world, [{ bytes: "a" }, { bytes: "b" }]);
  await asOfADeadProcess(world);
  const [segment = ""] = await segmentsOf(world.deadLetters);
  appendFileSync(segment, '{"version":1,"ti\n');
  assert.equal((await world.run("dead-letter", "purge", "--before", "2020-01-01")).stdout, "removed 0\n");
  assert.match((await world.run("dead-letter", "list")).stderr, /^1 lines of the store cannot be read/);
  assert.equal((await world.run("dead-letter", "purge", "--before", "2100-01-01")).stdout, "removed 2\n");
  assert.equal((await segmentsOf(world.deadLetters)).length, 1);
  assert.equal((await world.run("dead-letter", "purge", "--all")).stdout, "removed 1\n");
  assert.deepEqual(await segmentsOf(world.deadLetters), []);
});

test("a removal that a crash cut off removes nothing, and the next one is whole", async () => {
  await using world = await StatusWorld.create();
  await store(
    world,
    Array.from({ length: 12 }, (_, i) => ({ bytes: `${i}` })),
  );
  const [segment = ""] = await segmentsOf(world.deadLetters);
  writeFileSync(`${segment}.removed`, "2 removed\n1");
  assert.equal((await list(world)).length, 11);
  const usage = new DeadLetterUsage(world.deadLetters);
  assert.equal((await usage.count()).entries, 11);
  const entries = await list(world);
  await world.run("dead-letter", "purge", entries[0]?.id ?? "");
  assert.deepEqual(
    (await list(world)).map(({ id }) => Number(id.replace(/.*:/, ""))),
    [3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
  );
  assert.equal((await usage.count()).entries, 10);
});

test("above its limit the store first drops what was removed, and keeps every number", async () => {
  await using world = await StatusWorld.create();
  const big = "x".repeat(3000);
  await store(world, [{ bytes: big }, { bytes: big }, { bytes: big }, { bytes: "last" }]);
  await asOfADeadProcess(world);
  const [, second, third] = await list(world);
  await world.run("dead-letter", "purge", second?.id ?? "", third?.id ?? "");
  const [segment = ""] = await segmentsOf(world.deadLetters);
  await using next = new DeadLetterStore(world.deadLetters, { maxBytes: 10_000, segmentBytes: 1_000_000 }, silentLog);
  const place = { file: "f", offset: 0, length: 1 };
  await next.add({ source: "tail", reason: "torn", detail: "d", place, bytes: Buffer.from("y") });
  await next[Symbol.asyncDispose]();
  assert.equal(next.rawGivenUp, 0);
  assert.ok(statSync(segment).size < 6000);
  const left = await list(world);
  assert.deepEqual(
    left.map(({ id, rawBytes }) => [id.replace(/.*:/, ""), rawBytes]),
    [
      ["1", 3000],
      ["4", 4],
      ["1", 1],
    ],
  );
  assert.equal((await new DeadLetterUsage(world.deadLetters).count()).entries, 3);
});
