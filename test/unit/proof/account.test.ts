import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import { LineAccount } from "../../../daemon/proof/account.ts";
import type { Contribution, CountedRecord } from "../../../daemon/proof/contribution.ts";
import { NameTable } from "../../../daemon/proof/name-table.ts";
import { entriesOf } from "../../rig/manifests/node-writer.ts";

const second = 1_700_000_000;

function counted(account: LineAccount, offset: number, value: string, node = "n"): CountedRecord {
  const of = { topic: "t", handler: "windows", node, id: `${second}.${offset}` };
  const record = account.found(of, hash("sha256", value, "hex"), false);
  assert.ok(record !== undefined);
  return record;
}

function relevant(...records: CountedRecord[]): Contribution {
  return { kind: "relevant", salvaged: 0, records, dead: [] };
}

/** The referee's own entries for the same records. */
function expectedEntries(values: readonly (readonly [offset: number, value: string])[]): unknown {
  return entriesOf(
    values.map(([offset, value]) => ({
      topic: "t",
      key: "k",
      value,
      headers: {
        "wazuh-dfn-handler": "windows",
        "wazuh-node": "n",
        "wazuh-alert-id": `${second}.${offset}`,
        "wazuh-dfn-source": "file",
      },
    })),
  );
}

test("what lines add is counted when the position has passed them, and not before", () => {
  const account = new LineAccount(() => true);
  account.note(1, relevant(counted(account, 2, "b")));
  account.passed(1);
  assert.deepEqual(account.content.records, []);
  account.note(2, { kind: "broken", salvaged: 1, records: [], dead: [{ topic: null, handler: null, reason: "torn" }] });
  account.note(2, relevant(counted(account, 3, "c")));
  account.ignored(7);
  account.passed(3);
  const { lines, dead, records } = account.content;
  assert.deepEqual(lines, { total: 10, ignored: 7, relevant: 2, too_old: 0, broken: 1, salvaged: 1 });
  assert.deepEqual(dead, [{ topic: null, handler: null, reason: "torn", count: 1 }]);
  assert.deepEqual(
    records,
    expectedEntries([
      [2, "b"],
      [3, "c"],
    ]),
  );
  account.cut(undefined);
  assert.equal(account.content.lines.total, 0);
});

test("the bucket of a record is open until it is counted or refused, and that of what is not read yet", () => {
  const account = new LineAccount(() => true);
  const minute = new Date(Math.floor(second / 60) * 60_000).toISOString().slice(0, 16);
  const now = (second + 3600) * 1000;
  account.atEnd();
  const open = counted(account, 1, "a");
  assert.equal(account.openFrom(now), `${minute}Z`);
  account.note(0, relevant(open));
  assert.equal(account.openFrom(now), `${minute}Z`);
  account.passed(1);
  const free = new Date(now - 120_000).toISOString().slice(0, 16);
  assert.equal(account.openFrom(now), `${free}Z`);
  account.drop(counted(account, 2, "b").entry);
  assert.equal(account.openFrom(now), `${free}Z`);
  account.sawTime((second + 600) * 1000);
  const unread = new Date(Math.floor((second + 480) / 60) * 60_000).toISOString().slice(0, 16);
  assert.equal(account.openFrom(now), `${unread}Z`);
});

test("what is saved of an account and of a line is restored as it was", () => {
  const account = new LineAccount(() => true);
  account.begin(
    1,
    () => ({ name: "2026/Nov/ossec-alerts-30", head: { length: 3, hash: "a".repeat(64) } }),
    10,
    undefined,
  );
  account.note(0, relevant(counted(account, 1, "a")));
  account.note(1, relevant(counted(account, 2, "b")));
  account.addUnlined([counted(account, 3, "c")], []);
  account.ignored(2);
  account.passed(1);
  const table = new NameTable();
  const line = account.saveLine(1, table);
  const at = { reading: 1, offset: 40 };
  const saved = JSON.parse(
    JSON.stringify({ ...account.save(at, table), names: table.names, line, chain: { openFrom: "none" } }),
  );
  const again = new LineAccount(() => true);
  const names = new NameTable(saved.names);
  assert.ok(again.restore(saved, names));
  assert.deepEqual(again.content, account.content);
  assert.deepEqual(again.visits.upTo(undefined), account.visits.upTo(at));
  again.addPassed(names.restore(saved.line) ?? relevant());
  account.passed(2);
  assert.deepEqual(again.content, account.content);
});

test("more than a thousand minutes become hours", () => {
  const account = new LineAccount(() => true);
  for (let line = 0; line < 1200; line++) {
    const of = { topic: "t", handler: "windows", node: "n", id: `${second + 60 * line}.1` };
    const record = account.found(of, hash("sha256", "v", "hex"), false);
    assert.ok(record !== undefined);
    account.note(line, relevant(record));
  }
  account.passed(1200);
  const { records } = account.content;
  assert.ok(records.length <= 21, `${records.length}`);
  assert.ok(records.every(({ bucket }) => bucket.length === 14));
  assert.equal(
    records.reduce((sum, { count }) => sum + count, 0),
    1200,
  );
});

test("a stretch of 20,000 records is full", () => {
  const account = new LineAccount(() => true);
  const record = counted(account, 1, "a");
  for (let line = 0; line < 19_999; line++) account.note(line, relevant(record));
  account.passed(19_999);
  assert.equal(account.isFull, false);
  account.note(19_999, relevant(record));
  account.passed(20_000);
  assert.equal(account.isFull, true);
});

test("a node that no manifest can name is not counted, and half of a surrogate pair is what the header has", () => {
  const account = new LineAccount((name) => name.length < 10);
  const of = { topic: "t", handler: "windows", id: `${second}.1` };
  assert.equal(account.found({ ...of, node: "x".repeat(10) }, hash("sha256", "", "hex"), false), undefined);
  assert.equal(account.found({ ...of, node: "a\ud800" }, hash("sha256", "", "hex"), false)?.entry.node, "a\ufffd");
});

test("whoever names ever other hours finds no room; the log does", () => {
  const account = new LineAccount(() => true);
  for (let line = 0; line < 2000; line++) {
    assert.equal(account.isCrowded, false);
    const of = { topic: "t", handler: "windows", node: "n", id: `${second + 3600 * line}.1` };
    const record = account.found(of, hash("sha256", "", "hex"), true);
    assert.ok(record !== undefined);
    account.addUnlined([record], []);
  }
  assert.equal(account.isCrowded, true);
  account.cut(undefined);
  assert.equal(account.isCrowded, false);
});
