/**
 * koffi's native part cannot go into a bundle: it is copied beside it, and koffi's own loader, which looks for it in
 * node_modules, is replaced by one that looks there.
 */
import { copyFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Plugin } from "esbuild";

/** Evaluated when koffi is first asked for, not when the bundle starts. */
const loader = `module.exports = require(require("node:path").join(__dirname, \`koffi-\${process.platform}-\${process.arch}.node\`));`;

export function koffiNative(): Plugin {
  return {
    name: "koffi-native",
    setup(build) {
      build.onResolve({ filter: /^koffi$/ }, () => ({ path: "koffi", namespace: "koffi-native" }));
      build.onLoad({ filter: /.*/, namespace: "koffi-native" }, () => ({ contents: loader, loader: "js" }));
    },
  };
}

/** Copies the native file of each Linux platform that npm installed (glibc); returns the names of the copies. */
export async function copyKoffi(root: string, outDir: string): Promise<string[]> {
  const packages = join(root, "node_modules/@koromix");
  const names: string[] = [];
  for (const directory of await readdir(packages)) {
    const [, arch] = /^koffi-linux-(x64|arm64)$/.exec(directory) ?? [];
    if (arch === undefined) continue;
    const name = `koffi-linux-${arch}.node`;
    await copyFile(join(packages, directory, `linux_${arch}`, "koffi.node"), join(outDir, name));
    names.push(name);
  }
  return names;
}
