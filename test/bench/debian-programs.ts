import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { present } from "../rig/present.ts";
import { Program } from "../rig/program.ts";

/** Programs of Debian packages, unpacked. */
export interface DebianPrograms {
  /** The directory that `usr` is in. */
  readonly root: string;
  /** Directories of its libraries, for `LD_LIBRARY_PATH`. */
  readonly libraries: string;
}

/** Starts one of them. @param path below the root */
export function debianProgram({ root, libraries }: DebianPrograms, path: string, args: readonly string[]): Program {
  return new Program(join(root, path), args, { env: { PATH: "/usr/bin:/bin", LD_LIBRARY_PATH: libraries } });
}

let isRefreshed = false;

/**
 * Unpacks packages, and those that they need and this system lacks, into a directory. Nothing is installed: both programs want to
 * be the one that keeps this machine's log, and exclude each other.
 * @param packages the program's own, by name
 * @returns undefined where this system has no such packages, or they cannot be reached; standard error says why
 */
export function unpackDebianPrograms(packages: readonly string[], directory: string): DebianPrograms | undefined {
  const archives = join(directory, "archives");
  const root = join(directory, "root");
  for (const path of [join(archives, "partial"), root]) mkdirSync(path, { recursive: true });
  if (!isRefreshed && process.getuid?.() === 0) run("apt-get", ["update", "-q"], archives);
  isRefreshed = true;
  // With no lock: what is installed stays as it is. The first call brings what is needed besides.
  const common = ["-q", "-o", "Debug::NoLocking=1"];
  const place = ["-o", `Dir::Cache::archives=${archives}`];
  const needed = ["install", "-y", "--no-install-recommends", "--download-only"];
  const isThere =
    run("apt-get", [...common, ...place, ...needed, ...packages], archives) &&
    run("apt-get", [...common, "download", ...packages], archives);
  const files = readdirSync(archives).filter((name) => name.endsWith(".deb"));
  if (!isThere || !files.every((name) => run("dpkg-deb", ["-x", name, root], archives))) return undefined;
  return { root, libraries: directoriesBelow(root, (name) => /\.so\.\d/.test(name)).join(":") };
}

/** The directory that holds a file of this name: where modules are has the system's architecture or a version in it. */
export function directoryOf({ root }: DebianPrograms, name: string): string {
  return present(directoriesBelow(root, (found) => found === name)[0]);
}

function directoriesBelow(root: string, isMeant: (name: string) => boolean): string[] {
  const found = readdirSync(root, { recursive: true, withFileTypes: true });
  return [...new Set(found.filter(({ name }) => isMeant(name)).map(({ parentPath }) => parentPath))];
}

function run(file: string, args: readonly string[], cwd: string): boolean {
  const env = { PATH: process.env["PATH"] ?? "", LC_ALL: "C.UTF-8", DEBIAN_FRONTEND: "noninteractive" };
  const { status, stderr, error } = spawnSync(file, args, { cwd, env, encoding: "utf8" });
  if (status === 0) return true;
  process.stderr.write(`${file} ${args.join(" ")}: ${error?.message ?? stderr.trim()}\n`);
  return false;
}
