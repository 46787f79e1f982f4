/** `npm run package`, and the contents of its three forms. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { howToInstall, installPrograms } from "../../scripts/kafka/programs.ts";
import { useCertificates } from "./npm-certificates.ts";
import { sharedDirectory } from "./shared-directory.ts";

/** Names of the files of one package. */
export interface PackageFiles {
  readonly tarball: string;
  readonly deb: string;
  readonly rpm: string;
}

/** For this machine's processor, or another one. */
export function ownPackage(directory: string, version: string, arch: string = process.arch): PackageFiles {
  const [deb, rpm] = arch === "arm64" ? ["arm64", "aarch64"] : ["amd64", "x86_64"];
  return {
    tarball: join(directory, `wazuh-dfn-${version}-linux-${arch}.tar.gz`),
    deb: join(directory, `wazuh-dfn_${version}_${deb}.deb`),
    rpm: join(directory, `wazuh-dfn-${version}-1.${rpm}.rpm`),
  };
}

/** Whom packages of tests name. */
export const maintainer = "A Builder <builder@example.org>";

/** Builds into a directory; the bundles are rebuilt each time. */
export function buildPackages(directory: string, arch: string, more: readonly string[] = []): void {
  const [file, ...args] = builder(directory, arch, more);
  execFileSync(file, args, { stdio: ["ignore", "ignore", "inherit"] });
}

/**
 * Packages without a signature, for tests that only read them: built once in a run of the test command, for both
 * processors, or else by the test file that runs alone.
 * @param own  where that file keeps them
 * @param arch what it needs
 * @returns their directory
 */
export function sharedPackages(own: string, arch: string): string {
  const more = ["--maintainer", maintainer];
  const shared = sharedDirectory();
  if (shared === undefined) {
    buildPackages(own, arch, more);
    return own;
  }
  const directory = join(shared, "packages");
  // The first one builds, and the others wait; the directory comes into being as a whole.
  const unlessThere = ["sh", "-c", '[ -d "$0" ] || exec "$@"', directory, ...builder(directory, "x64,arm64", more)];
  execFileSync("flock", [`${directory}.lock`, ...unlessThere], { stdio: ["ignore", "ignore", "inherit"] });
  return directory;
}

function builder(directory: string, arch: string, more: readonly string[]): [string, ...string[]] {
  useCertificates();
  const script = resolve("build/scripts/package.js");
  return [process.execPath, "--enable-source-maps", script, "--out", directory, "--arch", arch, ...more];
}

/** Runs the Node of the other processor. */
const emulators = process.arch === "x64" ? (["qemu-aarch64"] as const) : [];

/** Reads the formats of both systems. */
export function providePackageTools(): void {
  const missing = installPrograms(["dpkg-deb", "rpm", "cpio", "shellcheck", ...emulators]);
  if (missing.length > 0) throw new Error(howToInstall(missing));
}

/** Unpacks with the tools of the system that the format belongs to; returns the directory that `usr` is in. */
export function unpackTarball({ tarball }: PackageFiles, into: string): string {
  mkdirSync(into);
  execFileSync("tar", ["-xzf", tarball, "-C", into]);
  const [name = ""] = readdirSync(into);
  return join(into, name);
}

export function unpackDeb({ deb }: PackageFiles, into: string): string {
  execFileSync("dpkg-deb", ["-x", deb, into]);
  return into;
}

export function unpackRpm({ rpm }: PackageFiles, into: string): string {
  mkdirSync(into);
  execFileSync("sh", ["-c", `rpm2cpio '${rpm}' | cpio -idm --quiet`], { cwd: into });
  return into;
}

/** Each file below a directory as MANIFEST has it: mode, SHA-256, path. */
export function filesBelow(directory: string): string[] {
  const names = readdirSync(directory, { recursive: true, encoding: "utf8" });
  return names
    .filter((name) => lstatSync(join(directory, name)).isFile())
    .map((name) => {
      const path = join(directory, name);
      const digest = createHash("sha256").update(readFileSync(path)).digest("hex");
      return `0${(lstatSync(path).mode & 0o7777).toString(8)} ${digest} ${name}`;
    });
}

/** By path, as in MANIFEST. */
export function byPath(lines: readonly string[]): string[] {
  return lines.toSorted((a, b) => (pathOf(a) < pathOf(b) ? -1 : 1));
}

function pathOf(line: string): string {
  return line.split(" ")[2] ?? "";
}
