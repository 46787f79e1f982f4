import assert from "node:assert/strict";
import { test } from "node:test";
import { months, parseFileName, parseStem, rankOfDay } from "../../../../../daemon/sources/tail/log/dated-name.ts";

test("log files are ordered by date, then by part", () => {
  const stems = [
    "2025/Dec/ossec-alerts-31-002",
    "2026/Jan/ossec-alerts-01",
    "2026/Feb/ossec-alerts-28",
    "2026/Feb/ossec-alerts-28-001",
    "2026/Feb/ossec-alerts-28-009",
    "2026/Feb/ossec-alerts-28-010",
    "2026/Feb/ossec-alerts-28-999",
    "2026/Feb/ossec-alerts-28-1000",
    "2026/Mar/ossec-alerts-01",
  ];
  const ranks = stems.map((stem) => parseStem(stem)?.rank ?? 0);
  assert.deepEqual(
    ranks,
    ranks.toSorted((a, b) => a - b),
  );
  assert.equal(new Set(ranks).size, stems.length);
  for (const rank of ranks) assert.ok(Number.isSafeInteger(rank) && rank > 0);
});

test("a compressed file has the name of its plain one", () => {
  assert.deepEqual(parseFileName("2026", "Nov", "ossec-alerts-21-001.json.gz"), {
    name: { stem: "2026/Nov/ossec-alerts-21-001", rank: rankOfDay(2026, months.indexOf("Nov"), 21) + 1 },
    compressed: true,
  });
});

test("what is not an archived log file has no name", () => {
  for (const file of [
    "ossec-alerts-21.log",
    "ossec-alerts-21.json.sum",
    "ossec-alerts-21.json.gz.tmp",
    "ossec-archive-21.json",
    "ossec-alerts-1.json",
    "ossec-alerts-21-1.json",
    ".ossec-alerts-21.json",
  ]) {
    assert.equal(parseFileName("2026", "Nov", file), undefined, file);
  }
  assert.equal(parseFileName("2026", "nov", "ossec-alerts-21.json"), undefined);
  for (const stem of [
    "",
    "2026/Nov",
    "../2026/Nov/ossec-alerts-21",
    "2026/Nov/ossec-alerts-21/x",
    "26/Nov/ossec-alerts-21",
  ]) {
    assert.equal(parseStem(stem), undefined, stem);
  }
});
