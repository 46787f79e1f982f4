/** The code cache that is made when the package is installed: what a start takes of it, and what it refuses. */
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, resolve } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import {
  codeCachePath,
  encodeCodeCache,
  type Program as Compiled,
  readCodeCache,
  readProgram,
} from "../../daemon/start/code-cache.ts";
import { mayMount as isRoot } from "../rig/small-disk.ts";
import { Program } from "../rig/program.ts";
import { TempDir } from "../rig/temp-dir.ts";

const run = promisify(execFile);
const names = ["wazuh-dfn.cjs", "wazuh-dfn-start.cjs", "make-code-cache.cjs"];

/** Made once, by the first test. */
let made: Buffer | undefined;

/** The program as it is installed, with its code cache. */
class Installed implements AsyncDisposable {
  readonly #dir: TempDir;

  private constructor(dir: TempDir) {
    this.#dir = dir;
  }

  static async create(): Promise<Installed> {
    const installed = new Installed(await TempDir.create());
    for (const name of names) copyFileSync(resolve("dist", name), installed.join(name));
    if (made === undefined) {
      installed.makeCache();
      made = readFileSync(installed.cache);
    } else writeFileSync(installed.cache, made, { mode: 0o644 });
    return installed;
  }

  makeCache(flags: readonly string[] = []): void {
    execFileSync(process.execPath, [...flags, this.join("make-code-cache.cjs")], { stdio: "inherit" });
  }

  join(name: string): string {
    return this.#dir.join(name);
  }

  get program(): Compiled {
    return readProgram(this.join("wazuh-dfn.cjs"));
  }

  get cache(): string {
    return codeCachePath(this.join("wazuh-dfn.cjs"));
  }

  async version(): Promise<string> {
    const { stdout, stderr } = await run(process.execPath, [this.join("wazuh-dfn-start.cjs"), "version"], { env: {} });
    assert.equal(stderr, "");
    return stdout;
  }

  /** Whether V8 takes the data: in a process of its own, because V8 remembers what it has compiled. */
  async isTaken(): Promise<boolean> {
    const module = JSON.stringify(resolve("build/daemon/start/code-cache.js"));
    const source = `import { compile, readCodeCache, readProgram } from ${module};
      const program = readProgram(${JSON.stringify(this.join("wazuh-dfn.cjs"))});
      console.log(compile(program, readCodeCache(program)).cachedDataRejected === false);`;
    const { stdout } = await run(process.execPath, ["--input-type=module", "-e", source]);
    return stdout === "true\n";
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#dir[Symbol.asyncDispose]();
  }
}

const expected = (await run(process.execPath, [resolve("dist/wazuh-dfn.cjs"), "version"])).stdout;

test("the cache is one file that others cannot write; V8 takes it, and a start with it does what one without it does", async () => {
  await using installed = await Installed.create();
  assert.deepEqual(readdirSync(installed.join(".")).toSorted(), [...names, basename(installed.cache)].toSorted());
  assert.equal(statSync(installed.cache).mode & 0o777, 0o644);
  assert.equal(await installed.isTaken(), true);
  assert.ok(
    installed.program.source.every((byte) => byte < 0x80),
    "a start reads the program as ASCII",
  );
  assert.equal(await installed.version(), expected);
  const wrong = run(process.execPath, [installed.join("wazuh-dfn-start.cjs"), "no-such-command"]);
  await assert.rejects(wrong, { code: 64, stderr: /no-such-command/ });
});

test("a forwarder runs with it, and no start writes it", async () => {
  await using installed = await Installed.create();
  const before = statSync(installed.cache, { bigint: true });
  await using dir = await TempDir.create();
  writeFileSync(dir.join("alerts.json"), "");
  const settings = {
    dfn: { customer_id: "topic" },
    wazuh: { home: dir.path, feedback: "off" },
    sources: { socket: "off", tail: { path: dir.join("alerts.json") } },
    sink: { file: { path: dir.join("records") } },
    state_dir: dir.join("state"),
    status: { listen: dir.join("status.sock") },
  };
  writeFileSync(dir.join("config.yaml"), JSON.stringify(settings));
  const args = [installed.join("wazuh-dfn-start.cjs"), "run", "--config", dir.join("config.yaml")];
  await using forwarder = new Program(process.execPath, args);
  await forwarder.waitForLog(/"msg":"started"/);
  assert.equal((await forwarder.stop()).ended, 0);
  const after = statSync(installed.cache, { bigint: true });
  assert.deepEqual([after.ino, after.mtimeNs, after.size], [before.ino, before.mtimeNs, before.size]);
  assert.deepEqual(readdirSync(installed.join(".")).length, names.length + 1);
});

const damages: Readonly<Record<string, (installed: Installed) => void>> = {
  missing: ({ cache }) => rmSync(cache),
  empty: ({ cache }) => writeFileSync(cache, ""),
  "cut off": ({ cache }) => writeFileSync(cache, readFileSync(cache).subarray(0, -1)),
  "cut off in its head": ({ cache }) => writeFileSync(cache, readFileSync(cache).subarray(0, 30)),
  "one that has a byte more": ({ cache }) =>
    writeFileSync(cache, Buffer.concat([readFileSync(cache), Buffer.alloc(1)])),
  "of another form": ({ cache }) => writeFileSync(cache, readFileSync(cache).fill("2", 21, 22)),
  "one with an altered byte": ({ cache }) => {
    const bytes = readFileSync(cache);
    const at = bytes.length >> 1;
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    writeFileSync(cache, bytes);
  },
  "a link": ({ cache }) => {
    renameSync(cache, `${cache}.elsewhere`);
    symlinkSync(`${cache}.elsewhere`, cache);
  },
  "a pipe": ({ cache }) => {
    rmSync(cache);
    execFileSync("mkfifo", [cache]);
  },
  "a directory": ({ cache }) => {
    rmSync(cache);
    mkdirSync(cache);
  },
  "writable for its group": ({ cache }) => chmodSync(cache, 0o664),
  "writable for everybody": ({ cache }) => chmodSync(cache, 0o646),
};
for (const [what, damage] of Object.entries(damages)) {
  test(`a cache that is ${what} is not used, and does no harm`, async () => {
    await using installed = await Installed.create();
    damage(installed);
    assert.equal(readCodeCache(installed.program), undefined);
    assert.equal(await installed.version(), expected);
  });
}

test(
  "a cache that belongs to somebody else than the program does is not used: root would run what he wrote",
  { skip: isRoot ? false : "only root may give files away" },
  async () => {
    await using installed = await Installed.create();
    chownSync(installed.cache, 65534, 65534);
    assert.equal(readCodeCache(installed.program), undefined);
    assert.equal(await installed.version(), expected);
  },
);

test("a cache of another program is not used, even if that one is as long", async () => {
  await using installed = await Installed.create();
  const path = installed.join("wazuh-dfn.cjs");
  const source = readFileSync(path, "latin1");
  const number = /^wazuh-dfn (\S+),/.exec(expected)?.[1] ?? "";
  const other = number.replaceAll(/\d/g, "9");
  const altered = source.replaceAll(`"${number}"`, `"${other}"`);
  assert.notEqual(altered, source);
  writeFileSync(path, altered, "latin1");
  assert.equal(readCodeCache(installed.program), undefined);
  assert.equal(await installed.version(), expected.replace(number, other));
});

test("data that V8 refuses, because it was made with other flags or is none of its own, does no harm", async () => {
  await using installed = await Installed.create();
  installed.makeCache(["--no-opt"]);
  assert.notEqual(readCodeCache(installed.program), undefined);
  assert.equal(await installed.isTaken(), false);
  assert.equal(await installed.version(), expected);
  writeFileSync(installed.cache, encodeCodeCache(installed.program, Buffer.from("not V8's")));
  assert.notEqual(readCodeCache(installed.program), undefined);
  assert.equal(await installed.isTaken(), false);
  assert.equal(await installed.version(), expected);
});

test("where the cache cannot be written, making it fails, and leaves no former one", async () => {
  await using installed = await Installed.create();
  mkdirSync(`${installed.cache}.new`);
  const made = run(process.execPath, [installed.join("make-code-cache.cjs")]);
  await assert.rejects(made, { code: 1, stderr: /^make-code-cache: .*wazuh-dfn\.cache\.new/ });
  assert.deepEqual(readdirSync(installed.join(".")).includes(basename(installed.cache)), false);
});
