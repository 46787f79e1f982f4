/** Files of our own in a directory that somebody else may write to, with root opening them. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chownSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { test } from "node:test";
import { keepAs, writeAtomically } from "../../daemon/disk/atomic-file.ts";
import { namesIn } from "../../daemon/disk/list-directory.ts";
import { behindOwnLink, createNew, openForAppending, openForReading } from "../../daemon/disk/open-file.ts";
import { walk } from "../../daemon/disk/walk-path.ts";
import { assertRoot, attackerId, AttackerLoop, attackersDirectory } from "../rig/attacker.ts";
import { TempDir } from "../rig/temp-dir.ts";

test("a link, a pipe, a directory and a device are opened neither for reading nor for appending", async () => {
  await using dir = await TempDir.create();
  writeFileSync(dir.join("target"), "root's");
  symlinkSync("target", dir.join("link"));
  symlinkSync("absent", dir.join("dangling"));
  execFileSync("mkfifo", [dir.join("fifo")]);
  mkdirSync(dir.join("directory"));
  for (const path of ["link", "dangling", "fifo", "directory"].map((name) => dir.join(name)).concat("/dev/null")) {
    for (const open of [openForReading, (path: string) => openForAppending(path, 0o600)]) {
      await assert.rejects(open(path), { code: "IO", message: /is a link, a pipe, a directory or a device/ }, path);
    }
  }
  assert.equal(readFileSync(dir.join("target"), "utf8"), "root's");
  assert.equal(existsSync(dir.join("absent")), false);
});

test("a new file is new: a link that has its name is removed, and its target stays", async () => {
  await using dir = await TempDir.create();
  writeFileSync(dir.join("target"), "root's");
  symlinkSync("target", dir.join("new"));
  await (await createNew(dir.join("new"), 0o600)).close();
  assert.ok(lstatSync(dir.join("new")).isFile());
  symlinkSync("target", dir.join(`whole.${process.pid}.new`));
  symlinkSync("target", dir.join("whole"));
  await writeAtomically(dir.join("whole"), "ours");
  await keepAs(dir.join("whole"), dir.join("second"), 100);
  assert.deepEqual(
    ["target", "whole", "second"].map((name) => readFileSync(dir.join(name), "utf8")),
    ["root's", "ours", "ours"],
  );
  symlinkSync("target", dir.join("link"));
  await keepAs(dir.join("link"), dir.join("kept"), 100);
  assert.ok(lstatSync(dir.join("kept")).isSymbolicLink(), "a name is kept, and nothing is copied from its target");
  assert.deepEqual(
    readdirSync(dir.path).filter((name) => name.endsWith(".new")),
    [],
  );
});

test("root writes whole files while another user swaps names next to them: nothing of root's is changed", async () => {
  assertRoot();
  await using dir = await TempDir.create();
  execFileSync("chmod", ["0711", dir.path]);
  writeFileSync(dir.join("target"), "root's");
  const place = attackersDirectory(dir.join("place"), 0o777);
  await using _loop = new AttackerLoop(
    `my ($place, $target, $pid) = @ARGV; for my $name ("$place/f.$pid.new", "$place/f", "$place/second") {
       unlink $name; symlink $target, $name; }`,
    [place, dir.join("target"), String(process.pid)],
  );
  for (let i = 0; i < 300; i++) {
    // The name may be taken each time, or be gone when it is to be renamed.
    await writeAtomically(`${place}/f`, "ours").catch(() => undefined);
    await keepAs(`${place}/f`, `${place}/second`, 100).catch(() => undefined);
    await openForAppending(`${place}/f`, 0o600).then(
      async (file) => {
        await file.appendFile("x");
        await file.close();
      },
      () => undefined,
    );
  }
  assert.equal(readFileSync(dir.join("target"), "utf8"), "root's");
  assert.deepEqual([lstatSync(dir.join("target")).uid, lstatSync(dir.join("target")).gid], [0, 0]);
});

test("a link is followed if root or this user made it, and nobody else", async () => {
  assertRoot();
  await using dir = await TempDir.create();
  writeFileSync(dir.join("target"), "");
  symlinkSync("target", dir.join("roots"));
  symlinkSync("target", dir.join("others"));
  lchownSync(dir.join("others"), attackerId, attackerId);
  assert.equal(await behindOwnLink(dir.join("roots")), dir.join("target"));
  assert.equal(await behindOwnLink(dir.join("others")), dir.join("others"));
  assert.equal(await behindOwnLink(dir.join("absent")), dir.join("absent"));
});

test("a walk reports who controls what is at a path", async () => {
  assertRoot();
  await using dir = await TempDir.create();
  mkdirSync(dir.join("a/b/c"), { recursive: true });
  const look = (path: string) => {
    using found = walk(dir.join(path));
    const { foreign, third, shared, absent, stats } = found;
    return { uid: stats.uid, foreign: foreign?.path, third, shared, absent };
  };
  const roots = { uid: 0, foreign: undefined, third: undefined, shared: undefined, absent: [] };
  assert.deepEqual(look("a/b/c"), roots);
  assert.deepEqual(look("a/x/y"), { ...roots, absent: ["x", "y"] });
  symlinkSync("a/b", dir.join("link"));
  assert.deepEqual(look("link/c"), roots, "root's link in root's directory");
  symlinkSync("loop", dir.join("loop"));
  assert.throws(() => walk(dir.join("loop")), /more than 40 links/);
  chownSync(dir.join("a"), attackerId, attackerId);
  assert.deepEqual(look("a/b/c"), { ...roots, foreign: dir.join("a") });
  symlinkSync("b", dir.join("a/link"));
  assert.throws(() => walk(dir.join("a/link/c")), /a\/link, a symbolic link that users other than root can change/);
  chownSync(dir.join("a/b"), attackerId + 1, attackerId);
  assert.deepEqual(look("a/b/c"), { ...roots, foreign: dir.join("a"), third: dir.join("a/b") });
  chownSync(dir.join("a"), 0, 0);
  execFileSync("chmod", ["0777", dir.join("a")]);
  assert.equal(look("a").shared, dir.join("a"));
  execFileSync("chmod", ["1777", dir.join("a")]);
  assert.equal(look("a").shared, undefined, "nobody renames what is another's in a sticky directory");
  writeFileSync(dir.join("file"), "");
  assert.throws(() => walk(dir.join("file/x")), /file is not a directory/);
});

test("more names than any directory of ours has are an error and are not held in memory", async () => {
  await using dir = await TempDir.create();
  for (let i = 0; i < 11; i++) writeFileSync(dir.join(String(i)), "");
  await assert.rejects(namesIn(dir.path, undefined, 10), { code: "IO", message: /holds more than 10 files/ });
  assert.deepEqual(await namesIn(dir.path, (name) => name === "7", 10), ["7"]);
  assert.equal((await namesIn(dir.path)).length, 11);
});
