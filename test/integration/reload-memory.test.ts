import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { eventually } from "../rig/eventually.ts";
import { alertLine, StatusWorld } from "./status-world.ts";

const alertsEach = 2000;
const mebibyte = 1 << 20;

/** The most memory that a process has had, in bytes (proc(5)). */
function peakOf(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]) * 1024;
}

test("however often it is reloaded with changed settings, nothing of before is left in memory", async () => {
  await using world = await StatusWorld.create();
  const program = await world.start();
  let second = 1_700_000_000;
  const reload = async (times: number): Promise<void> => {
    for (let time = 0; time < times; time++) {
      world.writeLog(...Array.from({ length: alertsEach }, () => alertLine(second++)));
      await world.sentReach(second - 1_700_000_000);
      const before = program.errorLines.length;
      program.signal("SIGHUP");
      const isReady = (): boolean => program.errorLines.slice(before).some((line) => line.includes('"msg":"started"'));
      await eventually("the end of the reload", isReady);
    }
  };
  await reload(5);
  const early = peakOf(program.pid);
  await reload(20);
  const grown = peakOf(program.pid) - early;
  // The pairing window alone of a forwarder that is kept has 12 MiB.
  assert.ok(grown < 80 * mebibyte, `${Math.round(grown / mebibyte)} MiB more`);
});
