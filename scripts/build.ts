/** `npm run build`: everything that is installed on a manager, into dist/. Run by npm in the root of the checkout. */
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bundleChooseWay, bundleCustomDfn, bundleForwarder, bundleManagerTree } from "./bundle/bundles.ts";
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
await bundleForwarder(root, aside);
await rm(outDir, { recursive: true, force: true });
await rename(aside, outDir);
