import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { compiledKernel, kernelPages } from "../../daemon/kernel/memory.ts";

const sources = ["scan.ts", "row.ts", "frames.ts"];

/**
 * Compiles the kernel's AssemblyScript to WebAssembly, next to the sources that were built: tests run those. The same source
 * gives the same bytes.
 * @param root of the repository
 * @throws Error with what the compiler says
 */
export function compileKernel(root: string): Buffer {
  const directory = join(root, "build/daemon/kernel");
  mkdirSync(directory, { recursive: true });
  const target = join(directory, compiledKernel);
  const compiler = join(root, "node_modules/assemblyscript/bin/asc.js");
  const source = [...sources.map((name) => `daemon/kernel/assembly/${name}`), "--outFile", target];
  const code = ["-O3", "--noAssert", "--runtime", "stub", "--enable", "simd"];
  const pages = String(kernelPages);
  const memory = ["--importMemory", "--initialMemory", pages, "--maximumMemory", pages];
  const { status, stderr } = spawnSync(process.execPath, [compiler, ...source, ...code, ...memory], {
    cwd: root,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`the kernel was not compiled: ${stderr}`);
  return readFileSync(target);
}
