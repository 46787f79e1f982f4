/** Compiles what of the product is not JavaScript: the native file, and the program by which custom-dfn hands over. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { nativeFileName } from "../../daemon/os/native.ts";
import { howToInstall, installPrograms } from "../kafka/programs.ts";

/** Processors that the product is built for, as Node names them. */
export type NativeArch = "x64" | "arm64";

const compilers = { x64: "x86_64-linux-gnu-gcc", arm64: "aarch64-linux-gnu-gcc" } as const;

/** Of the native file. */
export const nativeSources = ["daemon/os/native/dfn.c", "daemon/os/native/record-digests.c"];
const headers = "node_modules/node-api-headers/include";

/** Node-API 8 is in every Node from 12.22 on, and no later one takes it away. */
const language = ["-std=gnu11", "-D_GNU_SOURCE", "-DNAPI_VERSION=8", "-isystem", headers];
const warnings = ["-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wshadow", "-Wstrict-prototypes", "-Wvla"];
const hardening = ["-O2", "-fstack-protector-strong", "-fstack-clash-protection", "-D_FORTIFY_SOURCE=2"];
const ownHardening = { x64: ["-fcf-protection=full"], arm64: ["-mbranch-protection=standard"] } as const;
/** Nothing of the compiler's start-up files: there is no code that runs when the file is loaded. */
const shape = ["-fvisibility=hidden", "-nostartfiles"];
const moduleShape = ["-shared", "-fPIC", ...shape];
const programShape = ["-pie", "-fPIE", ...shape];
const linking = ["-z,relro", "-z,now", "-z,noexecstack", "--as-needed", "--hash-style=gnu"];
/** No date, path, build number or name of the compiler: the same compiler gives the same bytes everywhere. */
const reproducible = ["-fno-ident", "-g0", "-frandom-seed=dfn", "-Wl,--build-id=none", "-Wl,--strip-all"];

/**
 * Compiles the native file for Linux on a processor.
 * @param outDir where it is put, under its own name
 * @returns its path
 * @throws Error as `compileModule` does
 */
export function compileNative(root: string, outDir: string, arch: NativeArch): string {
  const outfile = join(outDir, nativeFileName("linux", arch));
  compileModule(root, nativeSources, outfile, arch);
  return outfile;
}

/**
 * Compiles `integration/fast-path/hand-over.c` for Linux on a processor.
 * @param outDir where it is put, as `hand-over`
 * @returns its path
 * @throws Error as `compileModule` does
 */
export function compileHandOver(root: string, outDir: string, arch: NativeArch): string {
  const outfile = join(outDir, "hand-over");
  compile(root, ["integration/fast-path/hand-over.c"], outfile, arch, programShape);
  return outfile;
}

/**
 * Compiles a Node-API module: for this machine's own processor by `gcc`, or by what `CC` names; for another one by
 * Debian's cross compiler. A compiler that is missing is installed when this is root on a system with a package manager.
 * @param sources paths below `root`
 * @param more further arguments of the compiler
 * @throws Error when there is no compiler, with the packages to install, or when it finds fault with the source
 */
export function compileModule(
  root: string,
  sources: readonly string[],
  outfile: string,
  arch: NativeArch,
  more: readonly string[] = [],
): void {
  compile(root, sources, outfile, arch, [...moduleShape, ...more]);
}

function compile(
  root: string,
  sources: readonly string[],
  outfile: string,
  arch: NativeArch,
  more: readonly string[],
): void {
  const args = [
    ...[language, warnings, hardening, ownHardening[arch], reproducible].flat(),
    `-ffile-prefix-map=${root}=.`,
    ...linking.map((option) => `-Wl,${option}`),
    ...more,
    "-o",
    outfile,
    ...sources,
  ];
  const { status, error, stderr } = spawnSync(compilerFor(arch), args, { cwd: root, encoding: "utf8" });
  if (status !== 0) throw new Error(`${sources.join(", ")} does not compile for ${arch}: ${error?.message ?? stderr}`);
}

/** What the compiler for a processor calls itself, with its version. */
export function compilerVersion(arch: NativeArch): string {
  return spawnSync(compilerFor(arch), ["--version"], { encoding: "utf8" }).stdout.split("\n")[0] ?? "";
}

/** This machine's processor; undefined if the product has no native file for it. */
export function ownArch(): NativeArch | undefined {
  if (isOwn("x64")) return "x64";
  return isOwn("arm64") ? "arm64" : undefined;
}

function isOwn(arch: NativeArch): boolean {
  return process.platform === "linux" && process.arch === arch;
}

function compilerFor(arch: NativeArch): string {
  const chosen = process.env["CC"] ?? "";
  if (isOwn(arch) && chosen !== "") return chosen;
  const name = isOwn(arch) ? "gcc" : compilers[arch];
  const missing = installPrograms([name]);
  if (missing.length > 0) throw new Error(`there is no compiler for the native file: ${howToInstall(missing)}`);
  return name;
}
