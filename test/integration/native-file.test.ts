/**
 * The native file as it is built: what it needs of a system, what protects it, and that the same source gives the same
 * bytes.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { loadNativeFile, nativeFileName } from "../../daemon/os/native.ts";
import { compileModule, compileNative, type NativeArch } from "../../scripts/bundle/native-file.ts";
import { TempDir } from "../rig/temp-dir.ts";

const run = promisify(execFile);
const root = resolve(".");
const arches: readonly NativeArch[] = ["x64", "arm64"];

/** The oldest C library that the package runs with. */
const oldestGlibc = [2, 28] as const;

async function readelf(path: string, ...options: string[]): Promise<string> {
  return (await run("readelf", ["--wide", ...options, path])).stdout;
}

/** Names of symbols that the file imports, with the version of the library that first had them. */
async function neededSymbols(path: string): Promise<[name: string, version: string | undefined][]> {
  const lines = (await readelf(path, "--dyn-syms")).split("\n").filter((line) => / UND +\S/.test(line));
  return lines.map((line) => {
    const [, name = "", version] = / UND +([^@\s]+)(?:@+(\S+))?/.exec(line) ?? [];
    return [name, version];
  });
}

for (const arch of arches) {
  test(`the native file for ${arch} runs with glibc 2.28, and needs nothing else but Node`, async () => {
    await using dir = await TempDir.create();
    const path = compileNative(root, dir.path, arch);
    assert.match(await readelf(path, "--file-header"), arch === "x64" ? /Machine: .*X86-64/ : /Machine: .*AArch64/);
    const symbols = await neededSymbols(path);
    assert.ok(symbols.some(([name]) => name === "getpwnam_r"));
    for (const [name, version] of symbols) {
      if (version === undefined) {
        assert.match(name, /^(?:napi_[a-z0-9_]+|SHA256_[A-Z][a-z]+)$/, "without a version there is only Node itself");
        continue;
      }
      const [, major, minor] = /^GLIBC_(\d+)\.(\d+)(?:\.\d+)?$/.exec(version) ?? [];
      assert.equal(Number(major), oldestGlibc[0], `${name} ${version}`);
      assert.ok(Number(minor) <= oldestGlibc[1], `${name} ${version}`);
    }
    const libraries = [...(await readelf(path, "--dynamic")).matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name]) => name);
    for (const name of libraries) assert.match(name ?? "", /^(libc\.so\.6|ld-linux-aarch64\.so\.1)$/);
  });

  test(`the native file for ${arch} has its protections: nothing is both writable and executable, no table is left writable`, async () => {
    await using dir = await TempDir.create();
    const path = compileNative(root, dir.path, arch);
    const segments = await readelf(path, "--program-headers");
    assert.match(segments, /GNU_STACK .* RW +0x/);
    assert.match(segments, /GNU_RELRO/);
    assert.doesNotMatch(segments, / RWE /);
    const dynamic = await readelf(path, "--dynamic");
    assert.match(dynamic, /FLAGS_1.*NOW/);
    assert.doesNotMatch(dynamic, /TEXTREL|RPATH|RUNPATH|INIT|FINI/);
    const names = (await neededSymbols(path)).map(([name]) => name);
    assert.ok(names.includes("__stack_chk_fail"));
    assert.ok(
      names.some((name) => name.endsWith("_chk") && name !== "__stack_chk_fail"),
      "copies are checked",
    );
    const notes = await readelf(path, "--notes");
    assert.match(notes, arch === "x64" ? /IBT, SHSTK/ : /BTI, PAC/);
  });

  test(`the same source gives the same native file for ${arch}, which names no directory and no compiler`, async () => {
    await using dir = await TempDir.create();
    const path = compileNative(root, dir.path, arch);
    await using elsewhere = await TempDir.create();
    await cp("daemon/os", elsewhere.join("daemon/os"), { recursive: true });
    await symlink(join(root, "node_modules"), elsewhere.join("node_modules"));
    await mkdir(elsewhere.join("out"));
    const other = compileNative(elsewhere.path, elsewhere.join("out"), arch);
    const bytes = await readFile(path);
    assert.ok(bytes.equals(await readFile(other)));
    assert.doesNotMatch(bytes.toString("latin1"), /\/(?:tmp|home|root|work)\/|GCC:|\.c\0/);
    assert.ok(bytes.length < 100_000, `${bytes.length} bytes`);
  });
}

test("a source with a warning is not compiled", async () => {
  await using dir = await TempDir.create();
  await symlink(join(root, "node_modules"), dir.join("node_modules"));
  await writeFile(dir.join("warned.c"), "static int unused(long size) { return size; }\n");
  assert.throws(
    () => compileModule(dir.path, ["warned.c"], dir.join("warned.node"), process.arch === "arm64" ? "arm64" : "x64"),
    /warned\.c does not compile for .*Werror=conversion/s,
  );
});

test("without a compiler, and without a way to install one, the build ends with the packages to install", async () => {
  await using dir = await TempDir.create();
  const module = JSON.stringify(resolve("build/scripts/bundle/native-file.js"));
  for (const [arch, packages] of [
    ["x64", process.arch === "x64" ? "gcc libc6-dev" : "gcc-x86-64-linux-gnu libc6-dev-amd64-cross"],
    ["arm64", process.arch === "arm64" ? "gcc libc6-dev" : "gcc-aarch64-linux-gnu libc6-dev-arm64-cross"],
  ] as const) {
    const source = `import { compileNative } from ${module}; compileNative(${JSON.stringify(root)}, ${JSON.stringify(dir.path)}, "${arch}");`;
    const call = run(process.execPath, ["--input-type=module", "-e", source], { env: { PATH: dir.path } });
    await assert.rejects(
      call,
      new RegExp(`there is no compiler for the native file: please install .*\\(Debian: ${packages}\\)`),
    );
  }
});

test("a native file that is missing, broken or of another release is named, with what to do", async () => {
  await using dir = await TempDir.create();
  const path = dir.join(nativeFileName(process.platform, process.arch));
  assert.throws(() => loadNativeFile(path), new RegExp(`the native file ${path} is missing`));
  await writeFile(path, "not an ELF file");
  assert.throws(() => loadNativeFile(path), new RegExp(`the native file ${path} cannot be loaded`));
  const other = process.arch === "x64" ? "arm64" : "x64";
  assert.throws(() => loadNativeFile(compileNative(root, dir.path, other)), /cannot be loaded/);
  const source = await readFile("daemon/os/native/dfn.c", "utf8");
  const later = source.replace(/#define INTERFACE_VERSION \d+/, "#define INTERFACE_VERSION 999");
  assert.notEqual(later, source);
  await cp("daemon/os/native", dir.join("later/daemon/os/native"), { recursive: true });
  await writeFile(dir.join("later/daemon/os/native/dfn.c"), later);
  await symlink(join(root, "node_modules"), dir.join("later/node_modules"));
  const laterFile = compileNative(dir.join("later"), dir.join("later"), process.arch === "arm64" ? "arm64" : "x64");
  assert.throws(
    () => loadNativeFile(laterFile),
    /is from another release: install the one built with this wazuh-dfn\.cjs/,
  );
});
