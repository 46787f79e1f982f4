/** What choose-way.cjs prints, and that it uses no tool that it has not seen at work. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { findFault } from "../../integration/fast-path/proof.ts";
import { findWay, render, ways, type Way } from "../../integration/fast-path/ways.ts";
import { howToInstall, installPrograms } from "../../scripts/kafka/programs.ts";
import { provideFastWays } from "../rig/custom-dfn.ts";
import { eventually } from "../rig/eventually.ts";
import { present } from "../rig/present.ts";
import { TempDir } from "../rig/temp-dir.ts";

const run = promisify(execFile);
const chooseWay = resolve("dist/choose-way.cjs");

async function print(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return run(process.execPath, [chooseWay, ...args]);
}

async function script(): Promise<string> {
  return readFile(resolve("dist/custom-dfn.sh"), "utf8");
}

test("each way of this system passes, also as another user, and is printed with absolute paths, the same each time", async () => {
  provideFastWays();
  const user = process.getuid?.() === 0 ? ["--uid", "65534", "--gid", "65534"] : [];
  for (const way of ways) {
    // A machine too busy to deliver within 50 ms makes it refuse a way that works.
    const printed = (): Promise<{ stdout: string; stderr: string }> =>
      eventually(`the way ${way}`, () => print("--way", way, ...user));
    const { stdout, stderr } = await printed();
    const settings =
      way === "own"
        ? `tool=${resolve("dist/hand-over")}\ntimeout=\ntail=`
        : "tool=/usr/bin/\\S+\ntimeout=/usr/bin/timeout\ntail=/usr/bin/tail";
    assert.match(stdout, new RegExp(`^way=${way}\n${settings}$`, "m"));
    assert.match(stderr, /^custom-dfn: the fast path, by \/\S+\n$/);
    assert.equal((await printed()).stdout, stdout);
  }
});

test("the bundled way is printed without trying anything, for any directory", async () => {
  const { stdout } = await print("--way", "bundled", "--lib", "/opt/dfn-1.0/lib");
  const expected = (await script()).replace(/^lib=.*$/m, "lib=/opt/dfn-1.0/lib");
  assert.equal(stdout, expected);
});

test("the package's own program comes first; where it is missing or does not work, a tool of the system is taken", async () => {
  await using dir = await TempDir.create();
  for (const name of ["choose-way.cjs", "custom-dfn.sh"]) await copyFile(resolve("dist", name), dir.join(name));
  const chosen = async (): Promise<string> => {
    const { stdout } = await run(process.execPath, [dir.join("choose-way.cjs"), "--lib", dir.join("lib")]);
    return /^way=(.*)$/m.exec(stdout)?.[1] ?? "";
  };
  await eventually("perl", async () => (await chosen()) === "perl");
  await copyFile(resolve("dist/hand-over"), dir.join("hand-over"));
  await eventually("the program next to it", async () => (await chosen()) === "own");
  await mkdir(dir.join("lib/bin"), { recursive: true });
  await writeFile(dir.join("lib/bin/hand-over"), "#!/bin/sh\nexit 0\n", { mode: 0o755 });
  assert.notEqual(await chosen(), "own", "the installed one comes first, and loses alerts");
});

test("for another system the package's own program is printed untried", async () => {
  const { stdout, stderr } = await print("--untried", "--lib", "/opt/dfn-1.0/lib");
  assert.match(stdout, /^lib=\/opt\/dfn-1\.0\/lib\nway=own\ntool=\/opt\/dfn-1\.0\/lib\/bin\/hand-over\n/m);
  assert.match(stderr, /the fast path, by \/opt\/dfn-1\.0\/lib\/bin\/hand-over, untried$/m);
});

test("shellcheck finds nothing in custom-dfn.sh", async () => {
  const missing = installPrograms(["shellcheck"]);
  assert.deepEqual(missing, [], howToInstall(missing));
  await run("shellcheck", [resolve("dist/custom-dfn.sh")]);
});

test("wrong arguments are reported", async () => {
  for (const args of [
    ["--way", "ftp"],
    ["--uid", "1"],
    ["--uid", "a", "--gid", "b"],
    ["--nothing"],
    ["--untried", "--way", "own"],
  ]) {
    await assert.rejects(print(...args), { code: 64, stderr: /^choose-way: .*\nusage:/ });
  }
  await assert.rejects(print("--lib", "/a b;c"), { code: 1, stderr: /not an absolute path of plain characters/ });
});

test("a tool that refuses, loses, cuts or hangs is detected", async () => {
  provideFastWays();
  await using dir = await TempDir.create();
  await chmod(dir.path, 0o755);
  const nc = present(findWay("nc", []));
  const faults: Record<string, { body: string; change?: Partial<Way> }> = {
    "did not arrive": { body: "exit 0" },
    "another program's options": { body: "exit 1" },
    cut: { body: `/usr/bin/head -c 50000 | '${nc.tool}' "$@"` },
    hangs: { body: "exec /bin/sleep 60", change: { timeout: dir.join("patient") } },
  };
  await writeFile(dir.join("patient"), '#!/bin/sh\nshift\nexec "$@"\n');
  await chmod(dir.join("patient"), 0o755);
  for (const [name, { body, change }] of Object.entries(faults)) {
    const tool = dir.join("tool");
    await writeFile(tool, `#!/bin/sh\n${body}\n`);
    await chmod(tool, 0o755);
    const text = render(await script(), "/nonexistent", { ...nc, tool, ...change });
    assert.notEqual(await findFault(text, undefined), undefined, name);
  }
});
