import assert from "node:assert/strict";
import { createWriteStream, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { test } from "node:test";
import { createGzip } from "node:zlib";
import { ban, day, ExplainWorld } from "./explain-world.ts";

const mostBytes = 100e6;
const filler = { data: { srcip: "198.51.100.7", note: "x".repeat(600) }, full_log: "nothing of interest" };

/** Writes an archive of so many megabytes, with an alert as its last line. */
async function largeArchive(world: ExplainWorld, name: string, megabytes: number, last: string): Promise<void> {
  const path = `${world.alerts}/2026/Nov/ossec-alerts-${name}`;
  await mkdir(dirname(path), { recursive: true });
  const lines = Array.from({ length: 1000 }, (_, at) => `${ban(`${day}.${at}`, filler)}\n`).join("");
  const times = Math.ceil((megabytes * 1e6) / lines.length);
  function* content(): Generator<string> {
    for (let time = 0; time < times; time++) yield lines;
    yield `${last}\n`;
  }
  const file = createWriteStream(path);
  if (name.endsWith(".gz")) await pipeline(Readable.from(content()), createGzip({ level: 1 }), file);
  else await pipeline(Readable.from(content()), file);
}

/** The peak of a command's memory in bytes. */
async function peakOf(
  world: ExplainWorld,
  args: readonly string[],
): Promise<{ peak: number; code: number; stdout: string }> {
  const report = world.directory.join("peak");
  const hook = world.file(
    "peak.cjs",
    `process.on("exit", () => require("fs").writeFileSync(${JSON.stringify(report)}, String(process.resourceUsage().maxRSS)));`,
  );
  const { code, stdout } = await world.run(args, "", undefined, { NODE_OPTIONS: `--require=${hook}` });
  return { peak: Number(readFileSync(report, "utf8")) * 1024, code, stdout };
}

test("explain searches large plain and compressed archives in less than 100 MB", async () => {
  await using world = await ExplainWorld.create();
  const [wanted, hashed] = [ban("1795255201.7"), ban(`${day}.1`, { id: undefined })];
  await largeArchive(world, "20.json.gz", 400, hashed);
  await largeArchive(world, "21.json", 400, wanted);
  await largeArchive(world, "22.json.gz", 400, wanted);
  const { peak, code, stdout } = await peakOf(world, ["explain", "--json", "1795255201.7"]);
  const { matches, searched } = JSON.parse(stdout);
  assert.deepEqual([code, matches.length], [1, 2]);
  assert.ok(searched.bytes > 1.2e9, `${searched.bytes} bytes were searched`);
  assert.ok(peak < mostBytes, `${peak} bytes at the peak`);
  const none = await peakOf(world, [
    "explain",
    "sha256:0123456789abcdef",
    "--from",
    "2026-11-20",
    "--to",
    "2026-11-22",
  ]);
  assert.equal(none.code, 66);
  assert.ok(none.peak < mostBytes, `${none.peak} bytes at the peak`);
});

test("test and replay hold no more of a file than they work on", async () => {
  await using world = await ExplainWorld.create();
  await largeArchive(world, "20.json", 400, ban(`${day}.1`));
  const file = `${world.alerts}/2026/Nov/ossec-alerts-20.json`;
  for (const args of [
    ["test", "--json", file],
    ["replay", "--dry-run", "--json", file],
  ]) {
    const { peak, code } = await peakOf(world, args);
    assert.equal(code, 0, args.join(" "));
    assert.ok(peak < 2 * mostBytes, `${peak} bytes at the peak of ${args[0]}`);
  }
});
