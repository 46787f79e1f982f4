/** Walking to a directory: whose links are followed, and what counts as root's own. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, chown, mkdir, rename, symlink, writeFile } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isOneDirectory, Missing, walk, walkToFile } from "../../../scripts/manager-tree/directory.ts";
import { mayMount } from "../../rig/small-disk.ts";
import { TempDir } from "../../rig/temp-dir.ts";

const skip = mayMount ? false : "only root may give files to other users";
const other = 65_534;

/** The name under which a file is found in the end. */
function nameOf(path: string): string {
  const { directory, name } = walkToFile("/", path);
  directory[Symbol.dispose]();
  return name;
}

test(
  "a directory of root's below root's is root's own; one below somebody else's, or one that others may write to, is not",
  { skip },
  async () => {
    await using dir = await TempDir.create();
    await mkdir(dir.join("ours/inner"), { recursive: true });
    await mkdir(dir.join("theirs/inner"), { recursive: true });
    await chown(dir.join("theirs"), other, other);
    await mkdir(dir.join("open"));
    await chmod(dir.join("open"), 0o775);
    const isRoots = (path: string): boolean => {
      using directory = walk("/", dir.join(path));
      return directory.isRoots;
    };
    assert.deepEqual(["ours", "ours/inner", "theirs", "theirs/inner", "open"].map(isRoots), [
      true,
      true,
      false,
      false,
      false,
    ]);
  },
);

test(
  "links are followed only if nobody but root can have made them: relative, absolute and below the top of an image",
  { skip },
  async () => {
    await using dir = await TempDir.create();
    await mkdir(dir.join("image/data/etc"), { recursive: true });
    await mkdir(dir.join("image/var"));
    await symlink("../data", dir.join("image/var/relative"));
    await symlink("/data", dir.join("image/var/absolute"));
    await symlink("etc", dir.join("image/data/link"));
    const root = dir.join("image");
    using plain = walk(root, "/data/etc");
    for (const path of ["/var/relative/etc", "/var/absolute/etc", "/var/absolute/link", "/var/../data/./etc/"]) {
      using found = walk(root, path);
      assert.ok(isOneDirectory(found, plain), path);
    }
    await chown(dir.join("image/data"), other, other);
    assert.throws(() => walk(root, "/data/link"), /data\/link is a symbolic link/);
    assert.throws(() => walk(root, "/data/none"), Missing);
    await symlink("loop", dir.join("image/var/loop"));
    assert.throws(() => walk(root, "/var/loop"), /too many symbolic links/);
  },
);

test("a link in /tmp is followed if it is root's, and not if it is somebody else's", { skip }, async () => {
  await using dir = await TempDir.create();
  await mkdir(dir.join("tmp"));
  await chmod(dir.join("tmp"), 0o1777);
  await writeFile(dir.join("file"), "");
  await symlink("../file", dir.join("tmp/ours"));
  await chmod(dir.path, 0o755);
  execFileSync("ln", ["-s", "../file", dir.join("tmp/theirs")], { uid: other, gid: other });
  assert.equal(nameOf(dir.join("tmp/ours")), "file");
  assert.equal(nameOf(dir.join("tmp/theirs")), "theirs");
});

test(
  "what is in a directory is reached in that directory, wherever it was moved and whatever took its place",
  { skip },
  async () => {
    await using dir = await TempDir.create();
    await mkdir(dir.join("here"));
    await writeFile(dir.join("here/file"), "the one");
    using directory = walk("/", dir.join("here"));
    await rename(dir.join("here"), dir.join("there"));
    await mkdir(dir.join("here"));
    await writeFile(dir.join("here/file"), "another");
    assert.equal(readFileSync(directory.at("file"), "utf8"), "the one");
    for (const name of ["", ".", "..", "a/b", "a\0b"]) assert.throws(() => directory.at(name), /is not a file name/);
  },
);
