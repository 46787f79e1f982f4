/**
 * What may run on the machine of whoever builds this: no dependency's install script that package.json does not name.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { TempDir } from "../rig/temp-dir.ts";

const run = promisify(execFile);
const root = resolve(".");

interface LockedPackage {
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
  readonly inBundle?: boolean;
}

interface Manifest {
  readonly allowScripts?: Readonly<Record<string, boolean>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
}

const manifest: Manifest = JSON.parse(readFileSync("package.json", "utf8"));
const lock: { packages: Record<string, LockedPackage> } = JSON.parse(readFileSync("package-lock.json", "utf8"));
const dependencies = Object.entries(lock.packages).filter(([place]) => place !== "");
const named = Object.keys(manifest.allowScripts ?? {});

function nameOf(place: string): string {
  return place.slice(place.lastIndexOf("node_modules/") + "node_modules/".length);
}

test("every dependency with an install script is named in package.json's allowScripts, and nothing else is", () => {
  const scripted = dependencies.filter(([, { hasInstallScript }]) => hasInstallScript === true);
  assert.deepEqual(
    scripted.map(([place]) => nameOf(place)),
    named,
  );
});

test("nothing installed has an install script that the lock file does not mention, or anything that node-gyp would build", () => {
  const installed = dependencies.filter(([place]) => existsSync(join(place, "package.json")));
  assert.ok(installed.length > 40, `${installed.length} packages`);
  for (const [place] of installed) {
    if (named.includes(nameOf(place))) continue;
    const { scripts = {} }: Manifest = JSON.parse(readFileSync(join(place, "package.json"), "utf8"));
    for (const event of ["preinstall", "install", "postinstall"]) assert.equal(scripts[event], undefined, place);
    assert.equal(existsSync(join(place, "binding.gyp")), false, place);
  }
});

test("every dependency is pinned: one version, and the hash of what the registry has to send", () => {
  const direct = { ...manifest.dependencies, ...manifest.devDependencies };
  for (const [name, version] of Object.entries(direct)) assert.match(version, /^\d+\.\d+\.\d+$/, name);
  for (const [place, { integrity }] of dependencies) assert.match(integrity ?? "", /^sha512-[\w+/]{86}==$/, place);
});

test("if npm knows the settings, it refuses a dependency with an install script that nobody approved", async () => {
  await using dir = await TempDir.create();
  await mkdir(dir.join("package"));
  const marker = dir.join("marker");
  const scripts = { postinstall: `echo was here >${marker}` };
  await writeFile(dir.join("package/package.json"), JSON.stringify({ name: "stranger", version: "1.0.0", scripts }));
  await run("tar", ["-czf", "stranger-1.0.0.tgz", "package"], { cwd: dir.path });
  await mkdir(dir.join("project"));
  await copyFile(".npmrc", dir.join("project/.npmrc"));
  const { allowScripts } = manifest;
  const project = {
    name: "project",
    version: "1.0.0",
    allowScripts,
    dependencies: { stranger: "file:../stranger-1.0.0.tgz" },
  };
  await writeFile(dir.join("project/package.json"), JSON.stringify(project));

  const { stdout } = await run("npm", ["config", "ls", "--long", "--json"], { cwd: dir.path });
  const knows = Object.hasOwn(JSON.parse(stdout), "strict-allow-scripts");
  const cwd = dir.join("project");
  const result = await run("npm", ["install", "--offline"], { cwd }).then(
    () => "installed",
    (reason: unknown) => (reason instanceof Error ? reason.message : String(reason)),
  );
  assert.match(result, knows ? /stranger@1\.0\.0 \(postinstall: / : /^installed$/);
  assert.equal(existsSync(marker), !knows);
});

test("the bundler works without its install script, which package.json denies", async () => {
  assert.equal(manifest.allowScripts?.["esbuild"], false);
  const source =
    "import { build } from 'esbuild'; console.log((await build({ stdin: { contents: '1 + 1' }, write: false })).outputFiles[0].text);";
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", source], { cwd: root });
  assert.match(stdout, /1 \+ 1/);
});
