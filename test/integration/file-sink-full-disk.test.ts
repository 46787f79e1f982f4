import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { FileSink } from "../../daemon/sinks/file.ts";
import { silentLog } from "../../daemon/telemetry/log.ts";
import { eventually } from "../rig/eventually.ts";
import { mayMount, SmallDisk } from "../rig/small-disk.ts";

const skip = mayMount ? false : "only root may mount a small file system";

test("a full disk holds records up, leaves no half ones behind, and loses none", { skip }, async () => {
  await using disk = await SmallDisk.mount(4 * 1024 * 1024);
  const path = disk.join("records.ndjson");
  await using sink = new FileSink(path, silentLog);
  const write = (text: string) =>
    sink.write({ topic: "t", partition: 0, records: [{ key: null, headers: [], value: Buffer.from(text) }] });
  const valuesIn = async () => {
    const lines = (await readFile(path, "utf8")).split("\n");
    assert.equal(lines.pop(), "", "the last line is whole");
    return lines.map((line) => /"value":"(.)/.exec(line)?.[1]);
  };
  await write("a".repeat(1000));
  await disk.fillUpTo(8192);
  const outcomes = Promise.all(["b", "c", "d"].map((letter) => write(letter.repeat(20_000))));
  assert.match(await eventually("the trouble", () => sink.trouble), /ENOSPC/);
  assert.deepEqual(await valuesIn(), ["a"]);
  await disk.free();
  const offsets = (await outcomes).flat().map((outcome) => (outcome.kind === "acknowledged" ? outcome.offset : -1));
  assert.deepEqual(await valuesIn(), ["a", "b", "c", "d"]);
  const bytes = await readFile(path);
  for (const offset of offsets) assert.equal(bytes.toString("utf8", offset, offset + 9), '{"topic":');
});

test("a stop while the disk is full does not hang", { skip }, async () => {
  await using disk = await SmallDisk.mount(1024 * 1024);
  const sink = new FileSink(disk.join("records.ndjson"), silentLog);
  const value = Buffer.alloc(20_000, "x");
  await disk.fillUpTo(4096);
  const written = assert.rejects(
    sink.write({ topic: "t", partition: 0, records: [{ key: null, headers: [], value }] }),
  );
  await eventually("the trouble", () => sink.trouble);
  await sink[Symbol.asyncDispose]();
  await written;
});
