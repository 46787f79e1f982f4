import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decodeCheckpoint,
  encodeCheckpoint,
  type Body,
} from "../../../../../daemon/sources/tail/position/checkpoint.ts";
import { contentHash } from "../../../../../daemon/sources/tail/log/content-hash.ts";

const head = contentHash(Buffer.from("head"));
const identity = { id: "1:18446744073709551615", name: "2026/Nov/ossec-alerts-21", head };
const body: Body = {
  position: { ...identity, file: "/var/ossec/logs/alerts/alerts.json", offset: 5_000_000_000, before: head },
  afterRank: 12,
  finished: [{ ...identity, name: null, end: 7 }],
  doneBeyond: [{ ...identity, offsets: [1, 2, 3] }],
  notBeforeMs: null,
  newestSecond: 1_795_000_000,
  sink: { "topic/0": 9 },
  nodes: ["worker-1"],
  began: { timeMs: 1_795_000_000_000, name: "2026/Nov/ossec-alerts-20", offset: 4096 },
};
const text = encodeCheckpoint(body, 3);

test("what was written is read back", () => {
  assert.deepEqual(decodeCheckpoint(text), { kind: "valid", sequence: 3, body });
  const { nodes: _nodes, began: _began, ...older } = body;
  assert.deepEqual(decodeCheckpoint(encodeCheckpoint(older, 3)), { kind: "valid", sequence: 3, body: older });
  const empty: Body = { ...body, position: null, finished: [], doneBeyond: [], newestSecond: null, sink: {} };
  assert.deepEqual(decodeCheckpoint(encodeCheckpoint(empty, 0)), { kind: "valid", sequence: 0, body: empty });
});

test("a checkpoint that is cut at any byte is damaged", () => {
  for (let length = 0; length < text.length - 1; length++) {
    assert.deepEqual(decodeCheckpoint(text.slice(0, length)), { kind: "damaged" }, `cut at ${length}`);
  }
});

test("with any bit flipped it is not believed, unless it still says the same", () => {
  const bytes = Buffer.from(text);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const found = decodeCheckpoint(flipped.toString("utf8"));
    if (found.kind === "valid") assert.deepEqual(found.body, body, `bit ${bit}`);
  }
});

test("another version is foreign, another shape damaged, a wrong checksum doubtful", () => {
  assert.deepEqual(decodeCheckpoint(text.replace('"version":1', '"version":2')), { kind: "foreign", version: 2 });
  for (const other of ["null", "[]", "17", '"text"', "{}", '{"version":1}', '{"version":1,"sequence":1,"body":{}}']) {
    assert.deepEqual(decodeCheckpoint(other), { kind: "damaged" }, other);
  }
  assert.deepEqual(decodeCheckpoint(text.replace('"offset":5000000000', '"offset":-1')), { kind: "damaged" });
  assert.deepEqual(decodeCheckpoint(text.replace('"worker-1"', "7")), { kind: "damaged" });
  assert.deepEqual(decodeCheckpoint(text.replace('"offset":4096', '"offset":-4096')), { kind: "damaged" });
  const doubtful = decodeCheckpoint(text.replace('"afterRank":12', '"afterRank":13'));
  assert.deepEqual(doubtful, { kind: "doubtful", sequence: 3, body: { ...body, afterRank: 13 } });
});
