/**
 * `npm run package`: everything that a manager needs, with its own Node, as tar.gz, .deb and .rpm for both processors,
 * into dist-package/. The same commit gives the same bytes. Needs npm, GNU gzip and tar,
 * a C compiler for each processor, and no tool of either system.
 *
 *     npm run package -- [--arch x64,arm64] [--out DIRECTORY] [--maintainer "Name <mail>"] [--sign KEYID]
 *                        [--node-dist DIRECTORY --node-keys FILE]
 *
 * With `--sign` GnuPG's key KEYID signs the rpm and the checksums (docs/install.md says how they are verified). With the
 * last two, Node is compared with what the Node project signs: see package/node-dist.ts.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { describe } from "../daemon/errors.ts";
import {
  bundleChooseWay,
  bundleCustomDfn,
  bundleForwarder,
  bundleManagerTree,
  bundleStart,
  versionOf,
} from "./bundle/bundles.ts";
import { compileHandOver, compileNative, compilerVersion } from "./bundle/native-file.ts";
import { readChangelog } from "./package/changelog.ts";
import { componentsOf } from "./package/components.ts";
import { bareName, checksums, contents, tarballExtras } from "./package/contents.ts";
import { deb, debName } from "./package/deb.ts";
import { arches, nobodyNamed, readMaintainer, type Arch, type Entry, type PackageInfo } from "./package/entry.ts";
import { Gzip } from "./package/gzip.ts";
import { licenceExpression } from "./package/licences.ts";
import { verifyNode, type NodeDist } from "./package/node-dist.ts";
import { nodeLibrariesOf, type NodeLibrary } from "./package/node-libraries.ts";
import { fetchParts, nodeVersion, type Parts } from "./package/parts.ts";
import { rpm, rpmName } from "./package/rpm.ts";
import { sbom } from "./package/sbom.ts";
import { signerOf, type Sign } from "./package/sign.ts";
import { tar } from "./package/tar.ts";
import { repositoryRoot as root } from "./repository.ts";

const aside = mkdtempSync(join(tmpdir(), "wazuh-dfn-package-"));
try {
  await main();
} catch (reason) {
  process.stderr.write(`npm run package: ${describe(reason)}\n`);
  process.exitCode = 1;
} finally {
  rmSync(aside, { recursive: true, force: true });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      arch: { type: "string", default: arches.join(",") },
      out: { type: "string", default: "dist-package" },
      maintainer: { type: "string", default: nobodyNamed },
      sign: { type: "string" },
      "node-dist": { type: "string" },
      "node-keys": { type: "string" },
    },
  });
  const wanted = values.arch.split(",").map(knownArch);
  const maintainer = readMaintainer(values.maintainer);
  const signer = values.sign === undefined ? undefined : signerOf(values.sign);
  const nodeDist = nodeDistOf(values["node-dist"], values["node-keys"]);
  const version = await versionOf(root);
  const releases = readChangelog(readFileSync(join(root, "CHANGELOG.md"), "utf8"));
  const epochS = commitDate();
  const built = join(aside, "built");
  mkdirSync(built);
  const inputs = await bundleForwarder(root, built);
  await bundleCustomDfn(root, built);
  await bundleChooseWay(root, built);
  await bundleManagerTree(root, built);
  await bundleStart(root, built);
  const parts = new Map(wanted.map((arch) => [arch, fetchParts(arch, newDirectory())]));
  compareNode(nodeDist, parts);
  const libraries = librariesInNode(parts);
  const made: Entry[] = [];
  for (const [arch, its] of parts) {
    process.stderr.write(`packing for linux-${arch}\n`);
    const native = compileNative(root, built, arch);
    const handOver = compileHandOver(root, built, arch);
    const components = componentsOf(root, inputs);
    const info = { version, arch, epochS, maintainer, licence: licenceExpression(components), releases };
    const bom = sbom(
      info,
      { version: nodeVersion, integrity: its.nodeIntegrity, libraries },
      [native, handOver].map((path) => ({
        name: basename(path),
        content: readFileSync(path),
        compiler: compilerVersion(arch),
      })),
      components,
    );
    const entries = contents({ info, root, built, parts: its, components, sbom: bom });
    made.push(...(await packages(entries, info, signer?.binary)));
  }
  const sums = checksums("SHA256SUMS", made);
  made.push(sums);
  if (signer !== undefined) made.push({ path: "SHA256SUMS.asc", mode: 0o644, content: signer.armoured(sums.content) });
  replaceDirectory(resolve(root, values.out), made);
}

function nodeDistOf(directory: string | undefined, keys: string | undefined): NodeDist | undefined {
  if (directory === undefined && keys === undefined) return undefined;
  if (directory !== undefined && keys !== undefined) return { directory, keys };
  throw new Error("--node-dist and --node-keys belong together: the signed files, and the keys to check them with");
}

/** Before any of it is run. */
function compareNode(dist: NodeDist | undefined, parts: ReadonlyMap<Arch, Parts>): void {
  if (dist === undefined) {
    process.stderr.write(
      `Node ${nodeVersion} is what was pinned of the npm registry; it was not compared with what the Node project signs (--node-dist)\n`,
    );
    return;
  }
  for (const [arch, { node }] of parts) {
    const fingerprint = verifyNode(dist, { version: nodeVersion, arch, node }, aside);
    process.stderr.write(`Node ${nodeVersion} for ${arch} is the one that was signed with key ${fingerprint}\n`);
  }
}

/** The three forms of one package. */
async function packages(entries: readonly Entry[], info: PackageInfo, sign: Sign | undefined): Promise<Entry[]> {
  const gzip = new Gzip();
  const bare = bareName(info.version, info.arch);
  const tarball = await gzip.compress(tar(tarballExtras(entries), `${bare}/`, info.epochS));
  return [
    { path: `${bare}.tar.gz`, mode: 0o644, content: tarball },
    { path: debName(info), mode: 0o644, content: await deb(entries, info, gzip) },
    { path: rpmName(info), mode: 0o644, content: await rpm(entries, info, gzip, sign) },
  ];
}

/** Versions of the libraries inside Node. They are the same for both processors, and only one binary runs here. */
function librariesInNode(parts: ReadonlyMap<Arch, Parts>): NodeLibrary[] {
  const own = knownArch(process.arch);
  const path = join(aside, "node");
  writeFileSync(path, (parts.get(own) ?? fetchParts(own, newDirectory())).node, { mode: 0o755 });
  return nodeLibrariesOf(path);
}

/** SOURCE_DATE_EPOCH if it is set, as is the custom of reproducible builds, else the date of the commit. */
function commitDate(): number {
  const named = process.env["SOURCE_DATE_EPOCH"];
  const text = named ?? execFileSync("git", ["log", "-1", "--format=%ct"], { cwd: root, encoding: "utf8" }).trim();
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new Error(`SOURCE_DATE_EPOCH: "${text}" is not a number of seconds`);
}

/** What was there before goes when all is written. */
function replaceDirectory(directory: string, files: readonly Entry[]): void {
  const fresh = `${directory}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  for (const { path, content } of files) writeFileSync(join(fresh, path), content);
  rmSync(directory, { recursive: true, force: true });
  renameSync(fresh, directory);
  for (const { path, content } of files) {
    process.stdout.write(`${join(directory, path)}  ${(content.length / 1e6).toFixed(1)} MB\n`);
  }
}

function knownArch(name: string): Arch {
  const arch = arches.find((known) => known === name);
  if (arch === undefined) throw new Error(`there is no package for processor "${name}", only for ${arches.join(", ")}`);
  return arch;
}

function newDirectory(): string {
  return mkdtempSync(join(aside, "fetched-"));
}
