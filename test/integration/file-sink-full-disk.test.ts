import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { FileSink } from "../../daemon/sinks/file/sink.ts";
import { silentLog } from "../../daemon/telemetry/log.ts";
import { writeRecords } from "../rig/batches.ts";
import { eventually } from "../rig/eventually.ts";
import { mayMount, SmallDisk } from "../rig/small-disk.ts";

const skip = mayMount ? false : "only root may mount a small file system";

function write(sink: FileSink, text: string): ReturnType<typeof writeRecords> {
  return writeRecords(sink, "t", 0, [{ key: null, headers: [], value: Buffer.from(text) }]);
}

test("a full disk delays records, leaves no half ones behind, and loses none", { skip }, async () => {
  await using disk = await SmallDisk.mount(4 * 1024 * 1024);
  const path = disk.join("records.ndjson");
  await using sink = new FileSink(path, silentLog);
  const valuesIn = async () => {
    const lines = (await readFile(path, "utf8")).split("\n");
    assert.equal(lines.pop(), "", "the last line is whole");
    return lines.map((line) => /"value":"(.)/.exec(line)?.[1]);
  };
  await write(sink, "a".repeat(1000));
  await disk.fillUpTo(8192);
  const outcomes = Promise.all(["b", "c", "d"].map((letter) => write(sink, letter.repeat(20_000))));
  assert.match(await eventually("the trouble", () => sink.trouble), /ENOSPC/);
  assert.equal(sink.troubleCode, "file-sink-disk-full");
  assert.deepEqual(await valuesIn(), ["a"]);
  await disk.free();
  const offsets = (await outcomes).flat().map((outcome) => (outcome.kind === "acknowledged" ? outcome.offset : -1));
  assert.deepEqual(await valuesIn(), ["a", "b", "c", "d"]);
  const bytes = await readFile(path);
  for (const offset of offsets) assert.equal(bytes.toString("utf8", offset, offset + 9), '{"topic":');
});

test("a write that fails cuts off nothing that another process appended meanwhile", { skip }, async () => {
  await using disk = await SmallDisk.mount(1024 * 1024);
  const path = disk.join("records.ndjson");
  await using forwarder = new FileSink(path, silentLog);
  await using replay = new FileSink(path, silentLog);
  await write(forwarder, "a");
  await write(replay, "b");
  await disk.fillUpTo(8192);
  const late = write(forwarder, "c".repeat(100_000));
  await eventually("the trouble", () => forwarder.trouble);
  await disk.free();
  const [outcome] = await late;
  const lines = (await readFile(path, "utf8")).split("\n");
  assert.deepEqual(
    lines.map((line) => /"value":"(.)/.exec(line)?.[1]),
    ["a", "b", "c", undefined],
  );
  assert.equal(outcome?.kind === "acknowledged" && outcome.offset, `${lines[0]}\n${lines[1]}\n`.length);
});

test("a stop while the disk is full does not hang", { skip }, async () => {
  await using disk = await SmallDisk.mount(1024 * 1024);
  const sink = new FileSink(disk.join("records.ndjson"), silentLog);
  const value = Buffer.alloc(20_000, "x");
  await disk.fillUpTo(4096);
  const written = assert.rejects(writeRecords(sink, "t", 0, [{ key: null, headers: [], value }]));
  await eventually("the trouble", () => sink.trouble);
  await sink[Symbol.asyncDispose]();
  await written;
});
