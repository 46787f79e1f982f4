/** The program by which custom-dfn hands over: what it takes, what it leaves to the bundled way, what it needs. */
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { appendFile, cp, mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { compileHandOver, type NativeArch } from "../../scripts/bundle/native-file.ts";
import { untilTaken } from "../rig/custom-dfn.ts";
import { LineServer } from "../rig/line-server.ts";
import { TempDir } from "../rig/temp-dir.ts";

const run = promisify(execFile);
const root = resolve(".");
const handOver = resolve("dist/hand-over");
const arches: readonly NativeArch[] = ["x64", "arm64"];

async function readelf(path: string, ...options: string[]): Promise<string> {
  return (await run("readelf", ["--wide", ...options, path])).stdout;
}

/** Exit code; nothing may be written. */
async function codeOf(...args: string[]): Promise<number> {
  try {
    assert.deepEqual(await run(handOver, args, { env: {}, timeout: 60_000 }), { stdout: "", stderr: "" });
    return 0;
  } catch (reason) {
    if (reason instanceof Error && "code" in reason && typeof reason.code === "number") return reason.code;
    throw reason;
  }
}

test("an alert of 16 MiB and bytes that are not UTF-8 arrive as they are; a file that is larger is left", async () => {
  await using dir = await TempDir.create();
  await using server = await LineServer.listen(dir.join("s"));
  const alert = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff, 0x00, 0xc3]), Buffer.from('"}\n')]);
  await writeFile(dir.join("a"), alert);
  await untilTaken(server, async () => assert.equal(await codeOf(dir.join("a"), dir.join("s")), 0));
  assert.ok(server.lines[0]?.equals(alert.subarray(0, -1)));

  const maxBytes = 16 * 1024 * 1024;
  await writeFile(dir.join("a"), `{"a":"${"x".repeat(maxBytes - 9)}"}\n`);
  assert.equal((await stat(dir.join("a"))).size, maxBytes);
  assert.equal(await codeOf(dir.join("a"), dir.join("s")), 0);
  await writeFile(dir.join("a"), `{"a":"${"x".repeat(maxBytes - 8)}"}\n`);
  assert.equal(await codeOf(dir.join("a"), dir.join("s")), 3);
});

test("what is not one line that holds an object is left to the bundled way, before anybody is connected to", async () => {
  await using dir = await TempDir.create();
  await using server = await LineServer.listen(dir.join("s"));
  const contents = ["", "\n", "}\n", "{}", "{\n}\n", "{}\n{}\n", "[{}]\n", " {}\n", "{} \n", "{}\r\n", "\0{}\n"];
  for (const content of contents) {
    await writeFile(dir.join("a"), content);
    assert.equal(await codeOf(dir.join("a"), dir.join("s")), 3, JSON.stringify(content));
  }
  execFileSync("mkfifo", [dir.join("pipe")]);
  for (const path of [dir.join("absent"), dir.path, dir.join("pipe"), "/dev/zero", "/dev/null"]) {
    assert.equal(await codeOf(path, dir.join("s")), 3, path);
  }
  assert.deepEqual(server.lines, []);
});

test("a call with other arguments, or a path that no socket can have, is left to the bundled way", async () => {
  await using dir = await TempDir.create();
  await writeFile(dir.join("a"), "{}\n");
  assert.equal(await codeOf(), 3);
  assert.equal(await codeOf(dir.join("a")), 3);
  assert.equal(await codeOf(dir.join("a"), dir.join("s"), "more"), 3);
  assert.equal(await codeOf(dir.join("a"), ""), 3);
  assert.equal(await codeOf(dir.join("a"), `/${"x".repeat(107)}`), 3);
  assert.equal(await codeOf(dir.join("a"), `/${"x".repeat(106)}`), 0, "nobody listens there");
});

test("it waits for the answer, in pieces too, and takes one that never ends for one", async () => {
  await using dir = await TempDir.create();
  await writeFile(dir.join("a"), "{}\n");
  for (const answer of ["accepted 1.1\n", "x".repeat(600)]) {
    await using server = await LineServer.listen(dir.join("s"), () => answer);
    await untilTaken(server, async () => assert.equal(await codeOf(dir.join("a"), dir.join("s")), 0));
  }
});

for (const arch of arches) {
  test(`the program for ${arch} runs with glibc 2.28, and needs nothing else`, async () => {
    await using dir = await TempDir.create();
    const path = compileHandOver(root, dir.path, arch);
    const imported = (await readelf(path, "--dyn-syms")).split("\n").filter((line) => / UND +\S/.test(line));
    assert.ok(imported.some((line) => line.includes(" connect@")));
    for (const line of imported) {
      const [, minor] = /@GLIBC_2\.(\d+)(?:\.\d+)? /.exec(line) ?? [];
      assert.ok(Number(minor) <= 28, line);
    }
    const dynamic = await readelf(path, "--dynamic");
    const libraries = [...dynamic.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name = ""]) => name);
    for (const name of libraries) assert.match(name, /^(libc\.so\.6|ld-linux-aarch64\.so\.1)$/);
    assert.match(dynamic, /FLAGS_1.*NOW.*PIE/);
    assert.doesNotMatch(dynamic, /TEXTREL|RPATH|RUNPATH|INIT|FINI/);
    const segments = await readelf(path, "--program-headers");
    assert.match(segments, /GNU_STACK .* RW +0x/);
    assert.match(segments, /GNU_RELRO/);
    assert.doesNotMatch(segments, / RWE /);
    assert.match(await readelf(path, "--notes"), arch === "x64" ? /IBT, SHSTK/ : /BTI, PAC/);
  });

  test(`the same source gives the same program for ${arch}, which names no directory and no compiler`, async () => {
    await using dir = await TempDir.create();
    await using elsewhere = await TempDir.create();
    await cp("integration/fast-path", elsewhere.join("integration/fast-path"), { recursive: true });
    await symlink(join(root, "node_modules"), elsewhere.join("node_modules"));
    await mkdir(elsewhere.join("out"));
    const bytes = await readFile(compileHandOver(root, dir.path, arch));
    assert.ok(bytes.equals(await readFile(compileHandOver(elsewhere.path, elsewhere.join("out"), arch))));
    assert.doesNotMatch(bytes.toString("latin1"), /\/(?:tmp|home|root|work)\/|GCC:|\.c\0/);
    await appendFile(
      elsewhere.join("integration/fast-path/hand-over.c"),
      "int more(void);\nint more(void) { return 1; }\n",
    );
    assert.ok(!bytes.equals(await readFile(compileHandOver(elsewhere.path, elsewhere.join("out"), arch))));
  });
}
