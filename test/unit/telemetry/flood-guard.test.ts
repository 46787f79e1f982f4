import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { FloodGuard } from "../../../daemon/telemetry/flood-guard.ts";
import { guarded } from "../../../daemon/telemetry/log.ts";
import { eventually } from "../../rig/eventually.ts";

function recording(guard: FloodGuard) {
  const lines: Record<string, unknown>[] = [];
  const options = { base: null, timestamp: false as const, hooks: { logMethod: guarded(guard) } };
  const log = pino(options, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { log, lines };
}

test("of a kind that comes too often the rest is one line with its number, and other kinds go on", async () => {
  const guard = new FloodGuard({ burst: 3, everyMs: 20 });
  const { log, lines } = recording(guard);
  for (let n = 1; n <= 1000; n++) log.warn({ code: "often", n }, `text ${n}`);
  log.error({ code: "rare" }, "other");
  assert.deepEqual(
    lines.map(({ code, msg }) => [code, msg]),
    [
      ["often", "text 1"],
      ["often", "text 2"],
      ["often", "text 3"],
      ["rare", "other"],
    ],
  );
  const summed = await eventually("the rest", () => lines[4]);
  assert.deepEqual(summed, { level: 40, code: "often", n: 1000, lines: 997, msg: "text 1000" });
});

test("what is held back when the process ends is logged then", () => {
  const guard = new FloodGuard({ burst: 1 });
  const { log, lines } = recording(guard);
  for (let n = 0; n < 5; n++) log.info({ code: "often" }, "text");
  assert.equal(lines.length, 1);
  guard.flush();
  assert.deepEqual(lines[1], { level: 30, code: "often", lines: 4, msg: "text" });
});
