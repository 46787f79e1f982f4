/**
 * What `npm run package` makes: the same files in each form, and a product that needs nothing else.
 */
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { nativeFileName } from "../../daemon/os/native.ts";
import { componentsOf } from "../../scripts/package/components.ts";
import { librariesIn } from "../../scripts/package/node-libraries.ts";
import { unpack } from "../../scripts/package/parts.ts";
import { redirection, untilTaken } from "../rig/custom-dfn.ts";
import { eventually } from "../rig/eventually.ts";
import { LineServer } from "../rig/line-server.ts";
import * as packages from "../rig/packages.ts";
import { Program } from "../rig/program.ts";
import { TempDir } from "../rig/temp-dir.ts";

const run = promisify(execFile);
const manifest: { version: string } = JSON.parse(readFileSync("package.json", "utf8"));

packages.providePackageTools();
const dir = await TempDir.create();
after(() => dir[Symbol.asyncDispose]());
chmodSync(dir.path, 0o755);
const made = packages.sharedPackages(dir.join("made"), "x64,arm64");
const own = packages.ownPackage(made, manifest.version);
const roots = {
  tarball: packages.unpackTarball(own, dir.join("tarball")),
  deb: packages.unpackDeb(own, dir.join("deb")),
  rpm: packages.unpackRpm(own, dir.join("rpm")),
};
const otherArch = process.arch === "x64" ? "arm64" : "x64";
const lib = join(roots.deb, "usr/lib/wazuh-dfn");

interface BomComponent {
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly purl?: string;
  readonly cpe?: string;
  readonly licenses: readonly unknown[];
  readonly hashes: readonly unknown[];
  readonly components?: readonly BomComponent[];
}

interface Bom {
  readonly serialNumber: string;
  readonly metadata: { readonly timestamp: string };
  readonly components: readonly BomComponent[];
}

function readBom(root: string): Bom {
  return JSON.parse(readFileSync(join(root, "usr/share/doc/wazuh-dfn/sbom.cdx.json"), "utf8"));
}

function manifestLines(): string[] {
  return readFileSync(join(lib, "MANIFEST"), "utf8").trimEnd().split("\n");
}

test("there is a package of each form for both processors, with checksums", async () => {
  const names = readdirSync(made).map((name) => name.replace(manifest.version, "VERSION"));
  const expected = [
    "SHA256SUMS",
    "wazuh-dfn-VERSION-1.aarch64.rpm",
    "wazuh-dfn-VERSION-1.x86_64.rpm",
    "wazuh-dfn-VERSION-linux-arm64.tar.gz",
    "wazuh-dfn-VERSION-linux-x64.tar.gz",
    "wazuh-dfn_VERSION_amd64.deb",
    "wazuh-dfn_VERSION_arm64.deb",
  ];
  assert.deepEqual(names.toSorted(), expected);
  await run("sha256sum", ["-c", "SHA256SUMS"], { cwd: made });
  await run("sha256sum", ["-c", "SHA256SUMS"], { cwd: roots.tarball });
});

test("deb, rpm and tar.gz contain the same files, and those are what MANIFEST names", () => {
  const itself = /^0644 \S+ usr\/lib\/wazuh-dfn\/MANIFEST$/;
  const extras = new Map([
    ["tarball", /^0\d+ \S+ (install|uninstall|SHA256SUMS)$/],
    ["deb", /^0644 \S+ usr\/share\/(doc\/wazuh-dfn\/changelog\.gz|lintian\/overrides\/wazuh-dfn)$/],
  ]);
  for (const [form, root] of Object.entries(roots)) {
    const files = packages.filesBelow(root).filter((line) => extras.get(form)?.test(line) !== true);
    assert.equal(files.filter((line) => itself.test(line)).length, 1, form);
    assert.deepEqual(packages.byPath(files.filter((line) => !itself.test(line))), manifestLines(), form);
  }
});

test("everything belongs to root, and dpkg and rpm find nothing wrong", async () => {
  const listing = await run("dpkg-deb", ["-c", own.deb]);
  for (const line of listing.stdout.trimEnd().split("\n")) assert.match(line, /^[-d]rw[-x]r-[-x]r-[-x] root\/root /);
  const format = "[%{FILEMODES:octal} %{FILEUSERNAME} %{FILEGROUPNAME} %{FILEDIGESTS} %{FILENAMES}\n]";
  const { stdout } = await run("rpm", ["-qp", "--qf", format, own.rpm]);
  const lines = stdout.trimEnd().split("\n");
  const files = lines.filter((line) => line.startsWith("100"));
  assert.deepEqual(
    packages.byPath(files.map((line) => line.replace(/^10(\d+) root root (\S+) \//, "$1 $2 "))),
    packages.byPath(packages.filesBelow(roots.rpm)),
  );
  for (const line of lines.filter((line) => !files.includes(line)))
    assert.match(line, /^40755 root root  \/usr\/.*wazuh-dfn/);
  const check = await run("rpm", ["-Kv", "--nosignature", own.rpm]);
  assert.doesNotMatch(check.stdout, /BAD|NOT OK/);
  assert.match(check.stdout, /Payload SHA256.*OK/);
});

test("both systems' names, versions, processors, licence and requirements are stated", async () => {
  const deb = await run("dpkg-deb", ["-f", own.deb, "Package", "Version", "Architecture", "Depends"]);
  assert.match(
    deb.stdout,
    new RegExp(`^Package: wazuh-dfn\nVersion: ${manifest.version}\nArchitecture: (amd64|arm64)\nDepends: libc6`),
  );
  const rpm = await run("rpm", ["-qp", "--qf", "%{NEVRA} %{OS} %{PAYLOADCOMPRESSOR}", own.rpm]);
  assert.match(rpm.stdout, new RegExp(`^wazuh-dfn-${manifest.version}-1\\.(x86_64|aarch64) linux gzip$`));
  const licence = await run("rpm", ["-qp", "--qf", "%{LICENSE}", own.rpm]);
  const expected =
    "Apache-2.0 AND BSD-2-Clause AND BSD-3-Clause AND BlueOak-1.0.0 AND ISC AND MIT AND Unicode-3.0 AND Zlib";
  assert.equal(licence.stdout, expected);
  const needs = await run("rpm", ["-qp", "--requires", own.rpm]);
  assert.match(needs.stdout, /libc\.so\.6\(GLIBC_2\.28\)\(64bit\)/);
});

test("installing the deb or rpm changes nothing but files, and says how to continue", async () => {
  const control = dir.join("control");
  await run("dpkg-deb", ["-e", own.deb, control]);
  const scripts = ["postinst", "prerm", "postrm"].map((name) => join(control, name));
  for (const [tag, name] of [
    ["POSTIN", "post"],
    ["PREUN", "preun"],
    ["POSTUN", "postun"],
  ] as const) {
    const { stdout } = await run("rpm", ["-qp", "--qf", `%{${tag}}`, own.rpm]);
    writeFileSync(join(control, name), `#!/bin/sh\n${stdout}`);
    scripts.push(join(control, name));
  }
  await run("shellcheck", scripts);
  // With no PATH none of them could call a program.
  for (const [name, args] of [
    ["postinst", ["configure", ""]],
    ["post", ["1"]],
  ] as const) {
    const { stdout } = await run("/bin/sh", [join(control, name), ...args], { env: { PATH: "" } });
    assert.equal(stdout, "wazuh-dfn is in place; nothing runs yet. Go on with: wazuh-dfn-install\n");
  }
  for (const script of scripts)
    assert.doesNotMatch(readFileSync(script, "utf8"), /ossec|useradd|adduser|enable |start wazuh-manager/);
});

test("forwarder and custom-dfn run with an empty environment, on the package's own Node", async () => {
  const wazuhDfn = join(roots.rpm, "usr/bin/wazuh-dfn");
  const { stdout } = await run(wazuhDfn, ["version"], { env: {}, cwd: "/" });
  assert.match(stdout, new RegExp(`^wazuh-dfn ${manifest.version}, Node 24\\.`));

  const path = { config: dir.join("config.yaml"), alerts: dir.join("alerts.json"), socket: dir.join("s") };
  writeFileSync(path.alerts, "");
  const settings = {
    dfn: { customer_id: "customer" },
    wazuh: { home: dir.path },
    sources: { socket: { path: path.socket }, tail: { path: path.alerts } },
    sink: { file: { path: dir.join("records") } },
    handlers: { passthrough: { topic: "all" } },
    state_dir: dir.path,
    status: { listen: dir.join("status.sock") },
  };
  writeFileSync(path.config, JSON.stringify(settings));
  await using forwarder = new Program(wazuhDfn, ["run", "--config", path.config], { env: {}, cwd: "/" });
  await forwarder.waitForLog(/"msg":"started"/);

  for (const [index, way] of ["own", "perl", "bundled"].entries()) {
    const node = join(roots.rpm, "usr/lib/wazuh-dfn/bin/node");
    const args = [
      join(roots.rpm, "usr/lib/wazuh-dfn/choose-way.cjs"),
      "--way",
      way,
      "--lib",
      join(roots.rpm, "usr/lib/wazuh-dfn"),
    ];
    const installed = await run(node, args, { env: {}, cwd: "/" });
    const customDfn = dir.join(`custom-dfn-${way}`);
    writeFileSync(customDfn, installed.stdout, { mode: 0o755 });
    const alert = dir.join(`custom-dfn-1-${index}.alert`);
    const id = `1690000000.${index}`;
    writeFileSync(
      alert,
      `${JSON.stringify({ id, rule: { level: 12 }, manager: { name: "m" }, agent: { id: "1" } })}\n`,
    );
    const call = [alert, "", `unix:${path.socket}`, "", "", "10", "3", redirection];
    // Again if the machine was too busy for its 50 ms: no tail brings this alert, and a second copy is recognised as
    // one.
    await eventually("the record", async () => {
      assert.deepEqual(await run(customDfn, call, { env: {}, cwd: "/" }), { stdout: "", stderr: "" });
      return readFileSync(dir.join("records"), "utf8").includes(`"wazuh-alert-id":"${id}"`);
    });
  }
});

test("the command for people works from any directory", async () => {
  for (const [file, cwd] of [
    ["./install", roots.tarball],
    [join(roots.tarball, "install"), "/"],
  ] as const) {
    const { stdout } = await run(file, ["--help"], { cwd });
    assert.match(stdout, /usage: install/);
  }
  const { stdout } = await run("sh", ["install", "--help"], { cwd: roots.tarball });
  assert.match(stdout, /usage: install/);
  assert.equal(statSync(join(roots.deb, "usr/sbin/wazuh-dfn-install")).mode & 0o777, 0o755);
});

test("licence and bill of materials of everything inside are included", () => {
  const bom = readBom(roots.deb);
  const licences = readdirSync(join(roots.deb, "usr/share/doc/wazuh-dfn/licences"));
  const foreign = bom.components.filter(({ type }) => type !== "file");
  const named = foreign.map(({ name, version }) => `${name.replace("/", "-")}-${version}`);
  assert.deepEqual(named.toSorted(), licences.toSorted());
  for (const name of ["kafkajs", "zod", "yaml", "pino", "node"]) {
    assert.ok(
      bom.components.some((component) => component.name === name),
      name,
    );
  }
  assert.ok(bom.components.every(({ licenses }) => licenses.length === 1));
});

test("the bill of materials identifies every library inside Node, and what we compile by its hash", () => {
  const bom = readBom(roots.deb);
  const inside = bom.components.flatMap(({ components = [] }) => components);
  for (const name of ["openssl", "libuv", "v8", "zlib", "c-ares", "nghttp2", "llhttp", "undici", "sqlite"]) {
    const { version = "", purl, cpe } = inside.find((component) => component.name === name) ?? {};
    assert.match(version, /^\d+\.\d+/, name);
    assert.equal(purl, `pkg:${name === "undici" ? "npm" : "generic"}/${name}@${version}`);
    assert.match(cpe ?? "", new RegExp(`^cpe:2\\.3:a:[a-z0-9-]+:${name}:[\\d.]+:\\*:\\*:\\*:\\*:\\*:\\*:\\*$`));
  }
  assert.equal(new Set(inside.map(({ purl }) => purl)).size, inside.length);
  const files = bom.components.filter(({ type }) => type === "file");
  assert.deepEqual(
    files.map(({ name }) => name),
    [nativeFileName("linux", process.arch), "hand-over"],
  );
  for (const [index, path] of [nativeFileName("linux", process.arch), "bin/hand-over"].entries()) {
    const digest = createHash("sha256")
      .update(readFileSync(join(lib, path)))
      .digest("hex");
    assert.deepEqual(files[index]?.hashes, [{ alg: "SHA-256", content: digest }]);
  }
});

test("a library that a later Node adds is not left out silently", () => {
  assert.deepEqual(
    librariesIn(
      new Map([
        ["node", "30.0.0"],
        ["nghttp3", ""],
      ]),
    ),
    [],
  );
  assert.throws(() => librariesIn(new Map([["newcomer", "1.0"]])), /Node holds "newcomer".*add it there/);
});

test("serial number and date of the bill of materials come from the commit: not the same for both processors", () => {
  const boms = [
    readBom(roots.deb),
    readBom(packages.unpackDeb(packages.ownPackage(made, manifest.version, otherArch), dir.join("other"))),
  ];
  const [first, second] = boms.map(({ serialNumber }) => serialNumber);
  for (const serial of [first, second]) {
    assert.match(serial ?? "", /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
  assert.notEqual(first, second);
  const committed = execFileSync("git", ["log", "-1", "--format=%ct"], { encoding: "utf8" });
  const epochS = Number(process.env["SOURCE_DATE_EPOCH"] ?? committed);
  for (const { metadata } of boms) assert.equal(metadata.timestamp, new Date(epochS * 1000).toISOString());
});

/** Runs a program of the other processor. */
function emulated([file = "", ...args]: readonly string[]): Promise<{ stdout: string }> {
  if (process.arch === "arm64") return run(file, args);
  // There Debian's cross compiler keeps the C library of the other processor.
  return run("qemu-aarch64", ["-L", "/usr/aarch64-linux-gnu", file, ...args]);
}

test("the arm64 package's own Node loads its native file and gets answers, and its custom-dfn hands over", async () => {
  const arm = packages.unpackTarball(packages.ownPackage(made, manifest.version, "arm64"), dir.join("arm"));
  const its = join(arm, "usr/lib/wazuh-dfn");
  const source = `const { userId, groupId, connectDatagram } = require(${JSON.stringify(join(its, nativeFileName("linux", "arm64")))});
    console.log(JSON.stringify([process.arch, userId("root"), groupId("root"), userId("nobody-at-all") ?? null, connectDatagram("/nowhere")]));`;
  const call = [join(its, "bin/node"), "-e", source];
  const { stdout } = await emulated(call);
  assert.deepEqual(JSON.parse(stdout), ["arm64", 0, 0, null, -2]);

  await using server = await LineServer.listen(dir.join("arm.sock"));
  writeFileSync(dir.join("arm.alert"), '{"id":"1.1"}\n');
  const handOver = join(its, "bin/hand-over");
  await untilTaken(server, async () => void (await emulated([handOver, dir.join("arm.alert"), dir.join("arm.sock")])));
  assert.equal(server.lines[0]?.toString(), '{"id":"1.1"}');
  await assert.rejects(emulated([handOver, dir.join("absent"), dir.join("arm.sock")]), { code: 3 });
});

test("a part that differs from the pinned one is refused, and so is a package without a licence", async () => {
  await using aside = await TempDir.create();
  assert.throws(
    () => unpack(aside.path, "once", "1.4.0", "sha512-AAAA"),
    /once@1\.4\.0 is sha512-.*and should be sha512-AAAA/,
  );
  assert.throws(() => componentsOf(resolve("."), ["node_modules/unheard-of/index.js"]), /unheard-of has no version/);
});
