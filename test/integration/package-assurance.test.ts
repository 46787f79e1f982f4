/**
 * What a package offers to whoever checks it before trusting it: signatures, what the systems' own checkers say, manual
 * pages, and the AppArmor profile and SELinux module, compared with what the forwarder in it does.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  chmodSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, join, resolve } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { howToInstall, installPrograms } from "../../scripts/kafka/programs.ts";
import { text, type PackageInfo } from "../../scripts/package/entry.ts";
import { Gzip } from "../../scripts/package/gzip.ts";
import { rpm } from "../../scripts/package/rpm.ts";
import { signerOf } from "../../scripts/package/sign.ts";
import { AppArmorProfile } from "../rig/access/apparmor-profile.ts";
import { SelinuxPolicy } from "../rig/access/selinux-policy.ts";
import { traceForwarder } from "../rig/access/traced-forwarder.ts";
import * as packages from "../rig/packages.ts";
import { TempDir } from "../rig/temp-dir.ts";

const run = promisify(execFile);
const manifest: { version: string } = JSON.parse(readFileSync("package.json", "utf8"));

packages.providePackageTools();
const missing = installPrograms([
  ...(["gpg", "lintian", "rpmlint", "mandoc", "strace", "apparmor_parser"] as const),
  ...(["checkmodule", "semodule_package", "semodule", "secilc", "sesearch", "matchpathcon", "bunzip2"] as const),
]);
if (missing.length > 0) throw new Error(howToInstall(missing));

const dir = await TempDir.create();
after(() => dir[Symbol.asyncDispose]());
chmodSync(dir.path, 0o755);
const home = dir.join("home");
mkdirSync(home, { mode: 0o700 });
/** GnuPG's and rpm's keys, away from those of this machine. */
const env = { PATH: process.env["PATH"] ?? "", HOME: home, GNUPGHOME: home, LC_ALL: "C.UTF-8" };
process.env["GNUPGHOME"] = home;
after(() => run("gpgconf", ["--kill", "all"], { env }));
writeFileSync(join(home, ".rpmmacros"), `%_dbpath ${home}/rpmdb\n`);
const key = await makeKey("A Builder");
packages.buildPackages(dir.join("signed"), process.arch, ["--sign", key, "--maintainer", packages.maintainer]);
const signed = packages.ownPackage(dir.join("signed"), manifest.version);
const root = packages.unpackDeb(signed, dir.join("root"));

/** A key that signs, without a pass phrase; its fingerprint. */
async function makeKey(name: string, kind = "rsa2048"): Promise<string> {
  await run("gpg", ["--batch", "--quiet", "--passphrase", "", "--quick-generate-key", name, kind, "sign", "0"], {
    env,
  });
  const { stdout } = await run("gpg", ["--list-secret-keys", "--with-colons", name], { env });
  return /^fpr:+([0-9A-F]+):/m.exec(stdout)?.[1] ?? "";
}

/** Code blocks of a section of the page that a person types in. */
function blocksOf(section: string): string[] {
  const page = readFileSync("docs/install.md", "utf8");
  const [, , body = ""] = new RegExp(`^(## ${section})$([^]*?)(?=^## |(?![^]))`, "m").exec(page) ?? [];
  return [...body.matchAll(/^```bash\n([^]*?)^```$/gm)].map(([, block = ""]) => block);
}

/** A copy of the signed files with the key as its builder publishes it, and an rpm that knows no key yet. */
async function received(name: string): Promise<string> {
  const directory = dir.join(name);
  mkdirSync(directory);
  for (const file of readdirSync(dir.join("signed"))) copyFileSync(dir.join("signed", file), join(directory, file));
  await run("gpg", ["--armor", "--output", join(directory, "builder.asc"), "--export", key], { env });
  return directory;
}

/** A whole rpm with one small file. */
async function smallRpm(
  cwd: string,
  content: string,
  sign: ((content: Buffer) => Buffer) | undefined,
): Promise<string> {
  const info: PackageInfo = {
    version: "1.0.0",
    arch: process.arch === "arm64" ? "arm64" : "x64",
    epochS: 1_700_000_000,
    maintainer: packages.maintainer,
    licence: "Apache-2.0",
    releases: [{ version: "1.0.0", epochS: 1_700_000_000, changes: ["Fixed: nothing"] }],
  };
  const path = join(cwd, "made.rpm");
  writeFileSync(path, await rpm([text("usr/lib/wazuh-dfn/x", 0o755, content)], info, new Gzip(), sign));
  return path;
}

/**
 * The parts of an rpm, which begins with a lead of 96 bytes and a header of signatures and digests, filled up to a multiple
 * of eight bytes (RPM Package File Format, version 4).
 */
function partsOf(path: string): { readonly lead: Buffer; readonly signed: Buffer } {
  const bytes = readFileSync(path);
  const at = 96;
  const length = 16 + 16 * bytes.readUInt32BE(at + 8) + bytes.readUInt32BE(at + 12);
  return { lead: bytes.subarray(0, at), signed: bytes.subarray(at + Math.ceil(length / 8) * 8) };
}

/** Digests of a small rpm's header and payload, and who signed it. */
async function hashes(sign: ((content: Buffer) => Buffer) | undefined): Promise<string> {
  const path = await smallRpm(dir.path, "true", sign);
  const format = "%{SHA256HEADER} %{PAYLOADDIGEST} %{RSAHEADER:pgpsig}";
  return (await run("rpm", ["-qp", "--nosignature", "--qf", format, path], { env })).stdout;
}

/** Options that a text names. */
function optionsIn(help: string): string[] {
  return help.match(/--[a-z][a-z-]+/g) ?? [];
}

/** What a program wrote to standard output, however it ended. */
async function said(file: string, args: readonly string[], cwd: string): Promise<string> {
  const { stdout } = await run(file, args, { env, cwd }).catch((reason: { stdout: string }) => reason);
  return stdout;
}

function flipByte(path: string, at: number): void {
  const byte = readFileSync(path)[at] ?? 0;
  const file = openSync(path, "r+");
  writeSync(file, Buffer.from([byte ^ 1]), 0, 1, at);
  closeSync(file);
}

test("docs/install.md, followed literally, verifies the checksums and the rpm", async () => {
  const blocks = blocksOf("Verify what you got");
  assert.equal(blocks.length, 2);
  const script = blocks.join("").replaceAll("wazuh-dfn-1.0.0-1.x86_64.rpm", basename(signed.rpm));
  const cwd = await received("verified");
  const { stdout, stderr } = await run("sh", ["-ec", script], { env, cwd });
  assert.match(stderr, /^gpg: Good signature from "A Builder"/m);
  for (const file of Object.values(signed))
    assert.match(stdout, new RegExp(`^${basename(file)}: (?:digests signatures )?OK$`, "m"));
  assert.match(stdout, /^wazuh-dfn-\S+\.rpm: digests signatures OK$/m);
});

test("a byte that was changed is found, wherever it is", async () => {
  const cwd = await received("changed");
  await run("rpmkeys", ["--import", join(cwd, "builder.asc")], { env });
  const sums = join(cwd, "SHA256SUMS");
  flipByte(sums, 10);
  await assert.rejects(run("gpg", ["--verify", `${sums}.asc`, sums], { env }), /BAD signature/);
  flipByte(sums, 10);
  await run("gpg", ["--verify", `${sums}.asc`, sums], { env });
  for (const file of Object.values(signed)) flipByte(join(cwd, basename(file)), 20_000_000);
  const sumsSaid = await said("sha256sum", ["-c", "SHA256SUMS"], cwd);
  for (const file of Object.values(signed)) assert.match(sumsSaid, new RegExp(`^${basename(file)}: FAILED$`, "m"));
  const rpmSaid = await said("rpmkeys", ["--checksig", basename(signed.rpm)], cwd);
  assert.match(rpmSaid, /^wazuh-dfn-\S+\.rpm: DIGESTS \w+ NOT OK$/m);
});

test("an rpm with correct digests and the signature of another one, or none, is refused", async () => {
  const cwd = await received("forged");
  await run("rpmkeys", ["--import", join(cwd, "builder.asc")], { env });
  const judged = async (path: string): Promise<string> => {
    const args = ["--define", "_pkgverify_level all", "--checksig", path];
    const answer = await said("rpmkeys", args, cwd);
    return answer.slice(answer.indexOf(": ") + 2).trim();
  };
  const { binary } = signerOf(key);
  let genuine = Buffer.alloc(0);
  const kept = (content: Buffer): Buffer => (genuine = Buffer.from(binary(content)));
  assert.equal(await judged(await smallRpm(cwd, "true", kept)), "digests signatures OK");
  assert.equal(await judged(await smallRpm(cwd, "false", () => genuine)), "digests SIGNATURES NOT OK");
  assert.equal(await judged(await smallRpm(cwd, "true", undefined)), "digests SIGNATURES NOT OK");
  const stranger = signerOf(await makeKey("Mallory"));
  assert.equal(await judged(await smallRpm(cwd, "true", stranger.binary)), "digests SIGNATURES NOT OK");
});

test("an EdDSA key signs an rpm too, and a missing key is an error before anything is built", async () => {
  const eddsa = await makeKey("Modern", "ed25519");
  const signature = signerOf(eddsa).binary(Buffer.from("x"));
  assert.ok(signature.length < 150, "it is one packet, without armour");
  assert.throws(
    () => signerOf("nobody@example.org"),
    /--sign nobody@example\.org: GnuPG does not sign with this key: .*No secret key/,
  );
});

test("the same commit gives the same bytes, also when a signature is added", async () => {
  const without = packages.sharedPackages(dir.join("without"), process.arch);
  const again = packages.ownPackage(without, manifest.version);
  for (const form of ["tarball", "deb"] as const) {
    assert.ok(readFileSync(again[form]).equals(readFileSync(signed[form])), form);
  }
  const [first, second] = [partsOf(again.rpm), partsOf(signed.rpm)];
  assert.ok(first.lead.equals(second.lead) && first.signed.equals(second.signed), "rpm");
  const small = readFileSync(await smallRpm(dir.path, "true", undefined));
  assert.ok(small.equals(readFileSync(await smallRpm(dir.path, "true", undefined))), "an rpm as a whole");
});

test("signing an rpm changes only its signature", async () => {
  const [header, payload, signature] = (await hashes(signerOf(key).binary)).split(" ");
  assert.match(`${header} ${payload}`, /^[0-9a-f]{64} [0-9a-f]{64}$/);
  assert.match(signature ?? "", /^RSA/);
  assert.equal(await hashes(undefined), `${header} ${payload} (none)`);
});

test("lintian and rpmlint find no error and no warning other than those that are excused with a reason", async () => {
  const lintian = await run(
    "lintian",
    ["--allow-root", "--fail-on", "error,warning", "--tag-display-limit", "0", signed.deb],
    { env },
  );
  assert.doesNotMatch(lintian.stdout, /^[EW]:/m);
  const cwd = await received("linted");
  await run("rpmkeys", ["--import", join(cwd, "builder.asc")], { env });
  const rpmlint = await said("rpmlint", ["-c", resolve("scripts/package/rpmlint.toml"), signed.rpm], cwd);
  assert.match(rpmlint, /1 packages and 0 specfiles checked; 0 errors, 0 warnings/);
});

test("both systems' changelogs match CHANGELOG.md, and name the maintainer", async () => {
  const debian = await run("dpkg-parsechangelog", ["--all", "-l", "/dev/stdin"], { env }).catch(() => undefined);
  assert.equal(debian, undefined, "an empty changelog is an error, so the next call means something");
  const { stdout } = await run(
    "sh",
    [
      "-c",
      'zcat "$1" >"$2" && dpkg-parsechangelog --all -l "$2"',
      "sh",
      join(root, "usr/share/doc/wazuh-dfn/changelog.gz"),
      dir.join("changelog"),
    ],
    { env },
  );
  assert.match(stdout, new RegExp(`^Version: ${manifest.version}$`, "m"));
  assert.match(stdout, /^Maintainer: A Builder <builder@example\.org>$/m);
  const changes = await run("rpm", ["-qp", "--nosignature", "--changelog", signed.rpm], { env });
  assert.match(changes.stdout, new RegExp(`A Builder <builder@example\\.org> - ${manifest.version}-1$`, "m"));
  const newest = /^- (.*)$/m.exec(readFileSync("CHANGELOG.md", "utf8"))?.[1] ?? "";
  for (const listing of [stdout, changes.stdout]) assert.ok(listing.includes(newest.slice(0, 50)), newest);
});

test("each program has a manual page with every command and option that it has, without an error of form", async () => {
  const pages = join(root, "usr/share/man/man8");
  const names = readdirSync(pages);
  assert.deepEqual(names.toSorted(), ["wazuh-dfn-install.8.gz", "wazuh-dfn-uninstall.8.gz", "wazuh-dfn.8.gz"]);
  const shown = new Map<string, string>();
  for (const name of names) {
    const source = dir.join(basename(name, ".gz"));
    await run("sh", ["-c", 'zcat "$1" >"$2"', "sh", join(pages, name), source]);
    await run("mandoc", ["-Tlint", "-Wwarning", source]);
    const { stdout } = await run("sh", ["-c", 'mandoc -Tascii "$1" | sed "s/.\b//g"', "sh", source]);
    shown.set(basename(name, ".8.gz"), stdout);
    assert.doesNotMatch(stdout, /@[A-Z]+@/);
  }
  const page = (name: string): string => shown.get(name) ?? "";
  const helpOf = async (program: string, ...args: string[]): Promise<string> =>
    (await run(join(root, program), [...args, "--help"], { env: {} })).stdout;
  for (const name of ["wazuh-dfn-install", "wazuh-dfn-uninstall"]) {
    for (const option of optionsIn(await helpOf(`usr/sbin/${name}`)))
      assert.ok(page(name).includes(option), `${name} ${option}`);
  }
  const help = await helpOf("usr/bin/wazuh-dfn");
  const commands = [...help.matchAll(/^ {2}([a-z-]+) {2,}/gm)].map(([, command = ""]) => command);
  assert.ok(commands.length >= 8);
  for (const command of commands) {
    assert.match(page("wazuh-dfn"), new RegExp(`^ +${command}\\b`, "m"), command);
    for (const option of optionsIn(await helpOf("usr/bin/wazuh-dfn", command))) {
      assert.ok(page("wazuh-dfn").includes(option), `${command} ${option}`);
    }
  }
});

test("the AppArmor profile and the SELinux module let the forwarder do what it does, and little else", async (t) => {
  const uses = await traceForwarder(root);
  const did = (action: string, path: RegExp): boolean =>
    uses.some((use) => use.action === action && path.test(use.path));
  // What the trace must contain to be worth a comparison.
  assert.ok(did("read", /^\/etc\/wazuh-dfn\/key\.pem$/) && did("map", /^\/usr\/lib\/wazuh-dfn\/.*\.node$/));
  assert.ok(did("read", /^\/var\/ossec\/logs\/alerts\/\d+\/\w+\/ossec-alerts-\d+\.json\.gz$/));
  assert.ok(
    did("create", /^\/var\/lib\/wazuh-dfn\/dead-letters\/./) && did("create", /^\/run\/wazuh-dfn\/alerts\.sock$/),
  );
  assert.ok(did("connect", /^\/var\/ossec\/queue\/sockets\/queue$/) && did("connect", /^\/run\/systemd\/notify$/));

  await t.test("AppArmor", async () => {
    const path = "scripts/security/apparmor/wazuh-dfn";
    await run("apparmor_parser", ["--skip-kernel-load", "--skip-cache", path]);
    const profile = AppArmorProfile.read(path);
    assert.deepEqual(
      uses.filter((use) => !profile.allows(use)),
      [],
    );
    assert.ok(profile.allows({ path: "/run/credentials/wazuh-dfn.service/key.pem", kind: "file", action: "read" }));
    for (const secret of [
      "/etc/shadow",
      "/root/.ssh/id_ed25519",
      "/var/ossec/etc/client.keys",
      "/var/ossec/etc/ossec.conf",
      "/etc/wazuh-dfn/install/ossec.conf.before",
      "/etc/pki/tls/private/host.key",
    ]) {
      assert.ok(!profile.allows({ path: secret, kind: "file", action: "read" }), secret);
    }
    for (const target of [
      "/etc/wazuh-dfn/config.yaml",
      "/usr/lib/wazuh-dfn/wazuh-dfn.cjs",
      "/usr/lib/wazuh-dfn/wazuh-dfn.cache",
      "/usr/lib/wazuh-dfn/wazuh-dfn.cache.new",
      "/var/ossec/logs/alerts/alerts.json",
      "/var/ossec/integrations/custom-dfn",
      "/etc/cron.d/x",
      "/tmp/x",
    ]) {
      assert.ok(!profile.allows({ path: target, kind: "file", action: "write" }), target);
    }
    for (const socket of [
      "/var/ossec/queue/sockets/remote",
      "/var/ossec/queue/sockets/wmodules",
      "/var/ossec/queue/db/wdb",
      "/run/docker.sock",
    ]) {
      assert.ok(!profile.allows({ path: socket, kind: "socket", action: "connect" }), socket);
    }
    for (const program of [
      "/bin/sh",
      "/usr/bin/dash",
      "/usr/bin/perl",
      "/usr/lib/wazuh-dfn/bin/node",
      "/var/lib/wazuh-dfn/x",
    ]) {
      assert.ok(!profile.allowsToRun(program), program);
    }
  });

  await t.test("SELinux", () => {
    const policy = SelinuxPolicy.build("scripts/security/selinux", dir.join("selinux"));
    const types = policy.typesOf(uses.map(({ path }) => path));
    // Labels of these come from the file system, not from the path.
    const judged = uses.filter(({ path }) => !/^\/(?:proc|sys)\//.test(path));
    const refused = judged.flatMap((use) => {
      const type = types.get(use.path);
      return type === undefined
        ? [`${use.path} has no label`]
        : policy.missingFor(use, type).map((what) => `${use.path}: ${what}`);
    });
    assert.deepEqual(refused, []);
    for (const type of ["proc_t", "sysfs_t", "cgroup_t"]) assert.ok(policy.allows(type, "file", "read"), type);
    assert.ok(policy.allows("http_port_t", "tcp_socket", "name_connect"));
    assert.ok(!policy.allows("http_port_t", "tcp_socket", "name_bind"), "only a boolean allows it");
    assert.deepEqual(policy.typesWith("file", "execute_no_trans"), [], "no program can be run");
    assert.deepEqual(policy.typesWith("file", "write"), ["wazuh_dfn_run_t", "wazuh_dfn_t", "wazuh_dfn_var_lib_t"]);
    assert.deepEqual(policy.typesWith("file", "entrypoint"), ["wazuh_dfn_exec_t"]);
    for (const type of ["shadow_t", "user_home_t", "tls_privkey_t"])
      assert.ok(!policy.allows(type, "file", "read"), type);
  });

  await t.test("the unit's directories and program are those that are labelled", () => {
    const unit = readFileSync("scripts/wazuh-dfn.service", "utf8");
    const labels = readFileSync("scripts/security/selinux/wazuh_dfn.fc", "utf8");
    for (const [setting, parent] of [
      ["ConfigurationDirectory", "/etc"],
      ["StateDirectory", "/var/lib"],
      ["RuntimeDirectory", "/run"],
    ]) {
      const name = new RegExp(`^${setting}=(\\S+)$`, "m").exec(unit)?.[1] ?? "";
      assert.ok(labels.includes(`\n${parent}/${name}(/.*)?\t`), setting);
    }
    const program = /^ExecStart=(\S+)/m.exec(unit)?.[1] ?? "";
    assert.ok(labels.startsWith(`${program}\t--\t`), program);
  });
});

test("what docs/install.md says about AppArmor and SELinux names files of the package", () => {
  const commands = [...blocksOf("AppArmor"), ...blocksOf("SELinux")].join("");
  const named = commands.match(/\/usr\/share\/wazuh-dfn\/\S+/g) ?? [];
  assert.equal(named.length, 4);
  for (const path of named) readFileSync(join(root, path));
});
