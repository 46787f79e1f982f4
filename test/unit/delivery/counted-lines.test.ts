import assert from "node:assert/strict";
import { test } from "node:test";
import { headersOf, lookupKey, type Handler, type SinkRecord } from "../../../daemon/contract.ts";
import { ShipmentAccount } from "../../../daemon/delivery/shipment-account.ts";
import { bucketOf } from "../../../daemon/manifest/bucket.ts";
import { LineAccount } from "../../../daemon/proof/account.ts";
import { Delivery, wantedHandler } from "../../rig/delivery.ts";
import { entriesOf, jcs, type WrittenRecord } from "../../rig/manifests/node-writer.ts";
import { MemorySink } from "../../rig/memory-sink.ts";

const second = 1_700_000_040;
const laterMs = (second + 3600) * 1000;
const idOf = (offset: number): string => `${second + offset}.${offset}`;
const timestamp = "2023-11-14T22:14:00.000+0000";
const alertAt = (offset: number, fields: object = {}): Buffer =>
  Buffer.from(
    JSON.stringify({
      timestamp,
      id: idOf(offset),
      agent: { id: "001" },
      manager: { name: "m1" },
      wanted: true,
      ...fields,
    }),
  );

/** Makes a second record of some alerts, and fails for others. */
const otherHandler: Handler = {
  name: "other",
  topics: ["others"],
  needles: [{ kind: "all" }],
  record(alert) {
    const kind = alert.member("other")?.kind;
    if (kind === "null") throw new Error("no record can be made of it");
    return kind === "true" ? { topic: "others", value: Buffer.from("made") } : undefined;
  },
};

/** As the referee takes them. */
function written(record: SinkRecord, topic: string): WrittenRecord {
  const headers = Object.fromEntries(headersOf(record).map(([name, text]) => [name, text.toString()]));
  return { topic, key: record.key?.toString() ?? "", value: record.value, headers };
}

const compareTexts = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

/** Entries of a manifest, so that neither their order nor that of their members matters. */
function inOrder(entries: unknown): unknown {
  assert.ok(Array.isArray(entries));
  return entries.map((entry: Readonly<Record<string, string | number | null>>) => jcs(entry)).toSorted(compareTexts);
}

test("a manifest of lines of every kind says what is in the topics, and no bucket stays open", async () => {
  const account = new LineAccount(() => true);
  account.atEnd();
  const before = account.openFrom(laterMs);
  const sink = new MemorySink({ partitions: { alerts: 1, others: 1 } });
  sink.refuses = ({ value }) => [4, 8].some((offset) => value?.includes(idOf(offset)) === true);
  const handlers = [wantedHandler, otherHandler];
  const delivery = new Delivery({ sink, handlers, account: new ShipmentAccount(account), batches: { lingerMs: 5 } });
  const known = alertAt(3);
  const lines = [
    alertAt(0),
    alertAt(70), // Of another minute.
    alertAt(2, { other: true }), // Two records.
    known, // An earlier process sent it.
    alertAt(4), // Refused.
    alertAt(5, { wanted: false, other: null }), // No handler makes a record.
    alertAt(6, { other: null }), // One of two does.
    Buffer.concat([alertAt(7), alertAt(100).subarray(0, 30), alertAt(9)]), // Two alerts and a torn one.
    alertAt(8, { other: true }), // One of two is refused.
    alertAt(71),
  ];
  for (const [line, bytes] of lines.entries()) delivery.offer("tail", bytes, line);
  assert.equal(account.openFrom(laterMs), bucketOf(idOf(0)));
  delivery.shipper.begin({ shipped: new Map([[lookupKey("m1", idOf(3), "wanted", known), 1]]), next: {} });
  await delivery.shipper.idle();
  assert.equal(account.content.lines.total, 0);
  account.passed(lines.length);

  const sent = [...sink.stored].flatMap(([partition, records]) =>
    records.map((record) => written(record, partition.split("/")[0] ?? "")),
  );
  const headers = { "wazuh-alert-id": idOf(3), "wazuh-node": "m1", "wazuh-dfn-handler": "wanted" };
  const earlier: WrittenRecord = { topic: "alerts", key: "001", value: known, headers };
  assert.equal(sent.length, 9);
  const { records, unlined, ...content } = account.content;
  assert.deepEqual(inOrder(records), inOrder(entriesOf([...sent, earlier])));
  assert.deepEqual(unlined, []);
  assert.deepEqual(content.lines, { total: 10, ignored: 0, relevant: 9, too_old: 0, broken: 1, salvaged: 2 });
  assert.deepEqual(
    inOrder(content.dead),
    inOrder([
      { topic: "alerts", handler: "wanted", reason: "record-too-large", count: 2 },
      { topic: null, handler: "other", reason: "handler-error", count: 2 },
      { topic: null, handler: null, reason: "torn", count: 1 },
    ]),
  );
  assert.equal(account.openFrom(laterMs), before);
});

test("what is counted after a manifest has nothing of what it said", async () => {
  const account = new LineAccount(() => true);
  const sink = new MemorySink();
  const delivery = new Delivery({ sink, account: new ShipmentAccount(account) }).begin();
  let line = 0;
  for (const count of [500, 7, 40]) {
    const before = sink.records.length;
    for (let more = count; more > 0; more--, line++) delivery.offer("tail", alertAt((37 * line) % 100, { line }), line);
    await delivery.shipper.idle();
    account.passed(line);
    const { lines, records } = account.content;
    assert.equal(lines.relevant, count);
    const sent = sink.records.slice(before).map((record) => written(record, "alerts"));
    assert.deepEqual(inOrder(records), inOrder(entriesOf(sent)));
    account.cut(undefined);
    assert.deepEqual(account.content.records, []);
  }
});
