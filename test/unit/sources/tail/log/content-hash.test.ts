import assert from "node:assert/strict";
import { test } from "node:test";
import { beginsWith, endsWith, contentHash, isSame } from "../../../../../daemon/sources/tail/log/content-hash.ts";

const long = Buffer.from("abcdefgh".repeat(16));

test("content is recognised by its beginning and by its end", () => {
  assert.ok(beginsWith(long, contentHash(long.subarray(0, 100))));
  assert.ok(endsWith(long, contentHash(long.subarray(28))));
  assert.ok(!beginsWith(long.subarray(0, 99), contentHash(long.subarray(0, 100))));
  assert.ok(!endsWith(long, contentHash(long.subarray(0, 100))));
  assert.ok(beginsWith(Buffer.alloc(0), contentHash(Buffer.alloc(0))));
});

test("a long head is the same content whatever inode and name say, and another head never is", () => {
  const known = { id: "1:2", name: "2026/Nov/ossec-alerts-21", head: contentHash(long.subarray(0, 64)) };
  const other = { id: "9:9", name: null, isCompressed: false };
  assert.ok(isSame(known, { ...other, head: long }));
  assert.ok(!isSame(known, { ...known, head: Buffer.from(long).fill("x", 3, 4), isCompressed: false }));
});

test("a short head needs the same name and inode as well; a .gz only the name, a file without a name only the inode", () => {
  const known = { id: "1:2", name: "2026/Nov/ossec-alerts-21", head: contentHash(long.subarray(0, 63)) };
  const same = { ...known, head: long, isCompressed: false };
  assert.ok(isSame(known, same));
  assert.ok(!isSame(known, { ...same, id: "1:3" }));
  assert.ok(!isSame(known, { ...same, name: "2026/Nov/ossec-alerts-22" }));
  assert.ok(isSame(known, { ...same, id: "1:3", isCompressed: true }));
  assert.ok(isSame({ ...known, name: null }, same));
  assert.ok(!isSame({ ...known, name: null }, { ...same, id: "1:3" }));
});
