import assert from "node:assert/strict";
import { copyFile, mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import type { ConnectionOptions } from "node:tls";
import { TlsFiles, type TlsClientSettings } from "../../daemon/sinks/kafka/tls/tls.ts";
import { CertificateWatch } from "../../daemon/status/certificates.ts";
import { handshake, passphraseIn } from "../rig/tls-settings.ts";
import { TlsWorld } from "./tls-world.ts";

let world: TlsWorld;
before(async () => {
  world = await TlsWorld.create();
  for (const [name, passphrase] of [
    ["first", "one"],
    ["second", "two"],
  ]) {
    await world.pki.shell(`openssl pkey -in client.key -aes256 -passout pass:${passphrase} -out ${name}.key`);
    const out = `-passout pass:${passphrase} -out ${name}.p12`;
    await world.pki.shell(`openssl pkcs12 -export -in chain.pem -inkey client.key ${out}`);
  }
});
after(() => world[Symbol.asyncDispose]());

interface Renewed {
  readonly files: TlsFiles;
  readonly settings: TlsClientSettings;
  readonly key: string;
  readonly passphrase: string;
}

/** A key, or a PKCS#12 file, and its pass phrase in files of their own. */
async function start(kind: "key" | "p12"): Promise<Renewed> {
  const [key, passphrase] = [world.path(`own.${kind}`), world.path("own-passphrase")];
  await copyFile(world.path(`first.${kind}`), key);
  await writeFile(passphrase, "one\n");
  const read = passphraseIn(passphrase);
  const pkcs12 = { cert: undefined, key: undefined, pkcs12: key, passphrase: read };
  const settings = world.settings(kind === "key" ? { key, passphrase: read } : pkcs12);
  return { files: new TlsFiles(settings), settings, key, passphrase };
}

const renewKey = ({ key }: Renewed): Promise<void> => copyFile(world.path(`second.${key.slice(-3)}`), key);
const renewPassphrase = ({ passphrase }: Renewed): Promise<void> => writeFile(passphrase, "two\n");

for (const kind of ["key", "p12"] as const) {
  for (const [what, steps] of [
    ["the pass phrase first", [renewPassphrase, renewKey]],
    ["the pass phrase last", [renewKey, renewPassphrase]],
  ] as const) {
    test(`a ${kind} and its pass phrase that are renewed, ${what}, are adopted without a complaint`, async () => {
      const renewed = await start(kind);
      const { files, settings } = renewed;
      const former: ConnectionOptions = files.current;
      assert.equal(files.reload(), undefined);
      await steps[0](renewed);
      // Half of it: the former one stays, and it is not an error yet.
      assert.equal(files.reload(), undefined);
      assert.equal(files.current, former);
      await steps[1](renewed);
      assert.deepEqual(files.reload(), { error: undefined });
      assert.notEqual(files.current, former);
      assert.equal(files.reload(), undefined);
      assert.equal((await handshake(settings, world.chained)).refused, undefined);
    });
  }
}

test("files that still do not match at the next look are reported once, and accepted when either of them is corrected", async () => {
  const renewed = await start("key");
  const { files } = renewed;
  const former = files.current;
  await renewKey(renewed);
  assert.equal(files.reload(), undefined);
  assert.match(files.reload()?.error?.message ?? "", /the pass phrase in .*own-passphrase does not open/);
  assert.equal(files.reload(), undefined);
  assert.equal(files.current, former);
  await renewPassphrase(renewed);
  assert.deepEqual(files.reload(), { error: undefined });
});

test("a directory of secrets that is swapped by its link, as Kubernetes does, is adopted", async () => {
  const [data, next] = [world.path("..data"), world.path("..next")];
  for (const [name, kind, passphrase] of [
    ["v1", "first", "one"],
    ["v2", "second", "two"],
  ] as const) {
    await mkdir(world.path(name));
    await copyFile(world.path(`${kind}.key`), world.path(`${name}/key`));
    await writeFile(world.path(`${name}/passphrase`), passphrase);
  }
  await symlink("v1", data);
  await symlink("..data/key", world.path("linked.key"));
  await symlink("..data/passphrase", world.path("linked-passphrase"));
  const passphrase = passphraseIn(world.path("linked-passphrase"));
  const files = new TlsFiles(world.settings({ key: world.path("linked.key"), passphrase }));
  await symlink("v2", next);
  await rename(next, data);
  await rm(world.path("v1"), { recursive: true });
  assert.deepEqual(files.reload(), { error: undefined });
});

test("the expiry of what PKCS#12 contains is known, and read again only when a file has changed", async () => {
  const { settings, passphrase } = await start("p12");
  let reads = 0;
  const counted = { file: passphrase, read: () => ((reads += 1), settings.passphrase?.read() ?? "") };
  const watch = new CertificateWatch();
  const look = (): string =>
    watch
      .look({ ...settings, passphrase: counted }, Date.now())
      .filter(({ setting }) => setting === "pkcs12")
      .map(({ file, daysLeft, trouble }) => `${file} ${daysLeft ?? trouble ?? ""}`)
      .join();
  assert.equal(look(), `${world.path("own.p12")} 59`);
  assert.equal(look(), `${world.path("own.p12")} 59`);
  assert.equal(reads, 1);
  await writeFile(passphrase, "looking-glass\n");
  assert.match(look(), /the pass phrase in .*own-passphrase does not open .*own\.p12/);
  await writeFile(passphrase, "one\n");
  assert.equal(look(), `${world.path("own.p12")} 59`);
});
