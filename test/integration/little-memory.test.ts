/**
 * What log authors can make the forwarder keep, tried in processes whose heap is too small for one object per line or
 * token.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { TempDir } from "../rig/temp-dir.ts";

const run = promisify(execFile);
const lines = 1_500_000;
/** Fewer than the tail waits at. */
const doneLines = 350_000;

async function child(name: string, heapMiB: number, args: readonly string[]): Promise<Record<string, unknown>> {
  const path = fileURLToPath(new URL(`${name}.js`, import.meta.url));
  const { stdout } = await run(process.execPath, [`--max-old-space-size=${heapMiB}`, path, ...args]);
  const said: Record<string, unknown> = JSON.parse(stdout);
  return said;
}

for (const kind of ["ignored", "unwanted", "done"] as const) {
  const count = kind === "done" ? doneLines : lines;
  test(`${count} lines behind one open alert take no memory, and a small checkpoint (${kind})`, async () => {
    await using dir = await TempDir.create();
    mkdirSync(dir.join("state"));
    const file = openSync(dir.join("alerts.json"), "w");
    for (let written = 0; written < count; written += 10_000) writeSync(file, "x\n".repeat(10_000));
    const said = await child("one-open-line-child", kind === "done" ? 24 : 48, [
      dir.join("state"),
      dir.join("alerts.json"),
      kind,
    ]);
    const isIgnored = kind === "ignored";
    assert.equal(said["taken"], isIgnored ? 1 : count);
    assert.equal(said["ignored"], isIgnored ? count - 1 : 0);
    assert.equal(said["offset"], 2 * count);
    assert.ok(Number(said["offsets"]) < 5000, `${String(said["offsets"])} places in the sink are kept`);
    const mostBytes = kind === "done" ? 1024 * 1024 : 4096;
    assert.ok(Number(said["checkpointBytes"]) < mostBytes, `checkpoint of ${String(said["checkpointBytes"])} bytes`);
  });
}

const lineBytes = 15.5 * 1024 * 1024;
const head =
  '{"timestamp":"2026-11-29T08:00:00.000+0000","agent":{"id":"001"},"manager":{"name":"m"},"id":"1700000000.1"';
const ban = '"srcip":"198.51.100.7","program_name":"fail2ban.actions"';
const filled = (piece: string, bytes: number): string => piece.repeat(Math.floor(bytes / piece.length));
const hostile = {
  "escapes, numbers and blanks": `${head},"rule":{"groups":["fail2ban"]},"data":{${ban},"x":"${filled("\\/", lineBytes / 2)}","y":[ ${filled("7 ,", lineBytes / 2)}1]}}`,
  groups: `${head},"rule":{"groups":[${filled('"a",', lineBytes)}"fail2ban"]},"data":{${ban}}}`,
};

for (const [what, line] of Object.entries(hostile)) {
  test(`a line of 15.5 MB takes a few times its size while it is processed (${what})`, async () => {
    await using dir = await TempDir.create();
    writeFileSync(dir.join("line"), line);
    const { kind, peakBytes } = await child("hostile-line-child", 128, [dir.join("line")]);
    assert.equal(kind, "taken");
    assert.ok(Number(peakBytes) < 8 * lineBytes, `${Math.round(Number(peakBytes) / lineBytes)} times its size`);
  });
}
