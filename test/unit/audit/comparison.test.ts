import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { compareBlock, type AuditVerdict } from "../../../daemon/audit/comparison.ts";
import {
  anyTopic,
  EntryBlock,
  entryBytes,
  entryFlags,
  entryKinds,
  identityOf,
  writeEntry,
  type Entry,
} from "../../../daemon/audit/entries.ts";

const hashOf = (text: string): Buffer => createHash("sha256").update(text).digest();

function expected(id: string, value: string, flags: readonly (keyof typeof entryFlags)[] = []): Entry {
  return entry("expected", id, value, flags);
}

function kept(id: string, value: string, flags: readonly (keyof typeof entryFlags)[] = []): Entry {
  return entry("kept", id, value, flags);
}

/** Values that differ only in the case of their letters are re-prints of one another. */
function entry(
  kind: keyof typeof entryKinds,
  id: string,
  value: string,
  flags: readonly (keyof typeof entryFlags)[],
  topic = 1,
): Entry {
  return {
    kind: entryKinds[kind],
    flags: flags.reduce((sum, flag) => sum + entryFlags[flag], 0),
    identity: identityOf("windows", "node", id),
    value: hashOf(value),
    content: hashOf(value.toLowerCase()),
    second: 1000,
    place: 0,
    offset: 2 ** 40 + 7,
    node: 0,
    handler: 0,
    topic,
  };
}

/** How often each verdict was given. */
function verdicts(entries: readonly Entry[], isRemoved = false): Partial<Record<AuditVerdict, number>> {
  const bytes = Buffer.alloc(entries.length * entryBytes);
  for (const [at, one] of entries.entries()) writeEntry(one, bytes, at * entryBytes);
  const counts: Partial<Record<AuditVerdict, number>> = {};
  for (const { verdict } of compareBlock(new EntryBlock(bytes), () => isRemoved)) {
    counts[verdict] = (counts[verdict] ?? 0) + 1;
  }
  return counts;
}

test("equal values match first, the rest of one id is altered, and what is left is missing or there twice", () => {
  const both = [expected("a", "1"), expected("a", "2")];
  assert.deepEqual(verdicts([...both, kept("a", "2"), kept("a", "1")]), { equal: 2 });
  assert.deepEqual(verdicts([...both, kept("a", "2"), kept("a", "2")]), { equal: 1, altered: 1 });
  assert.deepEqual(verdicts([...both, kept("a", "2")]), { equal: 1, missing: 1 });
  assert.deepEqual(verdicts([...both, kept("a", "1"), kept("a", "2"), kept("a", "2")]), { equal: 2, twice: 1 });
  assert.deepEqual(verdicts([...both, kept("b", "1")]), { missing: 2, unlined: 1 });
});

test("ids are kept apart, in whatever order they were written", () => {
  const ids = Array.from({ length: 500 }, (_, at) => String(at));
  const all = [...ids.map((id) => kept(id, id)), ...ids.toReversed().map((id) => expected(id, id))];
  assert.deepEqual(verdicts(all), { equal: 500 });
});

test("a re-print counts only for a record of the socket, after the equal ones", () => {
  assert.deepEqual(verdicts([expected("a", "Value"), kept("a", "VALUE", ["maybeReprint"])]), { reprinted: 1 });
  assert.deepEqual(verdicts([expected("a", "Value"), kept("a", "VALUE")]), { altered: 1 });
  const two = [expected("a", "Value"), expected("a", "VALUE"), kept("a", "VALUE", ["maybeReprint"])];
  assert.deepEqual(verdicts(two), { equal: 1, missing: 1 });
});

test("a dead letter takes the place of a record, one for one line", () => {
  const letter = entry("letter", "a", "", []);
  assert.deepEqual(verdicts([expected("a", "1"), letter]), { "dead-letter": 1 });
  assert.deepEqual(verdicts([expected("a", "1"), expected("a", "1"), letter]), { "dead-letter": 1, missing: 1 });
  assert.deepEqual(verdicts([expected("a", "1"), kept("a", "1"), letter]), { equal: 1 });
  assert.deepEqual(verdicts([expected("a", "1", ["hasLetter"])]), { "dead-letter": 1 });
});

test("what is pending, too early, or may have been removed is not missing, but is found where it is", () => {
  for (const flag of ["pending", "early"] as const) {
    assert.deepEqual(verdicts([expected("a", "1", [flag])]), { [flag]: 1 });
    assert.deepEqual(verdicts([expected("a", "1", [flag]), kept("a", "1")]), { equal: 1 });
  }
  assert.deepEqual(verdicts([expected("a", "1"), expected("b", "1"), kept("b", "1")], true), { unknown: 1, equal: 1 });
});

test("a record in another topic is altered; one of which only the name is known matches any value", () => {
  assert.deepEqual(verdicts([expected("a", "1"), entry("kept", "a", "1", [], 2)]), { altered: 1 });
  assert.deepEqual(verdicts([expected("a", "1"), entry("kept", "a", "1", [], anyTopic)]), { equal: 1 });
  const named = kept("a", "", ["nameOnly"]);
  assert.deepEqual(verdicts([expected("a", "1"), named, named]), { equal: 1, twice: 1 });
});

test("a handler that fails makes no value, so any record of its alert is altered", () => {
  assert.deepEqual(verdicts([expected("a", "", ["failed"]), kept("a", "")]), { altered: 1 });
  assert.deepEqual(verdicts([expected("a", "", ["failed"])]), { missing: 1 });
});
