import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { inOwnProcess } from "../../daemon/commands/doctor-process.ts";
import { TempDir } from "../rig/temp-dir.ts";

const io = { env: { PATH: process.env["PATH"] }, stderr: process.stderr };
const report = '{"isConfigured":true,"findings":[{"link":"disk","state":"ok","text":"fine"}]}\n';
const longMs = 60_000;

async function run(script: string, withinMs: number): Promise<unknown> {
  await using temp = await TempDir.create();
  const file = temp.join("program.cjs");
  execFileSync("mkfifo", [temp.join("fifo")]);
  writeFileSync(file, script.replaceAll("FIFO", JSON.stringify(temp.join("fifo"))));
  return await inOwnProcess([file], io, withinMs);
}

test("a report is accepted from a process that cannot end because the system does not answer it", async () => {
  const script = `require("node:fs").open(FIFO, "r", () => {}); process.stdout.write(${JSON.stringify(report)});
    setTimeout(() => process.exit(0), 1);`;
  assert.deepEqual(await run(script, longMs), JSON.parse(report));
});

test("a process that hangs, even in a loop of its own, is ended when its time is over", async () => {
  assert.equal(await run(`require("node:fs").openSync(FIFO, "r");`, 300), undefined);
  assert.equal(await run("for (;;);", 300), undefined);
});

test("a process that uses too much memory, fails, or reports something else has no report", async () => {
  assert.equal(await run("const all = []; for (;;) all.push(new Array(1e6).fill(0.5));", longMs), undefined);
  assert.equal(await run("process.exit(3);", longMs), undefined);
  assert.equal(await run('console.log("{}"); setInterval(() => 0, 1000);', longMs), undefined);
  assert.equal(await run('for (;;) process.stdout.write("x".repeat(1e6));', longMs), undefined);
});
