import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { inspectSigningKeys, readSigningKeys } from "../../../daemon/config/manifest-keys.ts";
import { problemLine } from "../../../daemon/config/values/problem.ts";
import { DfnError } from "../../../daemon/errors.ts";
import { TempDir } from "../../rig/temp-dir.ts";
import { configOf, least } from "./written.ts";

/** The private keys in two files, the present one and the next one, which tests spoil. */
class Keys implements AsyncDisposable {
  readonly #directory: TempDir;
  readonly current: string;
  readonly next: string;

  constructor(directory: TempDir) {
    this.#directory = directory;
    this.current = directory.join("manifest.pem");
    this.next = `${this.current}.next`;
    putKey(this.current, generateKeyPairSync("ed25519").privateKey);
    putKey(this.next, generateKeyPairSync("ed25519").privateKey);
  }

  /** What `check` prints of them. */
  get lines(): string[] {
    const config = configOf(`${least}manifest: { topic: m, key_file: ${this.current} }\n`);
    return inspectSigningKeys(config).map(problemLine);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#directory[Symbol.asyncDispose]();
  }
}

async function keys(): Promise<Keys> {
  return new Keys(await TempDir.create());
}

function putKey(path: string, key: KeyObject, passphrase?: string): void {
  const pem = { format: "pem", type: "pkcs8" } as const;
  put(path, key.export(passphrase === undefined ? pem : { ...pem, cipher: "aes-256-cbc", passphrase }));
}

function put(path: string, text: string | Buffer): void {
  rmSync(path, { recursive: true, force: true });
  writeFileSync(path, text, { mode: 0o400 });
}

test("keys for the forwarder alone are in order, and read; the next one may be absent", async () => {
  await using at = await keys();
  assert.deepEqual(at.lines, []);
  assert.equal(readSigningKeys(at.current).next?.asymmetricKeyType, "ed25519");
  rmSync(at.next);
  assert.deepEqual(at.lines, []);
  const { current, next } = readSigningKeys(at.current);
  assert.deepEqual([current?.asymmetricKeyType, next], ["ed25519", undefined]);
});

test("no file is looked at while manifests are off, or not signed", () => {
  assert.deepEqual(inspectSigningKeys(configOf(least)), []);
  assert.deepEqual(inspectSigningKeys(configOf(`${least}manifest: { topic: m }\n`)), []);
  assert.deepEqual(readSigningKeys(undefined), { current: undefined, next: undefined });
});

const damaged = "-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----\n";
const remedyForKind = /; make one: openssl genpkey -algorithm ed25519$/;

const faults: readonly (readonly [what: string, spoil: (path: string) => void, says: RegExp, remedy: RegExp])[] = [
  ["that is damaged", (path) => put(path, damaged), /not a private key in PEM/, remedyForKind],
  ["that is empty", (path) => put(path, ""), /not a private key in PEM/, remedyForKind],
  [
    "with a pass phrase",
    (path) => putKey(path, generateKeyPairSync("ed25519").privateKey, "hunter2"),
    /PEM without pass phrase/,
    remedyForKind,
  ],
  [
    "of another type",
    (path) => putKey(path, generateKeyPairSync("ed448").privateKey),
    /type ed448; manifests are signed with Ed25519/,
    remedyForKind,
  ],
  ["that is huge", (path) => put(path, "x".repeat(70_000)), /larger than 65536 bytes/, /is this the right file\?$/],
  [
    "that is a directory",
    (path) => (rmSync(path), mkdirSync(path)),
    /not a regular file but a directory/,
    /name another file$/,
  ],
  [
    "that is a pipe",
    (path) => (rmSync(path), execFileSync("mkfifo", [path])),
    /not a regular file but a pipe/,
    /name another file$/,
  ],
  [
    "that everybody may read",
    (path) => chmodSync(path, 0o404),
    /may be read or written by everybody/,
    /; fix it with: chmod o-rw \S+, and replace the key$/,
  ],
  [
    "that everybody may write",
    (path) => chmodSync(path, 0o402),
    /may be read or written by everybody/,
    /; fix it with: chmod o-rw \S+, and replace the key$/,
  ],
];
for (const [what, spoil, says, remedy] of faults) {
  test(`a key ${what} is an error that names setting, file and remedy, be it the present or the next one`, async () => {
    await using at = await keys();
    for (const path of [at.next, at.current]) {
      spoil(path);
      const [line = "", ...others] = at.lines;
      assert.ok(line.startsWith(`manifest.key_file: ${path}`), line);
      assert.match(line, says);
      assert.match(line, remedy);
      // By then both are spoiled, and each is named.
      assert.equal(others.length, path === at.next ? 0 : 1);
      assert.throws(
        () => readSigningKeys(at.current),
        (reason) => reason instanceof DfnError && reason.code === "CONFIG" && reason.message === line,
      );
    }
  });
}

test("a key that is absent is an error with the command that makes one where nobody else can read it", async () => {
  await using at = await keys();
  rmSync(at.current);
  assert.deepEqual(at.lines, [
    `manifest.key_file: ${at.current} does not exist; make one with: (umask 077; openssl genpkey -algorithm ed25519 -out ${at.current})`,
  ]);
});

test("members of a group who may read a key are named in a warning, with the command that ends it", async (context) => {
  if (process.getuid?.() !== 0) return context.diagnostic("only root may change a file's owner");
  await using at = await keys();
  // A group with a member, unlike root's.
  const nogroup = 65534;
  for (const path of [at.current, at.next]) {
    chownSync(path, 0, nogroup);
    chmodSync(path, 0o440);
    const [line = "", ...others] = at.lines;
    assert.ok(line.startsWith(`warning: manifest.key_file: ${path}: every member of group `), line);
    assert.match(line, /may read this file, which is secret; fix it with: chown \S+: \S+ && chmod 0400 /);
    assert.deepEqual(others, []);
    chmodSync(path, 0o400);
    assert.deepEqual(at.lines, []);
  }
});
