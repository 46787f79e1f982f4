import assert from "node:assert/strict";
import { test } from "node:test";
import { format } from "prettier";
import { atLeast, atMost, judge, type Figure } from "../../bench/figure.ts";
import { figuresTable, programsTable } from "../../bench/tables.ts";

const figure: Figure = {
  row: "c",
  what: "passthrough",
  unit: "lines/s",
  samples: [40_000, 10_000, 30_000, 20_000, 90_000],
  beside: { what: "rsyslog", samples: [10_000, 25_000, 20_000, 1000, 30_000] },
  limit: atLeast(1.5),
};
const { beside: _, ...alone } = figure;

function isReached(change: Partial<Figure>): boolean | undefined {
  return judge({ ...figure, ...change }).isReached;
}

test("a limit next to another program is on the ratio of the medians, without one on the median", () => {
  assert.equal(judge(figure).ratio, 1.5);
  assert.equal(isReached({}), true);
  assert.equal(isReached({ limit: atLeast(1.51) }), false);
  assert.equal(isReached({ limit: atMost(1.49) }), false);
  assert.equal(judge({ ...alone, beside: undefined, limit: atMost(30_000) }).isReached, true);
  assert.equal(judge({ ...alone, beside: undefined, limit: atMost(29_999) }).isReached, false);
});

test("what could not be measured on either side is not judged, and the table says why", () => {
  const missing = { samples: [], missing: "not installed" };
  for (const judged of [
    judge({ ...figure, ...missing }),
    judge({ ...figure, beside: { what: "rsyslog", ...missing } }),
  ]) {
    assert.equal(judged.isReached, undefined);
    assert.equal(judged.ratio, undefined);
    assert.match(figuresTable([judged]), /\| not installed +\|.*\| at least 1\.5 \| not measured \|/);
  }
});

test("both tables are Markdown as prettier writes it, with a line for each figure and program", async () => {
  const other = { ...figure, row: "g", what: "`wc -l`", limit: undefined, beside: undefined };
  const figures = figuresTable([judge(figure), judge({ ...figure, limit: atLeast(9) }), judge(other)]);
  const series = { samples: [1234.5, 0.123456] };
  const programs = programsTable([
    { row: "c", program: "ours", rate: series, processor: series, memory: series },
    { row: "c", program: "rsyslog", rate: { samples: [], missing: "failed" }, processor: series, memory: series },
  ]);
  for (const table of [figures, programs, figuresTable([judge(other)])]) {
    assert.equal(await format(table, { parser: "markdown", printWidth: 120 }), table);
  }
  assert.match(
    figures,
    /\| c +\| passthrough \| 30,000 lines\/s \| rsyslog +\| 20,000 lines\/s \| 1\.50 +\|.*\| reached/,
  );
  assert.match(figures, /\| \*\*missed\*\* \|/);
  assert.match(programs, /\| rsyslog \| failed /);
  assert.match(programs, /617 \(0\.123 to 1,235\)/);
});
