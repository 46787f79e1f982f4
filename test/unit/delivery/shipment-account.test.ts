import assert from "node:assert/strict";
import { createHash, hash } from "node:crypto";
import { test } from "node:test";
import { lookupKey, type FoundValue } from "../../../daemon/contract.ts";
import { FoundRecords } from "../../../daemon/delivery/found-records.ts";
import { ShipmentAccount } from "../../../daemon/delivery/shipment-account.ts";
import { bucketOf } from "../../../daemon/manifest/bucket.ts";
import { LineAccount } from "../../../daemon/proof/account.ts";
import { alertBytes, Delivery } from "../../rig/delivery.ts";
import { MemorySink } from "../../rig/memory-sink.ts";

const minuteMs = 60_000;
const second = 1_700_000_040;
const of = { topic: "t", handler: "windows", node: "n" };

const idOf = (offset: number): string => `${second}.${offset}`;
const valueOf = (offset: number): Buffer => Buffer.from(`value ${offset}`);
const keyOf = (offset: number): string => lookupKey("n", idOf(offset), "windows", valueOf(offset));

/** The record of this offset, as the look-up finds it there. */
function foundAt(offset: number, more: Partial<FoundValue> = {}): FoundValue {
  const valueHash = createHash("sha256").update(valueOf(offset)).digest("hex");
  return { topic: "t", partition: 0, offset, valueHash, isFromSocket: false, isReplay: false, ...more };
}

test("records of lines that are gone are counted if they came after the checkpoint, or it had them for a line beyond the position", () => {
  const account = new LineAccount(() => true);
  const shipments = new ShipmentAccount(account);
  const known = account.found({ ...of, id: idOf(3) }, foundAt(3).valueHash, false);
  assert.ok(known !== undefined);
  shipments.resume({ formerNext: { "t/0": 5 }, undecided: new Map([[known.digest, known]]) });
  // Of offsets 3 to 7: 3 is of a line beyond the position, 4 is in a manifest, 5 to 7 came after; 7 is a replay.
  const all = [3, 4, 5, 6].map((offset): [string, FoundValue[]] => [keyOf(offset), [foundAt(offset)]]);
  const left = new Map([...all, [keyOf(7), [foundAt(7, { isReplay: true })]]]);
  shipments.lookedUp(left);
  shipments.leftBehind(left);
  const { lines, records, unlined } = account.content;
  assert.equal(lines.total, 0);
  assert.deepEqual(records, []);
  assert.deepEqual(
    unlined.map(({ topic, handler, node, count }) => ({ topic, handler, node, count })),
    [{ ...of, count: 3 }],
  );
  const expected = new LineAccount(() => true);
  for (const offset of [3, 5, 6]) {
    const record = expected.found({ ...of, id: idOf(offset) }, hash("sha256", valueOf(offset), "hex"), false);
    assert.ok(record !== undefined);
    expected.addUnlined([record], []);
  }
  assert.deepEqual(unlined, expected.content.unlined);
});

test("the bucket of a record that is left behind is closed, whether or not it is counted", () => {
  const account = new LineAccount(() => true);
  const shipments = new ShipmentAccount(account);
  account.atEnd();
  shipments.resume({ formerNext: { "t/0": 1 }, undecided: new Map() });
  shipments.leftBehind(new Map([0, 1].map((offset) => [keyOf(offset), [foundAt(offset)]])));
  const laterMs = (second + 3600) * 1000;
  assert.equal(account.openFrom(laterMs), `${new Date(laterMs - 2 * minuteMs).toISOString().slice(0, 16)}Z`);
});

for (const [why, tailWaitMs] of [
  ["the look-up", 0],
  ["the socket's copy", 3_600_000],
] as const) {
  test(`the bucket of an alert that waits for ${why} is open, although the log was read to its end`, async () => {
    const account = new LineAccount(() => true);
    account.atEnd();
    const laterMs = (second + 3600) * 1000;
    const now = account.openFrom(laterMs);
    const delivery = new Delivery({ sink: new MemorySink(), account: new ShipmentAccount(account), tailWaitMs });
    if (tailWaitMs > 0) delivery.begin();
    delivery.offer("tail", alertBytes(idOf(1)));
    assert.equal(account.openFrom(laterMs), bucketOf(idOf(1)));
    if (tailWaitMs > 0) delivery.shipper.releaseAllHeld();
    else delivery.begin();
    await delivery.shipper.idle();
    account.passed(1);
    assert.equal(account.openFrom(laterMs), now);
  });
}

test("a partition of which the checkpoint knew nothing has no record that is counted twice", () => {
  const account = new LineAccount(() => true);
  const shipments = new ShipmentAccount(account);
  shipments.resume({ formerNext: { "t/1": 0 }, undecided: new Map() });
  const left = new Map([[keyOf(9), [foundAt(9)]]]);
  shipments.lookedUp(left);
  shipments.leftBehind(left);
  assert.deepEqual(account.content.unlined, []);
});

test("what no line has used is left when the look-up ends, one value for each record", () => {
  const found = new FoundRecords();
  found.done(keyOf(1));
  const values = new Map([1, 2, 3].map((offset) => [keyOf(offset), [foundAt(offset), foundAt(offset)]]));
  found.begin(new Map([1, 2, 3].map((offset) => [keyOf(offset), 2])), values);
  assert.ok(!found.use(() => keyOf(9)));
  assert.deepEqual(found.useValue(() => keyOf(2))?.value, foundAt(2));
  assert.ok(found.done(keyOf(2)));
  assert.deepEqual(
    [...found.end()].map(([key, each]) => [key, each.length]),
    [
      [keyOf(1), 1],
      [keyOf(3), 2],
    ],
  );
  assert.deepEqual([...found.end()], []);
});

test("a record of an earlier process of which the sink does not say how it is written is counted as it would be sent", async () => {
  const [sent, found] = [new LineAccount(() => true), new LineAccount(() => true)];
  const alert = alertBytes(idOf(1));
  const sending = new Delivery({ sink: new MemorySink(), account: new ShipmentAccount(sent) });
  sending.begin().offer("tail", alert);
  await sending.shipper.idle();
  sent.passed(1);
  const sink = new MemorySink();
  const finding = new Delivery({ sink, account: new ShipmentAccount(found) });
  finding.offer("tail", alert);
  finding.shipper.begin({ shipped: new Map([[lookupKey("m1", idOf(1), "wanted", alert), 1]]), next: {} });
  await finding.shipper.idle();
  found.passed(1);
  assert.equal(sink.records.length, 0);
  assert.equal([...found.content.records, ...found.content.unlined].length, 1);
  assert.deepEqual(found.content, sent.content);
});
