import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import type { Header, SinkRecord } from "../../../daemon/contract.ts";
import { headerNames } from "../../../daemon/header-names.ts";
import { digestBytes, recordDigest } from "../../../daemon/manifest/record-digest.ts";
import { batchDigests, digestsOf } from "../../../daemon/proof/batch-digests.ts";
import { headRoomBytes } from "../../../daemon/records/batch-memory.ts";
import { encodeRecords } from "../../../daemon/records/record-buffer.ts";

interface Named {
  readonly id?: string;
  readonly node?: string;
  readonly handler?: string;
  readonly value: Buffer | null;
}

function recordOf({ id, node, handler, value }: Named): SinkRecord {
  const named: [string, string | undefined][] = [
    [headerNames.node, node],
    ["another", "header"],
    [headerNames.handler, handler],
  ];
  const headers: Header[] = [];
  for (const [name, text] of named) if (text !== undefined) headers.push([name, Buffer.from(text)]);
  return { key: Buffer.from("007"), headers, value, ...(id !== undefined && { id }) };
}

test("a digest of the bytes that are sent is the digest of the record", () => {
  const usual = { id: "1700000000.12", node: "north", handler: "windows", value: Buffer.from('{"a":1}') };
  const records: Named[] = [
    usual,
    { ...usual, value: null },
    { ...usual, value: Buffer.alloc(0) },
    { ...usual, value: randomBytes(300_000) },
    { ...usual, node: "a\nb\\c", id: "line\nfeed", handler: "\\" },
    { ...usual, node: "n\u00f6rd\u4e2d\ud83d\ude00", id: "\ud800" },
    { ...usual, node: "x".repeat(100_000) },
    { value: Buffer.from("no headers but one") },
    usual,
  ];
  const { encoded, count } = encodeRecords(records.map(recordOf));
  const digests = batchDigests({ topic: "t\u00f6", count, bytes: encoded.subarray(headRoomBytes) });
  assert.equal(digests.length, records.length * digestBytes);
  for (const [index, { id = "", node = "", handler = "", value }] of records.entries()) {
    const expected = recordDigest({ topic: "t\u00f6", handler, node, id, value });
    assert.deepEqual(digests.subarray(index * digestBytes, (index + 1) * digestBytes), expected, `record ${index}`);
  }
});

test("a large batch is hashed in a thread, with the same result", async () => {
  const records = Array.from({ length: 100 }, () => recordOf({ id: "1700000000.1", value: randomBytes(2000) }));
  const { encoded, count } = encodeRecords(records);
  const batch = { topic: "t", count, bytes: encoded.subarray(headRoomBytes) };
  const asked = digestsOf(batch);
  assert.ok(asked instanceof Promise);
  assert.deepEqual(await asked, batchDigests(batch));
  const small = { topic: "t", ...first(records) };
  assert.deepEqual(digestsOf(small), batchDigests(small));
});

function first([record]: readonly SinkRecord[]): { readonly count: number; readonly bytes: Buffer } {
  const { encoded, count } = encodeRecords(record === undefined ? [] : [record]);
  return { count, bytes: encoded.subarray(headRoomBytes) };
}
