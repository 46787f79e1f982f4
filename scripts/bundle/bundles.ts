/** The bundles that are installed on a manager. The same input gives the same bytes. */
import { chmod, copyFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { build, type BuildOptions, type Metafile } from "esbuild";
import { compileKernel } from "./kernel.ts";
import { kafkajsPatch } from "./kafkajs-patch.ts";
import { bundlePage } from "./page.ts";
import { leaveOut } from "./left-out.ts";

function options(root: string): BuildOptions {
  return {
    absWorkingDir: root, // keeps the checkout's own path out of the bundle
    preserveSymlinks: true, // and that of a node_modules that several checkouts share
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    logLevel: "warning",
    legalComments: "none",
  };
}

/**
 * `custom-dfn`: one executable file that loads nothing but `node:fs` and `node:net`, because each millisecond of its
 * start is paid per alert.
 * @throws Error when something in it asks for another module
 */
export async function bundleCustomDfn(root: string, outDir: string): Promise<void> {
  const outfile = join(outDir, "custom-dfn");
  const { metafile } = await build({
    ...options(root),
    entryPoints: ["integration/custom-dfn.ts"],
    outfile,
    banner: { js: "#!/usr/bin/env node" },
    metafile: true,
  });
  const others = externalImports(metafile).filter((name) => name !== "node:fs" && name !== "node:net");
  if (others.length > 0) throw new Error(`custom-dfn must not import ${others.join(", ")}: its start would slow down`);
  await chmod(outfile, 0o755);
}

/** `choose-way.cjs`, and next to it the `custom-dfn.sh` that it completes when it is installed. */
export async function bundleChooseWay(root: string, outDir: string): Promise<void> {
  await copyFile(join(root, "integration/custom-dfn.sh"), join(outDir, "custom-dfn.sh"));
  const entryPoints = ["integration/choose-way.ts"];
  await build({ ...options(root), entryPoints, outfile: join(outDir, "choose-way.cjs") });
}

/** `manager-tree.cjs`, by which the install scripts work in the manager's tree. */
export async function bundleManagerTree(root: string, outDir: string): Promise<void> {
  const entryPoints = ["scripts/manager-tree/main.ts"];
  await build({ ...options(root), entryPoints, outfile: join(outDir, "manager-tree.cjs") });
}

/**
 * `wazuh-dfn.cjs`. It looks for the native file next to itself.
 * @returns the paths of all files that went into it
 */
export async function bundleForwarder(root: string, outDir: string): Promise<string[]> {
  await mkdir(outDir, { recursive: true });
  const { metafile } = await build({
    ...options(root),
    metafile: true,
    entryPoints: ["daemon/main.ts"],
    outfile: join(outDir, "wazuh-dfn.cjs"),
    // Half the size to parse and to keep in memory. It stays ASCII, which V8 keeps in one byte a character.
    minifyWhitespace: true,
    minifySyntax: true, // names stay, so that a stack trace can be read
    define: {
      __VERSION__: JSON.stringify(await versionOf(root)),
      __KERNEL__: JSON.stringify(compileKernel(root).toString("base64")),
      __PAGE__: JSON.stringify(await bundlePage(root)),
      "import.meta.dirname": "__dirname",
    },
    plugins: [kafkajsPatch(), leaveOut()],
  });
  return Object.keys(metafile.inputs);
}

/**
 * `wazuh-dfn-start.cjs`, by which the package starts `wazuh-dfn.cjs`, and `make-code-cache.cjs`, which makes that faster
 * when the package is installed.
 */
export async function bundleStart(root: string, outDir: string): Promise<void> {
  for (const [name, entry] of [
    ["wazuh-dfn-start.cjs", "daemon/start/start.ts"],
    ["make-code-cache.cjs", "daemon/start/make-code-cache.ts"],
  ] as const) {
    const define = { "import.meta.dirname": "__dirname" };
    await build({ ...options(root), entryPoints: [entry], outfile: join(outDir, name), define });
  }
}

/** The version that package.json names. */
export async function versionOf(root: string): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  if (typeof manifest === "object" && manifest !== null && "version" in manifest) {
    if (typeof manifest.version === "string") return manifest.version;
  }
  throw new Error("package.json names no version");
}

function externalImports(metafile: Metafile): string[] {
  return Object.values(metafile.outputs).flatMap((output) => output.imports.map((imported) => imported.path));
}
