/** `npm run build`: everything that is installed on a manager, into dist/. Run by npm in the root of the checkout. */
import { copyFile, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { bundleChooseWay, bundleCustomDfn, bundleForwarder, bundleManagerTree, bundleStart } from "./bundle/bundles.ts";
import { bundlePage } from "./bundle/page.ts";
import { compileHandOver, compileNative, ownArch } from "./bundle/native-file.ts";
import { componentsOf, licenceTexts } from "./package/components.ts";
import { repositoryRoot as root } from "./repository.ts";

// Built aside, so that a build that fails leaves the one before as it was.
const aside = join(root, "build/dist");
const outDir = join(root, "dist");

await rm(aside, { recursive: true, force: true });
await mkdir(aside, { recursive: true });
// A file without an extension, as custom-dfn is, belongs to the nearest package.json: the checkout's says "module".
await writeFile(join(aside, "package.json"), '{ "type": "commonjs" }\n');
await bundleCustomDfn(root, aside);
await bundleChooseWay(root, aside);
await bundleManagerTree(root, aside);
await bundleStart(root, aside);
const inputs = await bundleForwarder(root, aside);
// Tests run the unbundled forwarder too.
await writeFile(join(root, "build/daemon/page/page.html"), await bundlePage(root));
await copyFile(join(root, "LICENSE"), join(aside, "LICENSE"));
await writeFile(join(aside, "THIRD-PARTY-LICENCES"), licenceTexts(componentsOf(root, inputs)));
const arch = ownArch();
if (arch === undefined) {
  process.stderr.write(
    `there is no native file for ${process.platform} on ${process.arch}: no feedback to Wazuh, no lock of the state directory, no fast custom-dfn\n`,
  );
} else {
  const native = compileNative(root, aside, arch);
  compileHandOver(root, aside, arch);
  // Tests run the unbundled forwarder too. By a new file: a process that has the old one loaded keeps it.
  const copy = join(root, "build/daemon/os", basename(native));
  await copyFile(native, `${copy}.new`);
  await rename(`${copy}.new`, copy);
}
await rm(outDir, { recursive: true, force: true });
await rename(aside, outDir);
