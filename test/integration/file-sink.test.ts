import assert from "node:assert/strict";
import { appendFile, mkdir, readFile, rename, rm, rmdir, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { lookupKey, type WriteOutcome, type SinkRecord } from "../../daemon/contract.ts";
import { FileSink } from "../../daemon/sinks/file/sink.ts";
import { silentLog } from "../../daemon/telemetry/log.ts";
import { writeRecords } from "../rig/batches.ts";
import { eventually } from "../rig/eventually.ts";
import { TempDir } from "../rig/temp-dir.ts";

function record(id: string, value = `{"id":"${id}"}`): SinkRecord {
  const headers = [
    ["wazuh-alert-id", Buffer.from(id)],
    ["wazuh-node", Buffer.from("m1")],
    ["wazuh-dfn-handler", Buffer.from("windows")],
  ] as const;
  return { key: Buffer.from("001"), headers, value: Buffer.from(value) };
}

function headersText(id: string): string {
  return `{"wazuh-alert-id":"${id}","wazuh-node":"m1","wazuh-dfn-handler":"windows"}`;
}

function keyOf(id: string, value?: string): string {
  return lookupKey("m1", id, "windows", record(id, value).value);
}

function write(sink: FileSink, ...ids: string[]): Promise<readonly WriteOutcome[]> {
  return writeRecords(
    sink,
    "alerts",
    0,
    ids.map((id) => record(id)),
  );
}

async function idsIn(path: string): Promise<string[]> {
  const lines = (await readFile(path, "utf8")).split("\n").slice(0, -1);
  return lines.map((line) => /"wazuh-alert-id":"([^"]*)"/.exec(line)?.[1] ?? `? ${line}`);
}

test("a record is one JSON object per line, in the fixed form", async () => {
  await using temp = await TempDir.create();
  const path = temp.join("out", "records.ndjson");
  await using sink = new FileSink(path, silentLog);
  sink.open();
  const records = [record("1.1", 'a "quoted" line\nend'), { ...record("1.2"), key: null, value: null }];
  await writeRecords(sink, "t", 0, records);
  assert.deepEqual((await readFile(path, "utf8")).split("\n"), [
    `{"topic":"t","partition":0,"key":"001","headers":${headersText("1.1")},"value":"a \\"quoted\\" line\\nend"}`,
    `{"topic":"t","partition":0,"key":null,"headers":${headersText("1.2")},"value":null}`,
    "",
  ]);
  assert.equal((await stat(path)).mode & 0o777, 0o640);
});

test("batches are stored in the order of the calls, and each record's offset is where its line begins", async () => {
  await using temp = await TempDir.create();
  await using sink = new FileSink(temp.join("r"), silentLog);
  const writes = Array.from({ length: 50 }, (_, i) => write(sink, `${i}.a`, `${i}.b`));
  const offsets = (await Promise.all(writes)).flat().map((outcome) => {
    assert.ok(outcome.kind === "acknowledged");
    return outcome.offset;
  });
  const bytes = await readFile(temp.join("r"));
  assert.deepEqual(
    await idsIn(temp.join("r")),
    Array.from({ length: 100 }, (_, i) => `${i >> 1}.${i % 2 === 0 ? "a" : "b"}`),
  );
  for (const offset of offsets) assert.equal(bytes.toString("utf8", offset, offset + 9), '{"topic":');
  assert.equal(new Set(offsets).size, 100);
});

test("the look-up finds each record from an offset on, as often as it is there, and returns the next offset", async () => {
  await using temp = await TempDir.create();
  const path = temp.join("r");
  const offsets: number[] = [];
  {
    await using sink = new FileSink(path, silentLog);
    for (const id of ["1.1", "1.2", "1.3", "1.2"]) {
      const [outcome] = await write(sink, id);
      if (outcome?.kind === "acknowledged") offsets.push(outcome.offset);
    }
    // A line that spans several reads of the look-up.
    await writeRecords(sink, "alerts", 0, [record("1.4", "x".repeat(3_000_000))]);
  }
  await appendFile(path, 'not ours\n{"headers":7}\nnull\n');
  const { size } = await stat(path);
  await using sink = new FileSink(path, silentLog);
  const found = await sink.lookup(["alerts", "other"], { "alerts/0": offsets[1] ?? -1 });
  assert.deepEqual(found.next, { "alerts/0": size, "other/0": size });
  assert.deepEqual(
    found.shipped,
    new Map([
      [keyOf("1.2"), 2],
      [keyOf("1.3"), 1],
      [keyOf("1.4", "x".repeat(3_000_000)), 1],
    ]),
  );
  const fromWithin = await sink.lookup(["alerts"], { "alerts/0": (offsets[2] ?? -1) + 1 });
  assert.deepEqual(fromWithin.shipped?.get(keyOf("1.3")), undefined);
  assert.deepEqual(fromWithin.shipped?.get(keyOf("1.2")), 1);
  const beyond = await sink.lookup(["alerts"], { "alerts/0": size + 1000 });
  assert.equal(beyond.shipped?.get(keyOf("1.1")), 1, "a file that was created again is read whole");
  assert.deepEqual((await sink.lookup(["alerts"], {})).shipped, new Map());
});

test("a record that a crash left half written is cut off when the file is opened", async () => {
  await using temp = await TempDir.create();
  const path = temp.join("r");
  {
    await using sink = new FileSink(path, silentLog);
    await write(sink, "1.1");
  }
  for (const torn of ['{"topic":"al', "x".repeat(200_000)]) {
    await appendFile(path, torn);
    await using sink = new FileSink(path, silentLog);
    await sink.lookup(["alerts"], { "alerts/0": 0 });
    await write(sink, "1.2");
  }
  assert.deepEqual(await idsIn(path), ["1.1", "1.2", "1.2"]);
  await writeFile(temp.join("torn"), "only half a line");
  await using sink = new FileSink(temp.join("torn"), silentLog);
  await write(sink, "1.3");
  assert.deepEqual(await idsIn(temp.join("torn")), ["1.3"]);
});

test("a file that was moved away is created again, one that was emptied in place is written from its new end", async () => {
  await using temp = await TempDir.create();
  const path = temp.join("r");
  await using sink = new FileSink(path, silentLog);
  await write(sink, "1.1", "1.2");
  await rename(path, temp.join("r.1"));
  const [moved] = await write(sink, "1.3");
  assert.deepEqual(moved, { kind: "acknowledged", offset: 0 });
  assert.deepEqual([await idsIn(temp.join("r.1")), await idsIn(path)], [["1.1", "1.2"], ["1.3"]]);
  await truncate(path);
  const [emptied] = await write(sink, "1.4");
  assert.deepEqual(emptied, { kind: "acknowledged", offset: 0 });
  assert.deepEqual(await idsIn(path), ["1.4"]);
});

for (const [how, compress] of [
  ["moved away", undefined],
  ["moved away and compressed", gzipSync],
] as const) {
  test(`the look-up finds what was written before a file was ${how}, and in the file that followed`, async () => {
    await using temp = await TempDir.create();
    const path = temp.join("r.ndjson");
    let checkpoint = -1;
    {
      await using sink = new FileSink(path, silentLog);
      await write(sink, "1.1");
      const [outcome] = await write(sink, "1.2");
      if (outcome?.kind === "acknowledged") checkpoint = outcome.offset;
      await write(sink, "1.3");
      const moved = temp.join("r.ndjson-20261129");
      await rename(path, moved);
      if (compress !== undefined) {
        await writeFile(`${moved}.gz`, compress(await readFile(moved)));
        await rm(moved);
      }
      await write(sink, "1.4", "1.5", "1.6");
    }
    await using sink = new FileSink(path, silentLog);
    const { shipped } = await sink.lookup(["alerts"], { "alerts/0": checkpoint });
    assert.deepEqual(new Set(shipped?.keys()), new Set(["1.2", "1.3", "1.4", "1.5", "1.6"].map((id) => keyOf(id))));
    assert.ok([...(shipped?.values() ?? [])].every((count) => count === 1));
  });
}

test("files whose names are only similar, links, and unreadable files do not disturb the look-up", async () => {
  await using temp = await TempDir.create();
  const path = temp.join("r");
  await using sink = new FileSink(path, silentLog);
  await write(sink, "1.1");
  const line = await readFile(path);
  await writeFile(temp.join("r.old"), line);
  await writeFile(temp.join("r2.1"), line);
  await writeFile(temp.join("r.1.xz"), Buffer.from("fd377a585a000000", "hex"));
  await writeFile(temp.join("r.2.gz"), gzipSync(line).subarray(0, 40));
  await writeFile(temp.join("elsewhere"), line);
  await symlink(temp.join("elsewhere"), temp.join("r.3"));
  await mkdir(temp.join("r.4"));
  assert.deepEqual((await sink.lookup(["alerts"], { "alerts/0": 0 })).shipped, new Map([[keyOf("1.1"), 1]]));
});

test("a file that cannot be opened is retried until it can, and the sink reports why it waits", async () => {
  await using temp = await TempDir.create();
  const path = temp.join("r");
  await mkdir(path);
  await using sink = new FileSink(path, silentLog);
  const written = write(sink, "1.1");
  assert.match(await eventually("the trouble", () => sink.trouble), /EISDIR/);
  await rmdir(path);
  assert.equal((await written)[0]?.kind, "acknowledged");
  assert.equal(sink.trouble, undefined);
  assert.deepEqual(await idsIn(path), ["1.1"]);
});

test("dispose is safe before open and twice, and ends a write or a look-up that waits", async () => {
  await using temp = await TempDir.create();
  const unused = new FileSink(temp.join("unused"), silentLog);
  await unused[Symbol.asyncDispose]();
  await unused[Symbol.asyncDispose]();
  await assert.rejects(write(unused, "1.1"));
  await assert.rejects(stat(temp.join("unused")));
  await mkdir(temp.join("directory"));
  const waiting = new FileSink(temp.join("directory"), silentLog);
  const found = assert.rejects(waiting.lookup(["alerts"], {}));
  const written = assert.rejects(write(waiting, "1.1"));
  await eventually("the trouble", () => waiting.trouble);
  await waiting[Symbol.asyncDispose]();
  await Promise.all([found, written]);
});

test("many writers of one file at once never tear or lose each other's lines", async () => {
  await using temp = await TempDir.create();
  const path = temp.join("r");
  const sinks = Array.from({ length: 4 }, () => new FileSink(path, silentLog));
  const value = Buffer.alloc(50_000, "x");
  await Promise.all(
    sinks.map(async (sink) => {
      for (let i = 0; i < 25; i++) {
        await writeRecords(sink, "t", 0, [{ key: null, headers: [], value }]);
      }
      await sink[Symbol.asyncDispose]();
    }),
  );
  const lines = (await readFile(path, "utf8")).split("\n");
  assert.equal(lines.length, 101);
  assert.equal(new Set(lines.slice(0, 100)).size, 1);
  assert.equal(lines[100], "");
});
