import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { present } from "../../rig/present.ts";
import { StepClock } from "../../rig/step-clock.ts";
import { TempDir } from "../../rig/temp-dir.ts";

const dayMs = 86_400_000;
/** Answers each line with the readings of both of its clocks, in milliseconds. */
const program = `process.stdin.on("data", () => console.log(Date.now() + " " + Number(process.hrtime.bigint()) / 1e6))`;

test("a running program sees its wall clock move at once, to 1970 and back, while its other clock keeps running", async (t) => {
  await using directory = await TempDir.create();
  using clock = StepClock.create(directory.path);
  if (clock === undefined) return t.skip("the clock of programs cannot be moved here");
  const child = spawn(process.execPath, ["-e", program], {
    env: clock.environment,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const look = async (): Promise<{ wallMs: number; steadyMs: number }> => {
    child.stdin.write("?");
    const { value } = await lines.next();
    const [wallMs, steadyMs] = String(value).split(" ").map(Number);
    return { wallMs: present(wallMs), steadyMs: present(steadyMs) };
  };
  const first = await look();
  const startedMs = Date.now();
  clock.offsetMs = -startedMs;
  const epoch = await look();
  clock.offsetMs = dayMs;
  const tomorrow = await look();
  clock.offsetMs = 0;
  const last = await look();
  child.kill();
  assert.ok(
    epoch.wallMs >= 0 && epoch.wallMs < dayMs / 2,
    `${epoch.wallMs} is not in the first half of 1 January 1970`,
  );
  assert.ok(tomorrow.wallMs >= first.wallMs + dayMs, `${tomorrow.wallMs} is not a day after ${first.wallMs}`);
  assert.ok(last.wallMs >= first.wallMs && last.wallMs < first.wallMs + dayMs / 2, `${last.wallMs} is not right again`);
  const steady = [first, epoch, tomorrow, last].map(({ steadyMs }) => steadyMs);
  assert.deepEqual(
    steady,
    steady.toSorted((a, b) => a - b),
  );
});
