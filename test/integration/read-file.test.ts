import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { readRegularFile, readRegularFileSync, type ReadLimits } from "../../daemon/disk/read-file.ts";
import { TempDir } from "../rig/temp-dir.ts";

const limits: ReadLimits = { maxBytes: 1000, links: "refuse" };

for (const [name, read] of [
  ["waiting", readRegularFile],
  ["at once", async (path: string, limits: ReadLimits) => readRegularFileSync(path, limits)],
] as const) {
  test(`a regular file is read whole (${name})`, async () => {
    await using dir = await TempDir.create();
    writeFileSync(dir.join("f"), "x".repeat(1000));
    assert.equal((await read(dir.join("f"), limits)).length, 1000);
    assert.ok((await read("/proc/self/stat", limits)).length > 0, "also one whose size is reported as 0");
  });

  test(`a FIFO, a device, a directory, a link and a huge file are refused, and none of them blocks (${name})`, async () => {
    await using dir = await TempDir.create();
    const at = (file: string): string => dir.join(file);
    execFileSync("mkfifo", [at("fifo")]);
    symlinkSync("/etc/passwd", at("link"));
    writeFileSync(at("huge"), "");
    truncateSync(at("huge"), 2 ** 40);
    await assert.rejects(read(at("fifo"), limits), /not a regular file/);
    await assert.rejects(read("/dev/zero", limits), /not a regular file/);
    await assert.rejects(read(dir.path, limits), /a directory/);
    await assert.rejects(read(at("link"), limits), /symbolic link/);
    await assert.rejects(read(at("huge"), limits), /larger than 1000 bytes/);
    await assert.rejects(read("/proc/self/smaps", limits), /larger than 1000 bytes/, "one whose size is reported as 0");
    await assert.rejects(read(at("absent"), limits), { code: "ENOENT" });
    assert.ok((await read(at("link"), { maxBytes: 1e6, links: "follow" })).length > 0);
  });
}
