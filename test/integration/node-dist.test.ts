/**
 * Node as the Node project signs it, compared with the Node that is packed: with keys and archives that are made here.
 */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { verifyNode } from "../../scripts/package/node-dist.ts";
import { useCertificates } from "../rig/npm-certificates.ts";
import { TempDir } from "../rig/temp-dir.ts";
import { ThrowAwayKeys } from "../rig/throw-away-keys.ts";

const node = Buffer.from("\x7fELF as the project built it");
const binary = { version: "1.2.3", arch: "arm64", node } as const;
const bare = "node-v1.2.3-linux-arm64";

const dir = await TempDir.create();
const keys = await ThrowAwayKeys.create();
after(async () => {
  await keys[Symbol.asyncDispose]();
  await dir[Symbol.asyncDispose]();
});
const releaser = keys.make("releaser@example.org", "never");
const stranger = keys.make("stranger@example.org", "never");
const keyring = keys.export(dir.join("keys.gpg"), ["releaser@example.org"]);

/** A directory as nodejs.org has it for a release, signed in both forms. */
function release(name: string, signer = releaser, more: readonly string[] = []): string {
  const directory = dir.join(name);
  mkdirSync(join(directory, bare, "bin"), { recursive: true });
  writeFileSync(join(directory, bare, "bin/node"), node);
  execFileSync("tar", ["-cJf", `${bare}.tar.xz`, bare], { cwd: directory });
  rmSync(join(directory, bare), { recursive: true });
  const digest = createHash("sha256")
    .update(readFileSync(join(directory, `${bare}.tar.xz`)))
    .digest("hex");
  const other = createHash("sha256").update("x").digest("hex");
  writeFileSync(
    join(directory, "SHASUMS256.txt"),
    `${other}  node-v1.2.3-linux-x64.tar.xz\n${digest}  ${bare}.tar.xz\n${other}  win-x64/${bare}.tar.xz.txt\n`,
  );
  for (const [form, suffix] of [
    ["--detach-sign", "sig"],
    ["--clearsign", "asc"],
  ] as const) {
    const list = join(directory, "SHASUMS256.txt");
    keys.gpg([...more, "--local-user", signer, "--output", `${list}.${suffix}`, form, list]);
  }
  return directory;
}

function without(directory: string, ...names: string[]): string {
  for (const name of names) rmSync(join(directory, name));
  return directory;
}

function verify(directory: string, its: { readonly node?: Buffer; readonly keys?: string } = {}): string {
  return verifyNode({ directory, keys: its.keys ?? keyring }, { ...binary, node: its.node ?? node }, dir.path);
}

test("the same Node is accepted, and the key that signed is named, with the signature next to the list or around it", () => {
  assert.equal(verify(release("both")), releaser);
  assert.equal(verify(without(release("detached"), "SHASUMS256.txt.asc")), releaser);
  assert.equal(verify(without(release("clearsigned"), "SHASUMS256.txt.sig", "SHASUMS256.txt")), releaser);
});

test("a Node that differs in one byte from the signed one is refused", () => {
  const other = Buffer.from(node);
  other[node.length - 1] = 0;
  assert.throws(() => verify(release("different"), { node: other }), /is not the one that the Node project signed/);
  assert.throws(() => verify(release("longer"), { node: Buffer.concat([node, node]) }), /is not the one/);
});

test("a list that somebody else signed, or nobody, is refused, whichever form the signature has", () => {
  for (const [name, form] of [
    ["stranger-sig", "SHASUMS256.txt.asc"],
    ["stranger-asc", "SHASUMS256.txt.sig"],
  ] as const) {
    assert.throws(() => verify(without(release(name, stranger), form)), /is not signed by a key in .*keys\.gpg/);
  }
  const unsigned = without(release("unsigned"), "SHASUMS256.txt.sig", "SHASUMS256.txt.asc");
  assert.throws(() => verify(unsigned), /cannot be compared .*SHASUMS256\.txt\.asc/);
  writeFileSync(join(unsigned, "SHASUMS256.txt.asc"), readFileSync(join(unsigned, "SHASUMS256.txt")));
  assert.throws(() => verify(unsigned), /is not signed by a key/);
});

test("an archive that was replaced is refused, even if the list was adjusted, before or after the signed part", () => {
  const replaced = release("replaced");
  const honest = readFileSync(join(replaced, "SHASUMS256.txt"), "utf8");
  appendFileSync(join(replaced, `${bare}.tar.xz`), "more");
  assert.throws(() => verify(replaced), /has the SHA-256 [0-9a-f]{64}, and the signed list says: [0-9a-f]{64} {2}/);

  const digest = createHash("sha256")
    .update(readFileSync(join(replaced, `${bare}.tar.xz`)))
    .digest("hex");
  const forged = honest.replace(/^.*linux-arm64\.tar\.xz$/m, `${digest}  ${bare}.tar.xz`);
  writeFileSync(join(replaced, "SHASUMS256.txt"), forged);
  assert.throws(() => verify(replaced), /is not signed by a key/);

  without(replaced, "SHASUMS256.txt.sig");
  const signed = readFileSync(join(replaced, "SHASUMS256.txt.asc"), "utf8");
  for (const text of [`${forged}${signed}`, `${signed}${forged}`]) {
    writeFileSync(join(replaced, "SHASUMS256.txt.asc"), text);
    assert.throws(() => verify(replaced), /has the SHA-256 .* and the signed list says/);
  }
  writeFileSync(join(replaced, "SHASUMS256.txt.asc"), `${signed}${signed}`);
  assert.throws(() => verify(replaced), /is not signed by a key/);
});

test("a list of another release is refused: it does not name that archive", () => {
  const directory = release("other-release");
  cpSync(join(directory, `${bare}.tar.xz`), join(directory, "node-v9.9.9-linux-arm64.tar.xz"));
  const other = { ...binary, version: "9.9.9" };
  assert.throws(() => verifyNode({ directory, keys: keyring }, other, dir.path), /names node-v9\.9\.9-.* 0 times/);
  assert.throws(() => verify(without(directory, `${bare}.tar.xz`)), /ENOENT.*linux-arm64\.tar\.xz/);
});

test("a key that was revoked or has expired does not vouch for a release, although gpgv accepts it", () => {
  const past = ["--faked-system-time", "20200101T000000"];
  const expired = keys.make("expired@example.org", "1y", past);
  const ring = keys.export(dir.join("expired.gpg"), ["expired@example.org"]);
  assert.throws(() => verify(release("expired", expired, past), { keys: ring }), /is signed, but the key has expired/);

  const revoked = keys.make("revoked@example.org", "never");
  const directory = release("revoked", revoked);
  keys.revoke(revoked);
  const other = keys.export(dir.join("revoked.gpg"), ["revoked@example.org"]);
  assert.throws(() => verify(directory, { keys: other }), /is signed, but the key has been revoked/);
});

test("a keyring in the wrong form is named with what to do; so is one that does not exist", () => {
  const directory = release("keyring");
  const armoured = keys.export(dir.join("keys.asc"), ["releaser@example.org"], ["--armor"]);
  assert.throws(() => verify(directory, { keys: armoured }), /is armoured, .*: gpg --dearmor <.*keys\.asc >keys\.gpg/);
  assert.throws(() => verify(directory, { keys: dir.join("absent") }), /cannot be compared .*absent/);
});

/** Standard error of a build that fails. */
function failedPackage(...args: string[]): string {
  useCertificates();
  const command = [resolve("build/scripts/package.js"), "--arch", process.arch, "--out", dir.join("out"), ...args];
  const { status, stderr } = spawnSync(process.execPath, command, { encoding: "utf8" });
  assert.equal(status, 1);
  return stderr;
}

test("npm run package requires both the files and the keys, and makes no package from a Node that is not signed", () => {
  const directory = release("package");
  assert.match(failedPackage("--node-dist", directory), /--node-dist and --node-keys belong together/);
  assert.match(
    failedPackage("--node-dist", directory, "--node-keys", keyring),
    /names node-v24\.\S+\.tar\.xz 0 times|ENOENT/,
  );
  assert.throws(() => readFileSync(dir.join("out", "SHA256SUMS")), { code: "ENOENT" });
});
