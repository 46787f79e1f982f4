import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { test } from "node:test";
import { eventually } from "../../rig/eventually.ts";
import { OtherPrograms } from "../../rig/other-programs.ts";

const spin = "for (;;);";
const long = 1_000_000;

test("what a program takes that does not descend from this one is subtracted", async () => {
  const others = new OtherPrograms();
  // Its parent ends at once, so it is init's child.
  const script = `timeout 100 "$0" -e "$1" >/dev/null 2>&1 & echo $!`;
  const orphan = Number(spawnSync("sh", ["-c", script, process.execPath, spin], { encoding: "utf8" }).stdout);
  try {
    await eventually("its share", () => others.without(long) < long);
  } finally {
    process.kill(orphan, "SIGTERM");
  }
});

test("what children take is not, also when they have ended: here all processors", async () => {
  const others = new OtherPrograms();
  const code = "while (process.cpuUsage().user < 1e6);";
  const children = Array.from({ length: availableParallelism() }, () => spawn(process.execPath, ["-e", code]));
  await Promise.all(children.map((child) => once(child, "close")));
  assert.ok(others.without(long) > long / 20);
});
