/** What `npm run build` leaves in dist/. The tests are run in the root of the checkout. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, cp, mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { builtinModules, createRequire } from "node:module";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { build, type Plugin } from "esbuild";
import { exitCodes } from "../../daemon/errors.ts";
import { nativeFileName } from "../../daemon/os/native.ts";
import { bundleCustomDfn, bundleForwarder } from "../../scripts/bundle/bundles.ts";
import { kafkajsPatch, patchRequestQueue } from "../../scripts/bundle/kafkajs-patch.ts";
import { Program } from "../rig/program.ts";
import { TempDir } from "../rig/temp-dir.ts";

const root = resolve(".");
const dist = resolve("dist");
const native = nativeFileName(process.platform, process.arch);
const require = createRequire(import.meta.url);
const run = promisify(execFile);

function required(source: string): string[] {
  return [...source.matchAll(/\b(?:require|import)\(\s*["'`]([^"'`]+)["'`]\s*\)/g)].map(([, name = ""]) => name);
}

test("custom-dfn is one executable file that loads node:fs and node:net, and nothing else", async () => {
  const source = await readFile(join(dist, "custom-dfn"), "utf8");
  assert.ok(source.startsWith("#!/usr/bin/env node\n"));
  assert.deepEqual([...new Set(required(source))].toSorted(), ["node:fs", "node:net"]);
  assert.doesNotMatch(source, /\bimport\b\s*[({"'*]/);
  assert.equal((await stat(join(dist, "custom-dfn"))).mode & 0o777, 0o755);
});

test("custom-dfn runs where integratord keeps it: without a package.json nearby", async () => {
  await using dir = await TempDir.create();
  await copyFile(join(dist, "custom-dfn"), dir.join("custom-dfn"));
  await assert.rejects(run(process.execPath, [dir.join("custom-dfn")]), { code: 2, stderr: /^usage: custom-dfn/ });
});

test("the forwarder is one file that loads only modules of Node", async () => {
  const source = await readFile(join(dist, "wazuh-dfn.cjs"), "utf8");
  const foreign = required(source).filter((name) => !builtinModules.includes(name.replace(/^node:/, "")));
  assert.deepEqual(foreign, []);
});

test("the forwarder runs away from its checkout, and knows its version", async () => {
  await using dir = await TempDir.create();
  await cp(dist, dir.join("dist"), { recursive: true });
  const { stdout } = await run(process.execPath, [dir.join("dist/wazuh-dfn.cjs"), "version", "--json"], { cwd: "/" });
  const manifest: { version: string } = JSON.parse(await readFile("package.json", "utf8"));
  const report: { version: string } = JSON.parse(stdout);
  assert.equal(report.version, manifest.version);
});

test("the forwarder runs without the native file: it reports that it has no lock and no feedback, and continues", async () => {
  await using dir = await TempDir.create();
  await copyFile(join(dist, "wazuh-dfn.cjs"), dir.join("wazuh-dfn.cjs"));
  await writeSettings(dir);
  const args = [dir.join("wazuh-dfn.cjs"), "run", "--config", dir.join("config.yaml")];
  await using forwarder = new Program(process.execPath, args);
  await forwarder.waitForLog(/wazuh-dfn-linux-\w+\.node is missing.*cannot be locked without the native file/);
  await forwarder.waitForLog(/feedback to Wazuh is off.*is missing/);
  await forwarder.waitForLog(/"msg":"started"/);
  assert.equal((await forwarder.stop()).ended, 0);
});

/** A `config.yaml` in the directory, for a forwarder that has all it needs there. */
async function writeSettings(dir: TempDir): Promise<void> {
  await mkdir(dir.join("home/logs/alerts"), { recursive: true });
  const settings = {
    dfn: { customer_id: "topic" },
    wazuh: { home: dir.join("home") },
    sources: { socket: { path: dir.join("alerts.sock") } },
    sink: { file: { path: dir.join("records") } },
    state_dir: dir.join("state"),
    status: { listen: dir.join("status.sock") },
  };
  await writeFile(dir.join("config.yaml"), JSON.stringify(settings));
}

test("the licence of wazuh-dfn and those of everything in the bundle are next to it", async () => {
  assert.ok((await readFile(join(dist, "LICENSE"))).equals(await readFile("LICENSE")));
  await using out = await TempDir.create();
  const inputs = await bundleForwarder(root, out.path);
  const inside = new Set(inputs.flatMap((input) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? []));
  assert.ok(inside.has("kafkajs") && inside.size > 10);
  const texts = (await readFile(join(dist, "THIRD-PARTY-LICENCES"), "utf8")).split(/^-{80}$/m).slice(1);
  const named = texts.map((text) => /^\n\n(\S+) [\d.]+ \([\w.-]+\)\n\n\S/.exec(text)?.[1] ?? "");
  assert.deepEqual([...new Set(named)].toSorted(), [...inside].toSorted());
  for (const text of texts) assert.match(text, /copyright|licen[cs]e|permission/i);
});

test("no bundle names the machine that it was built on", async () => {
  for (const name of ["custom-dfn", "wazuh-dfn.cjs"]) {
    const source = await readFile(join(dist, name), "utf8");
    assert.ok(!source.includes(root), name);
  }
});

test("the same input gives the same bytes, wherever they are written", async () => {
  await using first = await TempDir.create();
  await using second = await TempDir.create();
  for (const { path } of [first, second]) {
    await bundleCustomDfn(root, path);
    await bundleForwarder(root, path);
  }
  for (const name of ["custom-dfn", "wazuh-dfn.cjs"]) {
    assert.ok((await readFile(first.join(name))).equals(await readFile(second.join(name))), name);
  }
});

test("a checkout elsewhere that shares its node_modules gives the same bytes", async () => {
  await using checkout = await TempDir.create();
  for (const name of ["daemon", "integration", "node_modules", "package.json", "tsconfig.json"]) {
    await symlink(join(root, name), checkout.join(name));
  }
  await using out = await TempDir.create();
  await bundleForwarder(checkout.path, out.path);
  assert.ok((await readFile(out.join("wazuh-dfn.cjs"))).equals(await readFile(join(dist, "wazuh-dfn.cjs"))));
});

test("the native file is found next to the bundle, and the lock of the state directory is taken with it", async () => {
  await using dir = await TempDir.create();
  for (const name of ["wazuh-dfn.cjs", native]) await copyFile(join(dist, name), dir.join(name));
  await writeSettings(dir);
  const args = [dir.join("wazuh-dfn.cjs"), "run", "--config", dir.join("config.yaml")];
  await using first = new Program(process.execPath, args, { cwd: "/" });
  await first.waitForLog(/"msg":"started"/);
  await using second = new Program(process.execPath, args, { cwd: "/" });
  assert.equal(await second.end(), exitCodes.UNAVAILABLE);
});

interface RequestQueue {
  readonly throttleCheckTimeoutId: NodeJS.Timeout | null;
  readonly pending: unknown[];
  throttledUntil: number;
  checkPendingRequests(): void;
  destroy(): void;
}

/** kafkajs's request queue as it comes out of a bundle. */
async function loadRequestQueue(dir: TempDir, name: string, plugins: Plugin[]): Promise<RequestQueue> {
  const outfile = dir.join(`${name}.cjs`);
  const entryPoints = [join(root, "node_modules/kafkajs/src/network/requestQueue/index.js")];
  await build({ entryPoints, outfile, bundle: true, platform: "node", format: "cjs", target: "node20", plugins });
  const Queue: new (options: object) => RequestQueue = require(outfile);
  return new Queue({ maxInFlightRequests: 1, requestTimeout: 1000, clientId: "", broker: "", logger: {} });
}

test("the patch removes the idle timer from kafkajs, and keeps the timers that are needed", async () => {
  await using dir = await TempDir.create();
  const stock = await loadRequestQueue(dir, "stock", []);
  stock.checkPendingRequests();
  assert.notEqual(stock.throttleCheckTimeoutId, null, "kafkajs no longer has the defect: the patch can be removed");
  stock.destroy();

  const patched = await loadRequestQueue(dir, "patched", [kafkajsPatch()]);
  patched.checkPendingRequests();
  assert.equal(patched.throttleCheckTimeoutId, null);
  patched.throttledUntil = Date.now() + 60_000;
  patched.checkPendingRequests();
  assert.notEqual(patched.throttleCheckTimeoutId, null, "throttled by the broker");
  patched.destroy();
  patched.pending.push({});
  patched.checkPendingRequests();
  assert.notEqual(patched.throttleCheckTimeoutId, null, "a request waits");
  patched.destroy();
});

test("the forwarder's bundle contains the patch", async () => {
  const source = await readFile(join(dist, "wazuh-dfn.cjs"), "utf8");
  assert.match(
    source,
    /scheduleCheckPendingRequests\(\)\s*\{[^}]*CHECK_PENDING_REQUESTS_INTERVAL[^}]*scheduleAt\s*<=\s*0/,
  );
});

test("the build fails if the patch does not apply, or finds nothing to patch", async () => {
  const source = await readFile("node_modules/kafkajs/src/network/requestQueue/index.js", "utf8");
  assert.notEqual(patchRequestQueue(source), source);
  assert.throws(
    () => patchRequestQueue(source.replaceAll("this.pending.length > 0", "this.pending.size > 0")),
    /changed/,
  );
  assert.throws(() => patchRequestQueue(patchRequestQueue(source)), /changed/);
  assert.throws(() => patchRequestQueue(""), /changed/);

  await using dir = await TempDir.create();
  const stdin = { contents: "console.log(1)", resolveDir: root };
  const nothing = build({ stdin, outfile: dir.join("out.cjs"), plugins: [kafkajsPatch()], logLevel: "silent" });
  await assert.rejects(nothing, /requestQueue was not patched/);
});
