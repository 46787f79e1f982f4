import assert from "node:assert/strict";
import { test } from "node:test";
import { searchGroups } from "../../../daemon/explain/search-order.ts";
import type { Archive } from "../../../daemon/sources/tail/log/archives.ts";
import { parseFileName } from "../../../daemon/sources/tail/log/dated-name.ts";
import { present } from "../../rig/present.ts";

const now = Date.UTC(2026, 10, 29, 12);
const noSpan = { fromMs: undefined, toMs: undefined };

function archive(month: string, file: string): Archive {
  const { name, compressed } = present(parseFileName("2026", month, `ossec-alerts-${file}.json`));
  return { path: `2026/${month}/${file}`, name, compressed, hasTwin: false };
}

const all = [
  archive("Oct", "31"),
  ...Array.from({ length: 29 }, (_, at) => archive("Nov", String(at + 1).padStart(2, "0"))),
  archive("Nov", "21-001"),
];

function groups(id: string, span: { fromMs: number | undefined; toMs: number | undefined } = noSpan): string[][] {
  return searchGroups(all, id, span, now).map((group) => group.map(({ path }) => path.slice(5)));
}

test("the day that the id names and its neighbours come first, the nearest at the front, then seven days around", () => {
  const [first, second] = groups(`${Date.UTC(2026, 10, 21, 10) / 1000}.7`);
  assert.deepEqual(first, ["Nov/21-001", "Nov/21", "Nov/22", "Nov/20"]);
  assert.deepEqual(second?.slice(0, 4), ["Nov/23", "Nov/19", "Nov/24", "Nov/18"]);
  assert.equal(second?.length, 12);
  const [start] = groups(`${Date.UTC(2026, 10, 1) / 1000}.7`);
  assert.deepEqual(start, ["Nov/01", "Nov/02", "Oct/31"]);
});

test("an id without a time, or with one in the future, means the last seven days", () => {
  for (const id of ["sha256:0123456789abcdef", "text", `${now / 1000 + 1e6}.1`]) {
    const [only, ...more] = groups(id);
    assert.deepEqual(more, []);
    assert.deepEqual(only?.[0], "Nov/29");
    assert.equal(only?.at(-1), "Nov/22");
  }
});

test("with a bound all days within it are searched, and none beyond the day next to it", () => {
  const span = { fromMs: Date.UTC(2026, 10, 10), toMs: Date.UTC(2026, 10, 11) };
  const [only, ...more] = groups(`${Date.UTC(2026, 10, 21) / 1000}.7`, span);
  assert.deepEqual([only, more], [["Nov/12", "Nov/11", "Nov/10", "Nov/09"], []]);
  assert.equal(groups("1.1", { fromMs: undefined, toMs: Date.UTC(2026, 10, 1) })[0]?.length, 3);
  assert.equal(groups("1.1", { fromMs: Date.UTC(2026, 10, 28), toMs: undefined })[0]?.at(-1), "Nov/29");
});
