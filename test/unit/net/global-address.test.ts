import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parseIpAddress } from "../../../daemon/net/address.ts";
import { isGlobal } from "../../../daemon/net/global-address.ts";

/** What Python's `ipaddress` said about some thousands of addresses, including the edges of every special range. */
const rows = readFileSync("test/data/wire/addresses.tsv", "utf8")
  .trimEnd()
  .split("\n")
  .map((row) => row.split("\t"));

test("an address is read, and is global, exactly when Python's ipaddress says so", () => {
  assert.ok(rows.length > 3000);
  const wrong: string[] = [];
  for (const [text = "", expected = ""] of rows) {
    const address = parseIpAddress(text);
    const seen = address === undefined ? "none" : isGlobal(address) ? "global" : "special";
    if (seen !== expected) wrong.push(`${text}: ${seen}, Python says ${expected}`);
  }
  assert.deepEqual(wrong, []);
});

test("blanks, newlines and NUL around an address are not tolerated", () => {
  for (const text of ["", " 8.8.8.8", "8.8.8.8 ", "8.8.8.8\n", "8.8.8.8\u0000", "::1\n", " ::1", "8.8.8.8\t"]) {
    assert.equal(parseIpAddress(text), undefined, JSON.stringify(text));
  }
});

test("a text of any length gets an answer", () => {
  assert.equal(parseIpAddress(":".repeat(1_000_000)), undefined);
  assert.equal(parseIpAddress("1.".repeat(1_000_000)), undefined);
  assert.equal(parseIpAddress("1:".repeat(1_000_000)), undefined);
});
